import { classify } from '../openai-chat/classify.ts'
import type { JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import { statusNumber } from '../failed-answer.ts'
import { isObject } from '../read.ts'

export const disconnected: ProviderFailure = {
  class: 'server',
  status: 502,
  code: 'upstream_disconnected',
  message: 'The provider ended the answer before it was complete.',
}
export const unreadable: ProviderFailure = {
  class: 'server',
  status: 502,
  message: 'The provider sent an event that cannot be read.',
}

/** A failure told inside a 200: an `error` event, nested as OpenAI sends it or flat as its types say, or a response (`response.failed`, a whole answer) with an `error`. */
export const readFailure = (told: JsonObject): ProviderFailure => {
  const response = isObject(told['response']) ? told['response'] : told
  const error = isObject(response['error']) ? response['error'] : response
  const code = text(error['code']) ?? (error['type'] === 'error' ? undefined : text(error['type']))
  const message = text(error['message']) ?? text(response['error']) ?? 'The provider failed and did not say why.'
  const param = text(error['param'])
  const number = statusNumber(error['code'], error['status'])
  const status = number ?? statusOf(code ?? '', `${text(error['type']) ?? ''} ${text(error['status']) ?? ''}`)
  return {
    class: classify(status, code ?? '', message),
    status,
    message,
    ...(code !== undefined && { code }),
    ...(param !== undefined && { param }),
  }
}

const text = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** What an answer's error means as an HTTP status. Besides the named ones, the codes of the API are about what the client sent: its prompt and its images. */
const statusOf = (code: string, type: string): number => {
  const both = `${code} ${type}`
  if (/rate_limit|quota|too_many_requests|RESOURCE_EXHAUSTED/.test(both)) return 429
  if (/overloaded|unavailable|slow_down/.test(both)) return 503
  if (/timeout/.test(both)) return 504
  if (/api_key|authentication/.test(both)) return 401
  if (/permission/.test(both)) return 403
  if (/model_not_found/.test(code)) return 404
  if (/invalid|image|policy|context_length|mismatch|unsupported/.test(both)) return 400
  return 500
}
