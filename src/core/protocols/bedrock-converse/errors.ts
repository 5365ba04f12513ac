import type { JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import type { HeaderLookup } from '../protocol.ts'
import { statusOfWord } from '../failed-answer.ts'
import { isObject } from '../read.ts'

/** What an exception inside a stream means as an HTTP status (Bedrock Runtime API, ConverseStreamOutput). */
const statusOf: Readonly<Record<string, number>> = {
  validationException: 400,
  accessDeniedException: 403,
  resourceNotFoundException: 404,
  modelTimeoutException: 408,
  modelStreamErrorException: 424,
  modelErrorException: 424,
  throttlingException: 429,
  internalServerException: 500,
  serviceUnavailableException: 503,
}

/** `event: error` of the unframed stream: `{"type":"error","error":{"type","message","code"}}`. */
export const decodeStreamError = (event: JsonObject): ProviderFailure => {
  const error = isObject(event['error']) ? event['error'] : event
  const code = text(error['code']) ?? text(error['type']) ?? ''
  return failure(statusOf[code] ?? statusOfWord(code) ?? 500, code, text(error['message']))
}

/** A provider's answer that is not 2xx: `{"message"}` (or `Message`) with the exception's name in a header, or anything that a load balancer says. */
export const decodeError = (status: number, headers: HeaderLookup, body: Buffer): ProviderFailure => {
  const told = parse(body)
  const code = (headers('x-amzn-errortype') ?? text(told['__type']) ?? '').split(/[:;]/)[0]!.split('#').at(-1)!
  const wait = Number(headers('retry-after') ?? Number.NaN)
  return {
    ...failure(status, code, text(told['message']) ?? text(told['Message'])),
    ...(wait > 0 && { retryAfter: wait }),
  }
}

const failure = (status: number, code: string, told: string | undefined): ProviderFailure => {
  const message = told ?? `The provider answered with status ${status} and no readable message.`
  return { class: classOf(status, code, message), status, message, ...(code !== '' && { code }) }
}

const classOf = (status: number, code: string, message: string): ProviderFailure['class'] => {
  if (status === 401 || status === 402 || status === 403) return 'auth'
  if (status === 404) return 'model-not-found'
  if (status === 408 || status === 504) return 'timeout'
  // A model that is still being loaded is told with the status of a limit.
  if (status === 429) return /notready/i.test(code) ? 'overloaded' : 'rate-limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status >= 500 || status === 424) return 'server'
  if (
    /tokens? exceeded|too long|maximum (?:context )?length|context (?:window|length)|too many (?:input )?tokens/i.test(
      message,
    )
  )
    return 'context-length'
  if (/model identifier is invalid|on-demand throughput|model .*(?:not found|not supported)/i.test(message))
    return 'model-not-found'
  if (/security token|signature|credential/i.test(message)) return 'auth'
  return 'client'
}

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const parse = (body: Buffer): JsonObject => {
  try {
    const value = JSON.parse(body.toString('utf8')) as JsonValue
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
