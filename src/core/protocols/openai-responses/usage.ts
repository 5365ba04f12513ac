import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { TokenCounts } from '../token-counts.ts'

/**
 * Disjoint buckets from the usage of an answer: cached and written tokens are inside `input_tokens`, reasoning is inside `output_tokens`. What cannot be a count is an
 * anomaly and 0. Undefined when `wire` holds no counts.
 */
export const decodeUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire)) return undefined
  if (wire['input_tokens'] == null && wire['output_tokens'] == null && wire['total_tokens'] == null) return undefined
  const counts = new TokenCounts()
  const count = counts.read
  const inputDetails = details(wire['input_tokens_details'])
  const outputDetails = details(wire['output_tokens_details'])
  const input = count(wire['input_tokens'])
  let output = count(wire['output_tokens'])
  // A total that is larger than its parts is right: some servers hide what was thought.
  const hidden = counts.anomalies > 0 ? 0 : Math.max(0, count(wire['total_tokens']) - input - output)
  output += hidden
  const cached = counts.atMost(count(inputDetails['cached_tokens']), input)
  const written = counts.atMost(count(inputDetails['cache_write_tokens']), input - cached)
  const longLived = Math.min(count(details(inputDetails['cache_write_tokens_details'])['ttl_12h_tokens']), written)
  const reasoning = counts.atMost(count(outputDetails['reasoning_tokens']), output) || hidden
  return {
    input: {
      uncached: input - cached - written,
      cacheRead: cached,
      cacheWrite5m: written - longLived,
      cacheWrite1h: longLived,
    },
    output: { visible: output - reasoning, reasoning },
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}

const details = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})

/** The full shape; how long writes to the cache live only when some live long. */
export const encodeUsage = (usage: Usage): JsonObject => {
  const { uncached, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input
  const { visible, reasoning } = usage.output
  const written = cacheWrite5m + cacheWrite1h
  const input = uncached + cacheRead + written
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: cacheRead,
      cache_write_tokens: written,
      ...(cacheWrite1h > 0 && {
        cache_write_tokens_details: { ttl_30m_tokens: cacheWrite5m, ttl_12h_tokens: cacheWrite1h },
      }),
    },
    output_tokens: visible + reasoning,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + visible + reasoning,
  }
}
