import type { ErrorCode } from '../kernel/errors.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { ProviderFailure } from '../protocols/neutral/index.ts'
import type { UpstreamFailure } from '../upstream/upstream.ts'

const maxRetryAfter = 3600
const maxMessage = 1000

/** What may be told of a provider: the client's own mistakes in the provider's words, everything else in ours. */
export interface Scrub {
  readonly shadow: string
  readonly real: string
  /** Every secret that the gateway has at this provider. */
  readonly secrets: readonly string[]
}

/** A failure told by the provider → what the client gets. A provider's 401 never looks like the client's. */
export const fromProvider = (failure: ProviderFailure, scrub: Scrub): GatewayError => {
  const retryAfter =
    failure.retryAfter === undefined ? undefined : Math.min(maxRetryAfter, Math.max(1, Math.ceil(failure.retryAfter)))
  const details = {
    ...(failure.param && { param: scrubText(failure.param, scrub) }),
    ...(retryAfter && { retryAfter }),
  }
  const told = withoutSecrets(failure.message, scrub.secrets).slice(0, maxMessage)
  const cause = new Error(`provider answered ${failure.status}: ${told}`)
  const words = (code: ErrorCode): GatewayError =>
    new GatewayError(code, scrubText(failure.message, scrub), details, { cause })
  if (failure.status < 400) return new GatewayError('upstream_error', elsewhere, { retry: false }, { cause })
  if (isPreviousLost(failure)) return words('previous_response_not_found')
  switch (failure.class) {
    case 'client':
      return words(failure.code === 'response_not_found' ? failure.code : 'invalid_request')
    case 'context-length':
      return words('context_length_exceeded')
    case 'content-filter':
      return words('content_filter')
    case 'auth':
      return new GatewayError('upstream_auth_failed', isUnpaid(failure) ? unpaid : undefined, {}, { cause })
    case 'model-not-found':
      return new GatewayError(
        'upstream_error',
        'The provider does not know the model behind this name. An administrator must correct its target.',
        { retry: false },
        { cause },
      )
    case 'rate-limited':
    case 'overloaded':
      return new GatewayError('upstream_unavailable', undefined, { retryAfter: retryAfter ?? 5 }, { cause })
    case 'timeout':
      return new GatewayError('upstream_timeout', undefined, {}, { cause })
    case 'server':
      return new GatewayError(
        failure.code === 'upstream_disconnected' ? failure.code : 'upstream_error',
        undefined,
        details,
        { cause },
      )
  }
}

const elsewhere =
  'The provider answered with a redirect, which is not followed. An administrator must correct its address.'

const unpaid = 'The account of this gateway at the provider has no credit left. An administrator must add some there.'

const isUnpaid = ({ status, message }: ProviderFailure): boolean =>
  status === 402 || /credit balance is too low|insufficient (?:balance|credits?|funds)/i.test(message)

/** What a request goes on from is gone at the provider: OpenAI's code for it, or vLLM's sentence in a 404, which is not about the model. */
const isPreviousLost = ({ code, status, message }: ProviderFailure): boolean =>
  code === 'previous_response_not_found' ||
  (status === 404 && code !== 'response_not_found' && /^(?:previous )?response with id\b/i.test(message))

/** A failure of the connection → what the client gets. */
export const fromNetwork = (failure: UpstreamFailure): GatewayError => {
  // What was wrong with an upload was found while it was being sent.
  if (failure.cause instanceof GatewayError) return failure.cause
  const cause = failure.cause ?? new Error(failure.message)
  switch (failure.kind) {
    case 'connect':
    case 'tls':
      return new GatewayError('upstream_error', 'The provider cannot be reached.', {}, { cause })
    case 'forbidden':
      return new GatewayError('upstream_forbidden', undefined, {}, { cause })
    case 'first-byte-timeout':
    case 'idle-timeout':
      return new GatewayError('upstream_timeout', undefined, {}, { cause })
    case 'disconnected':
    case 'aborted':
      return new GatewayError('upstream_disconnected', undefined, {}, { cause })
    case 'protocol':
      return new GatewayError('upstream_error', 'The provider sent an answer that cannot be read.', {}, { cause })
  }
}

/** Removes the real model's name, addresses and anything that looks like a credential. */
export const scrubText = (text: string, { shadow, real, secrets }: Scrub): string => {
  let clean = withoutSecrets(text, secrets)
    .replaceAll(/\b(?:https?|wss?):\/\/[^\s"'<>)]+/gi, '[address removed]')
    .replaceAll(/\b(?:sk|pk|rk|key|gsk|xai|AIza)[-_][A-Za-z0-9_\-*.]{8,}/g, '[removed]')
    .replaceAll(/\bBearer\s+[A-Za-z0-9._~+/=-]+/gi, 'Bearer [removed]')
  if (real && real !== shadow) clean = clean.replaceAll(new RegExp(RegExp.escape(real), 'gi'), shadow)
  return clean.length > maxMessage ? `${clean.slice(0, maxMessage)}…` : clean
}

/** Parts of a secret that consists of several (an id and a key, a file of credentials) are secrets too. */
const pieces = (secrets: readonly string[]): string[] =>
  secrets.flatMap((secret) => [secret, ...secret.split(/[\s:"{},]+/).filter((piece) => piece.length >= 16)])

const withoutSecrets = (text: string, secrets: readonly string[]): string => {
  let clean = text
  for (const piece of pieces(secrets)) if (piece !== '') clean = clean.replaceAll(piece, '[removed]')
  return clean
}

/** The cause of an error as it may be logged: providers quote the key that they refuse, and what cannot be read is quoted by the one who tried. */
export const loggable = (cause: unknown, secrets: readonly string[]): unknown => {
  if (!(cause instanceof Error)) return cause
  const message = withoutSecrets(cause.message, secrets)
  const inner = loggable(cause.cause, secrets)
  if (message === cause.message && inner === cause.cause) return cause
  const clean = new Error(message, { cause: inner })
  clean.name = cause.name
  clean.stack = withoutSecrets(cause.stack ?? '', secrets)
  return clean
}
