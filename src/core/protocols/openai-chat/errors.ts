import type { ErrorKind, GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import type { HeaderLookup } from '../protocol.ts'
import { statusNumber, statusOfWord } from '../failed-answer.ts'
import { isObject } from '../read.ts'
import { formatEvent } from '../sse.ts'
import { classify, retryAfter } from './classify.ts'

const typeOf: Readonly<Record<ErrorKind, string>> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'invalid_request_error',
  forbidden: 'permission_error',
  not_found: 'invalid_request_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'invalid_request_error',
  too_large: 'invalid_request_error',
  unsupported_media: 'invalid_request_error',
  credits: 'insufficient_quota',
  rate_limited: 'rate_limit_error',
  upstream_failed: 'server_error',
  upstream_busy: 'server_error',
  upstream_timeout: 'server_error',
  unavailable: 'server_error',
  internal: 'server_error',
}

const errorBody = (error: GatewayError): JsonObject => ({
  error: {
    message: error.message,
    type: typeOf[error.kind],
    param: error.details.param ?? null,
    code: error.code,
  },
})

export const renderError = (error: GatewayError): { readonly status: number; readonly body: JsonObject } => ({
  status: error.status,
  body: errorBody(error),
})

/** A bare error object, without `choices` and with no `[DONE]` behind it: SDKs raise it. The blank line in front ends whatever frame was cut before. */
export const renderStreamError = (error: GatewayError): string =>
  `\n\n${formatEvent('', JSON.stringify(errorBody(error)))}`

/** A provider's answer that is not 2xx, in any shape that Chat-like servers use, or a page of HTML. */
export const decodeError = (status: number, headers: HeaderLookup, body: Buffer): ProviderFailure => {
  const told = readBody(parse(body))
  const wait = retryAfter(headers)
  return { ...failure(status, told), ...(wait !== undefined && { retryAfter: wait }) }
}

/** An error inside a 200: `event: error`, a chunk with an extra `error`, or an error object where an answer was expected. */
export const decodeStreamError = (body: JsonValue): ProviderFailure => {
  const told = readBody(body)
  return failure(told.status ?? statusOfWord(told.code) ?? statusOfWord(told.type) ?? 500, told)
}

interface Told {
  readonly message?: string
  readonly code?: string
  readonly type?: string
  readonly param?: string
  readonly status?: number
}

const failure = (status: number, told: Told): ProviderFailure => {
  const message = told.message ?? `The provider answered with status ${status} and no readable message.`
  return {
    class: classify(status, told.code ?? told.type ?? '', message),
    status,
    message,
    ...((told.code ?? told.type) !== undefined && { code: (told.code ?? told.type)! }),
    ...(told.param !== undefined && { param: told.param }),
  }
}

const parse = (body: Buffer): JsonValue | undefined => {
  try {
    return JSON.parse(body.toString('utf8')) as JsonValue
  } catch {
    return undefined
  }
}

/**
 * `{error: {…}}` (OpenAI, Groq, OpenRouter), the same in an array (Gemini's endpoint), `{error: "text", code}` (xAI, Ollama), `{detail: …}` (Mistral, FastAPI),
 * `{message, type, code}` (Mistral, vLLM).
 */
const readBody = (body: JsonValue | undefined): Told => {
  const whole = Array.isArray(body) ? body[0] : body
  if (!isObject(whole)) return {}
  const inner = isObject(whole['error']) ? whole['error'] : whole
  const message = text(inner['message']) ?? text(whole['error']) ?? detail(whole['detail'])
  const code = text(inner['code']) ?? text(whole['code'])
  const type = text(inner['type']) ?? text(inner['status'])
  const param = text(inner['param'])
  const status = statusNumber(inner['status_code'], inner['code'], whole['status_code'])
  return {
    ...(message !== undefined && { message }),
    ...(code !== undefined && { code }),
    ...(type !== undefined && { type }),
    ...(param !== undefined && { param }),
    ...(status !== undefined && { status }),
  }
}

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** A sentence, or FastAPI's list of what is wrong where. */
const detail = (value: JsonValue | undefined): string | undefined => {
  if (!Array.isArray(value)) return text(value) ?? (isObject(value) ? text(value['message']) : undefined)
  const [first] = value.filter(isObject)
  if (!first) return undefined
  const where = Array.isArray(first['loc'])
    ? `${first['loc'].filter((step) => typeof step !== 'object').join('.')}: `
    : ''
  return `${where}${text(first['msg']) ?? 'is not valid'}`
}
