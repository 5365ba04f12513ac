import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/**
 * Disjoint buckets from the usage of a Chat answer, by whichever server. Cached and written tokens are inside the prompt count. Where `total_tokens` is larger than
 * its parts, it is right: xAI leaves reasoning out of `completion_tokens`, Gemini's endpoint hides thinking, Mistral leaves audio out of `prompt_tokens`.
 * Undefined when `wire` holds no counts.
 */
export const decodeUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire)) return undefined
  if (wire['prompt_tokens'] == null && wire['completion_tokens'] == null && wire['total_tokens'] == null)
    return undefined
  let anomalies = 0
  const count = (value: JsonValue | undefined): number => {
    if (value === undefined || value === null) return 0
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return Math.round(value)
    anomalies++
    return 0
  }
  const atMost = (value: number, most: number): number => {
    if (value > most) anomalies++
    return Math.min(value, most)
  }
  const promptDetails = details(wire['prompt_tokens_details'])
  const outputDetails = details(wire['completion_tokens_details'])
  const audioIn = count(promptDetails['audio_tokens'])
  let prompt = count(wire['prompt_tokens'])
  let output = count(wire['completion_tokens'])
  const told = count(outputDetails['reasoning_tokens'])
  const unexplained = count(wire['total_tokens']) - prompt - output
  let hidden = 0
  if (unexplained > 0) {
    if (audioIn === unexplained && audioIn > prompt) prompt += unexplained
    else {
      output += unexplained
      if (told === 0) hidden = unexplained
    }
  }
  const cached = atMost(
    count(promptDetails['cached_tokens'] ?? wire['prompt_cache_hit_tokens'] ?? wire['cached_tokens']),
    prompt,
  )
  const written = atMost(count(promptDetails['cache_write_tokens']), prompt - cached)
  const longLived = Math.min(count(details(promptDetails['cache_write_tokens_details'])['ttl_12h_tokens']), written)
  const reasoning = atMost(told, output) || hidden
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
    ...(anomalies > 0 && { anomalies }),
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
