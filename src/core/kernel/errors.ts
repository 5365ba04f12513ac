/**
 * The catalogue of every error the gateway can answer with, and the one class that carries them.
 *
 * An entry fixes what outsiders rely on (contract, parts 1 and 3): HTTP status, machine-readable code, whether a client should retry, and the CLI exit
 * code. Renderers map `kind`, never single codes, to a protocol's own vocabulary. `cause` stays inside (logs); `message` is public.
 */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  | 'unsupported_media'
  | 'credits'
  | 'rate_limited'
  | 'upstream_failed'
  | 'upstream_busy'
  | 'upstream_timeout'
  | 'unavailable'
  | 'internal'

interface ErrorEntry {
  readonly kind: ErrorKind
  /** HTTP status on the proxy and admin planes. */
  readonly status: number
  /** Whether repeating the same request may succeed; rendered as `x-should-retry`. */
  readonly retry: boolean
  /** CLI exit code (contract, part 1). */
  readonly exit: number
  /** Default public sentence; throwers usually give a better one that says what to do. */
  readonly message: string
}

const entry = (kind: ErrorKind, status: number, message: string, more: { retry?: boolean; exit?: number } = {}) =>
  ({ kind, status, message, retry: more.retry ?? false, exit: more.exit ?? 1 }) as const satisfies ErrorEntry

/** Exit codes of the program (contract, part 1). */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  notAuthorised: 4,
  unavailable: 69,
  bug: 70,
  io: 74,
  busy: 75,
  otherVersion: 76,
  permission: 77,
  configuration: 78,
} as const

export const errorCatalogue = {
  // authentication and authorisation
  invalid_api_key: entry(
    'unauthenticated',
    401,
    'No valid API key was given. Send it as "Authorization: Bearer sk-tg-…", "x-api-key" or "x-goog-api-key".',
    { exit: 4 },
  ),
  ambiguous_credentials: entry(
    'unauthenticated',
    401,
    'Two different credentials were sent in one request. Send exactly one.',
    { exit: 4 },
  ),
  expired_api_key: entry('unauthenticated', 401, 'This API key has expired.', { exit: 4 }),
  disabled_api_key: entry('unauthenticated', 401, 'This API key is disabled.', { exit: 4 }),
  unauthenticated: entry('unauthenticated', 401, 'Authentication is required.', { exit: 4 }),
  ip_not_allowed: entry('forbidden', 403, 'This API key may not be used from this address.', { exit: 4 }),
  model_not_allowed: entry('forbidden', 403, 'This API key may not use this model.', { exit: 4 }),
  forbidden: entry('forbidden', 403, 'You may not do this.', { exit: 4 }),
  // requests
  invalid_json: entry('invalid', 400, 'The body is not valid JSON.'),
  json_too_deep: entry('invalid', 400, 'The body is nested too deeply.'),
  json_too_complex: entry('invalid', 400, 'The body holds too many values.'),
  duplicate_key: entry('invalid', 400, 'A key appears twice at the top level of the body.'),
  invalid_utf8: entry('invalid', 400, 'The body is not valid UTF-8.'),
  invalid_request: entry('invalid', 400, 'The request is not valid.', { exit: 2 }),
  forbidden_field: entry(
    'invalid',
    400,
    'This field may not be sent: destinations and credentials are set by the gateway.',
  ),
  unsupported_parameter: entry('invalid', 400, 'A parameter cannot be expressed for the model behind this name.'),
  unsupported_endpoint: entry('invalid', 400, 'The provider behind this model has no such endpoint.'),
  context_length_exceeded: entry('invalid', 400, 'The request is longer than the context window of the model.'),
  content_filter: entry('invalid', 400, 'The provider refused the content of this request.'),
  unsupported_media_type: entry(
    'unsupported_media',
    415,
    'Send the body as application/json in UTF-8 without content encoding.',
  ),
  request_too_large: entry('too_large', 413, 'The body is too large.'),
  request_timeout: entry('invalid', 408, 'The request body did not arrive in time.', { retry: true }),
  not_found: entry('not_found', 404, 'There is nothing here.'),
  response_not_found: entry('not_found', 404, 'This response does not exist.'),
  previous_response_not_found: entry('invalid', 400, 'The previous response does not exist.'),
  model_not_found: entry('not_found', 404, 'This model does not exist.'),
  method_not_allowed: entry('method_not_allowed', 405, 'This method is not allowed here.'),
  upgrade_required: entry('invalid', 426, 'WebSocket is not served here; use HTTPS.'),
  conflict: entry('conflict', 409, 'This conflicts with the current state.'),
  already_exists: entry('conflict', 409, 'This already exists.'),
  idempotency_mismatch: entry('conflict', 422, 'This Idempotency-Key was used with other parameters.'),
  idempotency_required: entry('invalid', 428, 'Send an Idempotency-Key with every write of money.'),
  // money and limits
  insufficient_credits: entry('credits', 402, 'Not enough credit for this request.'),
  quota_exceeded: entry('rate_limited', 429, 'The quota of this API key is used up.'),
  rate_limit_exceeded: entry('rate_limited', 429, 'Too many requests.', { retry: true }),
  concurrency_limited: entry('rate_limited', 429, 'Too many requests at the same time.', { retry: true }),
  model_unpriced: entry('unavailable', 503, 'This model has no price. An administrator must set one.'),
  // upstream
  upstream_error: entry('upstream_failed', 502, 'The provider failed to answer this request.', { retry: true }),
  upstream_auth_failed: entry('upstream_failed', 502, 'The provider refused the credentials of this gateway.'),
  upstream_forbidden: entry('upstream_failed', 502, 'The destination of this provider is not allowed.'),
  upstream_disconnected: entry('upstream_failed', 502, 'The provider ended the answer before it was complete.', {
    retry: true,
  }),
  upstream_unavailable: entry('upstream_busy', 503, 'The provider cannot take this request now.', {
    retry: true,
    exit: 69,
  }),
  upstream_timeout: entry('upstream_timeout', 504, 'The provider did not answer in time.', { retry: true }),
  // ourselves
  draining: entry('unavailable', 503, 'This gateway is shutting down.', { retry: true, exit: 69 }),
  overloaded: entry('unavailable', 503, 'This gateway is overloaded.', { retry: true, exit: 75 }),
  storage_unavailable: entry('unavailable', 503, 'The database of this gateway is unavailable.', {
    retry: true,
    exit: 69,
  }),
  database_busy: entry('unavailable', 503, 'The database is in use by another process. Try again.', {
    retry: true,
    exit: 75,
  }),
  database_refused: entry('internal', 500, 'The database file cannot be used.', { exit: 74 }),
  configuration_invalid: entry('internal', 500, 'The configuration is not valid.', { exit: 78 }),
  daemon_unreachable: entry('unavailable', 503, 'The daemon cannot be reached.', { exit: 69 }),
  version_mismatch: entry('internal', 500, 'The daemon runs another version of this program.', { exit: 76 }),
  permission_denied: entry('internal', 500, 'Permission denied.', { exit: 77 }),
  usage_error: entry('invalid', 400, 'The command line is not valid.', { exit: 2 }),
  internal_error: entry('internal', 500, 'Something broke in the gateway. It was logged under the request id.', {
    exit: 70,
  }),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorCatalogue

export interface FieldError {
  /** Dotted path of the field, for example `messages[3].content`. */
  readonly path: string
  readonly message: string
}

export interface ErrorDetails {
  /** The field that is wrong (OpenAI's `param`). */
  readonly param?: string
  readonly fields?: readonly FieldError[]
  /** Seconds after which a retry makes sense; rendered as `retry-after`. */
  readonly retryAfter?: number
  /** One line that says what to do next (CLI). */
  readonly hint?: string
  /** Overrides the catalogue's `retry` where the thrower knows better. */
  readonly retry?: boolean
}

/** The only error class that leaves the core on purpose. Anything else is a bug and renders as `internal_error`. */
export class GatewayError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message ?? errorCatalogue[code].message, options)
    this.name = 'GatewayError'
    this.code = code
    this.details = details
  }

  get kind(): ErrorKind {
    return errorCatalogue[this.code].kind
  }
  get status(): number {
    return errorCatalogue[this.code].status
  }
  get exit(): number {
    return errorCatalogue[this.code].exit
  }
  get retry(): boolean {
    return this.details.retry ?? errorCatalogue[this.code].retry
  }
}

/** Any thrown value as a GatewayError; unknown ones become `internal_error` with the original as cause. */
export const toGatewayError = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError('internal_error', undefined, {}, { cause: error })

/** Plain form that crosses a thread or socket; `reviveError` turns it back. */
export interface WireError {
  readonly code: ErrorCode
  readonly message: string
  readonly details: ErrorDetails
}

export const serialiseError = (error: unknown): WireError => {
  const known = toGatewayError(error)
  return { code: known.code, message: known.message, details: known.details }
}

export const reviveError = (wire: WireError): GatewayError => new GatewayError(wire.code, wire.message, wire.details)
