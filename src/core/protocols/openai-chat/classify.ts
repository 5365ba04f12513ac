import type { ProviderFailure } from '../neutral/index.ts'
import type { HeaderLookup } from '../protocol.ts'

const tooLong =
  /maximum context length|context[ _-](?:length|window)|prompt (?:is )?too long|too many (?:input )?tokens|input is too long|reduce the length of the messages/i
const badKey = /(?:incorrect|invalid|missing) api[ _-]?key|api key not valid|api key (?:is )?invalid/i
const filtered = /content[ _](?:filter|policy|management policy)|safety system/i

/** What a provider's error means for us. `code` is its finest word, `message` its sentence: servers that imitate OpenAI often have only the latter. */
export const classify = (status: number, code: string, message: string): ProviderFailure['class'] => {
  // 402: the gateway's own account there is empty; the client could not change that.
  if (status === 401 || status === 402 || status === 403) return 'auth'
  if (status === 404) return 'model-not-found'
  if (status === 408 || status === 504) return 'timeout'
  if (status === 429 || code === 'insufficient_quota') return 'rate-limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status >= 500) return 'server'
  if (code === 'context_length_exceeded' || tooLong.test(message)) return 'context-length'
  if (code === 'invalid_api_key' || badKey.test(message)) return 'auth'
  if (code === 'model_not_found' || code === 'DeploymentNotFound') return 'model-not-found'
  if (code === 'content_policy_violation' || filtered.test(code) || filtered.test(message)) return 'content-filter'
  return 'client'
}

/** Seconds to wait: `retry-after-ms`, else `retry-after` in seconds, else as a date measured against the answer's own date. */
export const retryAfter = (headers: HeaderLookup): number | undefined => {
  const ms = Number(headers('retry-after-ms') ?? Number.NaN)
  if (ms > 0) return ms / 1000
  const given = headers('retry-after')
  if (given === undefined) return undefined
  const seconds = Number(given)
  if (Number.isFinite(seconds)) return seconds > 0 ? seconds : undefined
  const wait = (Date.parse(given) - Date.parse(headers('date') ?? '')) / 1000
  return wait > 0 ? wait : undefined
}
