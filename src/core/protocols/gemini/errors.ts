import type { ErrorKind, GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import type { HeaderLookup } from '../protocol.ts'
import { statusOfWord } from '../failed-answer.ts'
import { isObject } from '../read.ts'

const statusName: Readonly<Record<ErrorKind, string>> = {
  invalid: 'INVALID_ARGUMENT',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  method_not_allowed: 'UNIMPLEMENTED',
  conflict: 'ABORTED',
  too_large: 'INVALID_ARGUMENT',
  unsupported_media: 'INVALID_ARGUMENT',
  credits: 'FAILED_PRECONDITION',
  rate_limited: 'RESOURCE_EXHAUSTED',
  upstream_failed: 'INTERNAL',
  upstream_busy: 'UNAVAILABLE',
  upstream_timeout: 'DEADLINE_EXCEEDED',
  unavailable: 'UNAVAILABLE',
  internal: 'INTERNAL',
}
const domain = 'tollgate'
const detail = (type: string, fields: JsonObject): JsonObject => ({
  '@type': `type.googleapis.com/google.rpc.${type}`,
  ...fields,
})

/** google.rpc.Status: our code is the reason of the ErrorInfo, in capitals as its definition demands; gemini-cli waits as long as the RetryInfo says. */
const errorBody = (error: GatewayError, requestId: string): JsonObject => {
  const { param, retryAfter } = error.details
  return {
    error: {
      code: error.status,
      message: error.message,
      // A missing price has the status of an outage but does not pass by itself.
      status: error.code === 'model_unpriced' ? 'FAILED_PRECONDITION' : statusName[error.kind],
      details: [
        detail('ErrorInfo', { reason: error.code.toUpperCase(), domain, metadata: { requestId } }),
        ...(param === undefined
          ? []
          : [detail('BadRequest', { fieldViolations: [{ field: param, description: error.message }] })]),
        ...(retryAfter === undefined ? [] : [detail('RetryInfo', { retryDelay: `${retryAfter}s` })]),
      ],
    },
  }
}

export const renderError = (
  error: GatewayError,
  requestId: string,
): { readonly status: number; readonly body: JsonObject } => ({
  status: error.status,
  body: errorBody(error, requestId),
})

/**
 * Framed with CRLF as the API does; the SDK throws away blocks that begin with anything but `data:`. The blank line in front ends whatever frame was cut
 * before.
 */
export const renderStreamError = (error: GatewayError, requestId: string): string =>
  `\r\n\r\ndata: ${JSON.stringify(errorBody(error, requestId))}\r\n\r\n`

/** google.rpc.Code with the HTTP statuses that its definition gives, in the order of its numbers. */
const statusOf: Readonly<Record<string, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
}
const codeNames = Object.keys(statusOf)

/** A provider's answer that is not 2xx: google.rpc.Status, the same in an array (streams without `alt=sse`), other JSON, or a page of HTML. */
export const decodeError = (status: number, headers: HeaderLookup, body: Buffer): ProviderFailure => {
  const told = readBody(parse(body))
  const header = Number(headers('retry-after') ?? Number.NaN)
  return failure(status, told, header > 0 ? header : told.retryAfter)
}

/** An error inside a 200: a chunk of nothing but `error`, whole or in an array. */
export const decodeStreamError = (body: JsonValue): ProviderFailure => {
  const told = readBody(body)
  return failure(told.status ?? statusOfWord(told.code) ?? statusOfWord(told.type) ?? 500, told, told.retryAfter)
}

interface Told {
  readonly message?: string
  /** The name of the google.rpc.Code. */
  readonly code?: string
  /** From servers that tell errors in another vendor's shape. */
  readonly type?: string
  readonly status?: number
  /** Reasons of ErrorInfo details. */
  readonly reasons: readonly string[]
  readonly retryAfter?: number
}

const failure = (status: number, told: Told, wait: number | undefined): ProviderFailure => {
  const message = told.message ?? `The provider answered with status ${status} and no readable message.`
  const code = told.reasons[0] ?? told.code
  return {
    class: classOf(status, told, message),
    status,
    message,
    ...(code !== undefined && { code }),
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
  if (!isObject(whole)) return { reasons: [] }
  const inner = isObject(whole['error']) ? whole['error'] : whole
  const details = Array.isArray(inner['details']) ? inner['details'].filter(isObject) : []
  const message = text(inner['message']) ?? text(whole['error'])
  const code = readCode(inner['status']) ?? readCode(inner['code'])
  const status = typeof inner['code'] === 'number' && inner['code'] >= 400 ? inner['code'] : statusOf[code ?? '']
  const retryAfter = details.map((item) => seconds(item['retryDelay'])).find((delay) => delay !== undefined)
  const type = text(inner['type'])
  return {
    reasons: details.map((item) => text(item['reason'])).filter((reason) => reason !== undefined),
    ...(message !== undefined && { message }),
    ...(code !== undefined && { code }),
    ...(type !== undefined && { type }),
    ...(status !== undefined && status <= 599 && { status }),
    ...(retryAfter !== undefined && { retryAfter }),
  }
}

/** The name of a google.rpc.Code, told as such or as its number. */
const readCode = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'number' ? codeNames[value] : text(value)

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** google.protobuf.Duration: `"34.4s"`, or in fields where the transcoder was not asked for JSON. */
const seconds = (value: JsonValue | undefined): number | undefined => {
  const told = isObject(value)
    ? Number(value['seconds'] ?? 0) + Number(value['nanos'] ?? 0) / 1e9
    : Number(/^(\d+(?:\.\d+)?)s$/.exec(text(value) ?? '')?.[1] ?? Number.NaN)
  return told > 0 && Number.isFinite(told) ? told : undefined
}

const tooLong = /exceeds the maximum number of tokens|input token count|context (?:window|length)|prompt is too long/i
/** Of the gateway's own account, or of the place it stands in: nothing the client could change. */
const ours = /api[ _]key (?:not valid|expired|not found)|user location is not supported|billing/i

const classOf = (status: number, { code, reasons }: Told, message: string): ProviderFailure['class'] => {
  if (status === 401 || status === 402 || status === 403) return 'auth'
  // A missing file or cache is the client's matter, a missing model or path the operator's.
  if (status === 404)
    return /file|cachedcontent/i.test(message) && !/model/i.test(message) ? 'client' : 'model-not-found'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 429) return 'rate-limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status >= 499) return 'server'
  if (reasons.some((reason) => reason.startsWith('API_KEY_')) || ours.test(message)) return 'auth'
  if (tooLong.test(message)) return 'context-length'
  return code === 'PERMISSION_DENIED' || code === 'UNAUTHENTICATED' ? 'auth' : 'client'
}
