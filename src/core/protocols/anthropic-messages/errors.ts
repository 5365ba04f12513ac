import type { ErrorKind, GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import type { HeaderLookup } from '../protocol.ts'
import { statusNumber, statusOfWord } from '../failed-answer.ts'
import { formatEvent } from '../sse.ts'
import { isObject } from './read.ts'

const typeOf: Readonly<Record<ErrorKind, string>> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'invalid_request_error',
  too_large: 'request_too_large',
  unsupported_media: 'invalid_request_error',
  credits: 'billing_error',
  rate_limited: 'rate_limit_error',
  upstream_failed: 'api_error',
  upstream_busy: 'overloaded_error',
  upstream_timeout: 'api_error',
  unavailable: 'overloaded_error',
  internal: 'api_error',
}

/** A missing price has the status of an outage but does not pass by itself, which `overloaded_error` would promise. */
const errorType = (error: GatewayError): string => (error.code === 'model_unpriced' ? 'api_error' : typeOf[error.kind])

/** `details.error_code` is where the SDK looks for a finer code (`errorCode`). */
const errorBody = (error: GatewayError): JsonObject => ({
  type: errorType(error),
  message: error.message,
  details: { error_code: error.code, ...(error.details.param !== undefined && { param: error.details.param }) },
})

export const renderError = (
  error: GatewayError,
  requestId: string,
): { readonly status: number; readonly body: JsonObject } => ({
  status: error.status,
  body: { type: 'error', error: errorBody(error), request_id: requestId },
})

/** The blank line in front ends whatever frame was cut before. */
export const renderStreamError = (error: GatewayError, requestId: string): string =>
  `\n\n${formatEvent('error', JSON.stringify({ type: 'error', error: errorBody(error), request_id: requestId }))}`

/** What an `error` event of a started stream means as an HTTP status. */
const statusOf: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

/** Whether a frame tells an error: by name, by type, or, from servers that imitate the API, by nothing but an error object. */
export const isError = (name: string, event: JsonObject | undefined): boolean =>
  name === 'error' ||
  event?.['type'] === 'error' ||
  (event !== undefined && event['type'] === undefined && isObject(event['error']))

/** The `error` event inside a 200 stream, or an error object where a message was expected. */
export const decodeStreamError = (event: JsonObject): ProviderFailure => {
  const told = readBody(event)
  return failure(statusOf[told.code ?? ''] ?? told.status ?? statusOfWord(told.word) ?? 500, told, undefined)
}

/** A provider's answer that is not 2xx: Anthropic's shape, `{"message"}` as Bedrock has it, other JSON, or a page of HTML. */
export const decodeError = (status: number, headers: HeaderLookup, body: Buffer): ProviderFailure => {
  const told = readBody(parse(body))
  const awsType = headers('x-amzn-errortype')?.split(/[:;]/)[0]
  return failure(status, { ...(awsType && { code: awsType }), ...told }, retryAfter(headers))
}

interface Told {
  readonly message?: string
  readonly code?: string
  /** All that it says beside its sentence, and its number where that is a status: servers tell errors in the shapes of other vendors too. */
  readonly word?: string
  readonly status?: number
}

const failure = (status: number, told: Told, wait: number | undefined): ProviderFailure => {
  const message = told.message ?? `The provider answered with status ${status} and no readable message.`
  return {
    class: classOf(status, told.code ?? '', message),
    status,
    message,
    ...(told.code !== undefined && { code: told.code }),
    ...(wait !== undefined && { retryAfter: wait }),
  }
}

const parse = (body: Buffer): JsonValue | undefined => {
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return undefined
  }
}

const readBody = (body: JsonValue | undefined): Told => {
  const whole = Array.isArray(body) ? body[0] : body
  if (!isObject(whole)) return {}
  const error = whole['error']
  const inner = isObject(error) ? error : whole
  const message = firstText(inner['message'], inner['Message'], inner['detail'], error)
  const code = inner === whole ? undefined : firstText(inner['type'], inner['code'])
  const told = [inner['type'], inner['code'], inner['status']]
  const word = told.filter((value) => typeof value === 'string').join(' ')
  const status = statusNumber(...told)
  return {
    ...(message !== undefined && { message }),
    ...(code !== undefined && { code }),
    word,
    ...(status !== undefined && { status }),
  }
}

const firstText = (...values: readonly (JsonValue | undefined)[]): string | undefined => {
  for (const value of values) if (typeof value === 'string' && value !== '') return value
  return undefined
}

const classOf = (status: number, code: string, message: string): ProviderFailure['class'] => {
  if (status === 401 || status === 403 || status === 402) return 'auth'
  // A missing file is the client's matter, a missing model or path the operator's.
  if (status === 404) return code === 'not_found_error' && !/model/i.test(message) ? 'client' : 'model-not-found'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 429) return 'rate-limited'
  if (status === 503 || status === 529 || code === 'overloaded_error') return 'overloaded'
  if (status >= 500) return 'server'
  if (/prompt is too long|input is too long|context window|context limit|too many (?:input )?tokens/i.test(message))
    return 'context-length'
  // The gateway's own account at the provider is empty: nothing the client could change.
  if (/credit balance is too low/i.test(message)) return 'auth'
  if (/content filtering policy|content policy/i.test(message)) return 'content-filter'
  if (/model identifier is invalid/i.test(message)) return 'model-not-found'
  return 'client'
}

/** Seconds to wait: `retry-after-ms`, else `retry-after` in seconds, else as a date measured against the answer's own date. */
const retryAfter = (headers: HeaderLookup): number | undefined => {
  const ms = Number(headers('retry-after-ms') ?? Number.NaN)
  if (ms > 0) return ms / 1000
  const given = headers('retry-after')
  if (given === undefined) return undefined
  const seconds = Number(given)
  if (Number.isFinite(seconds)) return seconds > 0 ? seconds : undefined
  const wait = (Date.parse(given) - Date.parse(headers('date') ?? '')) / 1000
  return wait > 0 ? wait : undefined
}
