import type { GatewayError } from '../kernel/errors.ts'
import type { LimitState, RateLimits } from '../limits/limiter.ts'
import type { Warning } from '../protocols/neutral/index.ts'
import type { Call } from './call.ts'

/** Headers that every answer carries, as a flat list of names and values. Provider headers never pass: they describe the operator's account. */
export const answerHeaders = (
  call: Call,
  limits: RateLimits | null,
  warnings: readonly Warning[],
  now: number,
): string[] => {
  const headers = ['x-request-id', call.requestId, 'x-gateway-request-id', call.id]
  if (call.endpoint.errors.id === 'anthropic-messages') headers.push('request-id', call.requestId)
  if (limits) addLimits(headers, call, limits, now)
  if (warnings.length > 0) headers.push('x-gateway-dropped', droppedList(warnings))
  return headers
}

/** The headers of an answer plus what an error says about trying again. */
export const errorHeaders = (base: readonly string[], error: GatewayError): string[] => {
  const headers = [...base, 'x-should-retry', String(error.retry)]
  const { retryAfter } = error.details
  if (retryAfter !== undefined) headers.push('retry-after', String(retryAfter))
  // Every 503 and 429 names a time (contract, part 3), except quotas that never renew.
  else if (error.status === 503 || (error.status === 429 && error.retry)) headers.push('retry-after', '5')
  return headers
}

const addLimits = (headers: string[], call: Call, { requests, tokens }: RateLimits, now: number): void => {
  if (requests) headers.push(...openaiLimit('requests', requests))
  if (tokens) headers.push(...openaiLimit('tokens', tokens))
  if (call.endpoint.errors.id !== 'anthropic-messages') return
  if (requests) headers.push(...anthropicLimit('requests', requests, now))
  if (tokens) headers.push(...anthropicLimit('tokens', tokens, now))
}

const openaiLimit = (what: string, { limit, remaining, resetMs }: LimitState): string[] => [
  `x-ratelimit-limit-${what}`,
  String(limit),
  `x-ratelimit-remaining-${what}`,
  String(remaining),
  `x-ratelimit-reset-${what}`,
  formatDuration(resetMs),
]

const anthropicLimit = (what: string, { limit, remaining, resetMs }: LimitState, now: number): string[] => [
  `anthropic-ratelimit-${what}-limit`,
  String(limit),
  `anthropic-ratelimit-${what}-remaining`,
  String(remaining),
  `anthropic-ratelimit-${what}-reset`,
  new Date(now + resetMs).toISOString(),
]

/** A duration as OpenAI writes it: `12ms`, `6m0s`, `1.5s`. */
export const formatDuration = (ms: number): string => {
  if (ms < 1000) return `${ms}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Math.round((ms % 60_000) / 100) / 10
  return minutes > 0 ? `${minutes}m${Math.round(seconds)}s` : `${seconds}s`
}

const maxDropped = 1000

/** Paths of what did not cross, each once. Bounded, and ASCII only: paths hold names the client chose. */
const droppedList = (warnings: readonly Warning[]): string =>
  [...new Set(warnings.map(({ path }) => path.replaceAll(/[^\x21-\x7e]/g, '_')))].join(', ').slice(0, maxDropped)
