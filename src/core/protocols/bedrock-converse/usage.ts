import type { JsonValue, Usage } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { TokenCounts } from '../token-counts.ts'

/**
 * Disjoint buckets from `TokenUsage`: `inputTokens` leaves out what was read from or written to the cache (`totalTokens` has it). `cacheDetails` tells how much was
 * written for how long. Undefined when `wire` holds no counts.
 */
export const decodeUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire) || (wire['inputTokens'] == null && wire['outputTokens'] == null)) return undefined
  const counts = new TokenCounts()
  const count = counts.read
  const written = count(wire['cacheWriteInputTokens'] ?? wire['cacheWriteInputTokenCount'])
  const details = Array.isArray(wire['cacheDetails']) ? wire['cacheDetails'].filter(isObject) : []
  const long = counts.atMost(
    sum(details.filter(({ ttl }) => ttl === '1h').map(({ inputTokens }) => count(inputTokens))),
    written,
  )
  return {
    input: {
      uncached: count(wire['inputTokens']),
      cacheRead: count(wire['cacheReadInputTokens'] ?? wire['cacheReadInputTokenCount']),
      cacheWrite5m: written - long,
      cacheWrite1h: long,
    },
    output: { visible: count(wire['outputTokens']), reasoning: 0 },
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)
