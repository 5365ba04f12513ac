import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { TokenCounts } from '../token-counts.ts'

/**
 * Disjoint buckets from the usage of a Chat answer, by whichever server. Cached and written tokens are inside the prompt count. Where `total_tokens` is larger than
 * its parts, it is right: xAI leaves reasoning out of `completion_tokens`, Gemini's endpoint hides thinking, Mistral leaves audio out of `prompt_tokens`.
 * What cannot be a count is an anomaly and 0. Undefined when `wire` holds no counts.
 */
export const decodeUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire)) return undefined
  if (wire['prompt_tokens'] == null && wire['completion_tokens'] == null && wire['total_tokens'] == null)
    return undefined
  const counts = new TokenCounts()
  const count = counts.read
  const promptDetails = details(wire['prompt_tokens_details'])
  const outputDetails = details(wire['completion_tokens_details'])
  const audioIn = count(promptDetails['audio_tokens'])
  let prompt = count(wire['prompt_tokens'])
  let output = count(wire['completion_tokens'])
  const told = count(outputDetails['reasoning_tokens'])
  const total = count(wire['total_tokens'])
  // A total explains nothing when the counts it is made of cannot be read.
  const unexplained = counts.anomalies > 0 ? 0 : total - prompt - output
  let hidden = 0
  if (unexplained > 0) {
    if (audioIn === unexplained && audioIn > prompt) prompt += unexplained
    else {
      output += unexplained
      if (told === 0) hidden = unexplained
    }
  }
  const cached = counts.atMost(
    count(promptDetails['cached_tokens'] ?? wire['prompt_cache_hit_tokens'] ?? wire['cached_tokens']),
    prompt,
  )
  const written = counts.atMost(count(promptDetails['cache_write_tokens']), prompt - cached)
  const longLived = Math.min(count(details(promptDetails['cache_write_tokens_details'])['ttl_12h_tokens']), written)
  const reasoning = counts.atMost(told, output) || hidden
  const audioOut = count(outputDetails['audio_tokens'])
  const imageIn = count(promptDetails['image_tokens'])
  return {
    input: {
      uncached: prompt - cached - written,
      cacheRead: cached,
      cacheWrite5m: written - longLived,
      cacheWrite1h: longLived,
    },
    output: { visible: output - reasoning, reasoning },
    ...(audioIn + audioOut + imageIn > 0 && { detail: { audioIn, audioOut, imageIn } }),
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}

const details = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})

/** The full shape of OpenAI's usage; counts of cache writes only when there are any. */
export const encodeUsage = (usage: Usage): JsonObject => {
  const { uncached, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input
  const { visible, reasoning } = usage.output
  const written = cacheWrite5m + cacheWrite1h
  const prompt = uncached + cacheRead + written
  return {
    prompt_tokens: prompt,
    completion_tokens: visible + reasoning,
    total_tokens: prompt + visible + reasoning,
    prompt_tokens_details: {
      cached_tokens: cacheRead,
      audio_tokens: usage.detail?.audioIn ?? 0,
      ...(written > 0 && { cache_write_tokens: written }),
      ...(cacheWrite1h > 0 && {
        cache_write_tokens_details: { ttl_30m_tokens: cacheWrite5m, ttl_12h_tokens: cacheWrite1h },
      }),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: usage.detail?.audioOut ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
