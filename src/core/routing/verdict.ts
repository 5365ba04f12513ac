import { GatewayError } from '../kernel/errors.ts'
import type { ProviderFailure } from '../protocols/neutral/index.ts'
import type { UpstreamFailure } from '../upstream/upstream.ts'

/** Whom an attempt's end is put down to: the key, the target, or nobody behind the gateway. */
export type Fault =
  /** It worked. */
  | 'none'
  /** The client's own mistake, its leaving, our shutdown: says nothing about anybody. */
  | 'nobody'
  /** The key was used too often (429). */
  | 'rate-limited'
  /** The key is not accepted (401, 403). */
  | 'rejected'
  /** The account of the key is empty (402 and quotas). */
  | 'exhausted'
  /** The provider does not know the model. */
  | 'unknown-model'
  /** The provider does not work: no connection, no answer, 5xx, a cut stream. */
  | 'broken'

export interface Verdict {
  readonly fault: Fault
  /** Whether another may be asked: nothing was executed, or the provider said so. */
  readonly moves: boolean
  /** One word or two for the record. */
  readonly reason: string
  /** Milliseconds that the provider asked to be left alone. */
  readonly restMs?: number
}

export const good: Verdict = { fault: 'none', moves: false, reason: 'ok' }
export const noVerdict: Verdict = { fault: 'nobody', moves: false, reason: 'ended here' }
/** An answer that ended before its end, or is none. It may have been executed. */
export const cutShort: Verdict = { fault: 'broken', moves: false, reason: 'cut short' }
/** No credential could be had for the key: nothing was sent. */
export const noCredential: Verdict = { fault: 'rejected', moves: true, reason: 'no credential' }

/** Faults that are the key's: another key of the same provider may do. */
export const blamesKey = (fault: Fault): fault is KeyFault =>
  fault === 'rate-limited' || fault === 'rejected' || fault === 'exhausted'
export type KeyFault = 'rate-limited' | 'rejected' | 'exhausted'

/** A connection that failed. Once a byte of the request may have arrived it may have been executed, and then nobody else is asked. */
export const ofNetwork = ({ kind, sent, cause }: UpstreamFailure): Verdict => {
  // Our own end of the call, and what was wrong with the client's upload.
  if (kind === 'aborted' || cause instanceof GatewayError) return noVerdict
  return { fault: 'broken', moves: !sent, reason: kind }
}

const empty = /insufficient[_ ]quota|exceeded your current quota|credit balance is too low|billing|payment required/i

/** What a provider said instead of an answer. */
export const ofProvider = ({ class: kind, status, code = '', message, retryAfter }: ProviderFailure): Verdict => {
  const restMs = retryAfter !== undefined && retryAfter > 0 ? { restMs: retryAfter * 1000 } : {}
  switch (kind) {
    case 'client':
    case 'context-length':
    case 'content-filter':
      return { fault: 'nobody', moves: false, reason: kind }
    case 'auth':
      if (status === 402 || empty.test(message))
        return { fault: 'exhausted', moves: true, reason: 'no credit', ...restMs }
      return { fault: 'rejected', moves: true, reason: 'key rejected' }
    case 'rate-limited':
      if (empty.test(code)) return { fault: 'exhausted', moves: true, reason: 'no quota', ...restMs }
      return { fault: 'rate-limited', moves: true, reason: 'rate-limited', ...restMs }
    case 'model-not-found':
      return { fault: 'unknown-model', moves: true, reason: 'unknown model' }
    case 'overloaded':
    case 'timeout':
    case 'server':
      return { fault: 'broken', moves: true, reason: kind }
  }
}
