import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { KeyPrincipal } from '../keys/verdict.ts'
import { Bucket } from './bucket.ts'

/** Requests and tokens per minute and requests at the same time, per API key, in the memory of this process. */
export interface Limiter {
  /**
   * Takes one request, the estimate of its tokens and one place at the same time. Throws `rate_limit_exceeded` or `concurrency_limited` with `retryAfter` and takes
   * nothing. Every lease must be released, once, whatever becomes of the request.
   */
  take(principal: KeyPrincipal, tokens: number): Lease
  /** What is left for a key now; null for a key without limits. */
  show(principal: KeyPrincipal): RateLimits | null
}

export interface Lease {
  /** What is left after this request, for response headers; null for a key without limits. */
  readonly limits: RateLimits | null
  /** Gives the place back and corrects the tokens to what was really used. */
  release(tokens: number): void
}

export interface RateLimits {
  readonly requests: LimitState | null
  readonly tokens: LimitState | null
}

export interface LimitState {
  readonly limit: number
  readonly remaining: number
  /** Milliseconds until the whole limit is there again. */
  readonly resetMs: number
}

interface KeyState {
  requests: Bucket | null
  tokens: Bucket | null
  running: number
}

const free: Lease = { limits: null, release: () => {} }

export const createLimiter = ({ clock }: { clock: Clock }): Limiter => {
  const states = new Map<string, KeyState>()

  // A changed limit starts with a full bucket of the new size; an unchanged one goes on where it was.
  const bucketFor = (limit: number | null, old: Bucket | null, now: number): Bucket | null =>
    limit === null ? null : old?.limit === limit ? old : new Bucket(limit, now)

  const stateOf = ({ keyId, requestsPerMinute, tokensPerMinute }: KeyPrincipal, now: number): KeyState => {
    let state = states.get(keyId)
    if (!state) states.set(keyId, (state = { requests: null, tokens: null, running: 0 }))
    state.requests = bucketFor(requestsPerMinute, state.requests, now)
    state.tokens = bucketFor(tokensPerMinute, state.tokens, now)
    return state
  }

  return {
    show(principal) {
      if (isUnlimited(principal)) return null
      const now = clock.monotonic()
      const state = stateOf(principal, now)
      return { requests: describe(state.requests, now), tokens: describe(state.tokens, now) }
    },
    take(principal, tokens) {
      if (isUnlimited(principal)) return free
      const { requestsPerMinute, tokensPerMinute, concurrency } = principal
      const now = clock.monotonic()
      const state = stateOf(principal, now)
      if (concurrency !== null && state.running >= concurrency) {
        throw new GatewayError(
          'concurrency_limited',
          `This API key may run ${concurrency} requests at the same time.`,
          { retryAfter: 1 },
        )
      }
      if (state.requests && state.requests.level(now) < 1) {
        throw limited(`This API key may send ${requestsPerMinute} requests per minute.`, state.requests.wait(1, now))
      }
      if (state.tokens && !state.tokens.take(tokens, now)) {
        throw limited(`This API key may use ${tokensPerMinute} tokens per minute.`, state.tokens.wait(tokens, now))
      }
      state.requests?.take(1, now)
      state.running++
      const taken = state
      let released = false
      return {
        limits: { requests: describe(state.requests, now), tokens: describe(state.tokens, now) },
        release(used) {
          if (released) return
          released = true
          taken.running--
          taken.tokens?.correct(tokens - used)
        },
      }
    },
  }
}

const isUnlimited = ({ requestsPerMinute, tokensPerMinute, concurrency }: KeyPrincipal): boolean =>
  requestsPerMinute === null && tokensPerMinute === null && concurrency === null

const limited = (message: string, waitMs: number): GatewayError =>
  new GatewayError('rate_limit_exceeded', message, { retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) })

const describe = (bucket: Bucket | null, now: number): LimitState | null =>
  bucket && {
    limit: bucket.limit,
    remaining: Math.max(0, Math.floor(bucket.level(now))),
    resetMs: Math.ceil(bucket.wait(bucket.limit, now)),
  }
