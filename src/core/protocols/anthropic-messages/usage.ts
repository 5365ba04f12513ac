import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import { estimateTokens } from '../estimate.ts'
import { TokenCounts } from '../token-counts.ts'
import { isObject } from './read.ts'

/** Usage as the wire has it: token counts, null or absent where they do not apply. */
export type WireUsage = JsonObject

/**
 * Merges the usage of a stream. `message_delta` repeats or corrects what `message_start` said: per field the latest number that is not null wins, nothing is ever
 * added up. A total of cache writes that comes without its split makes an older split stale. A later `input_tokens: 0` of servers that count the prompt only once erases
 * nothing, unless it says that more of the prompt was cached than was known before.
 */
export class UsageMeter {
  #fields: WireUsage | undefined
  #outputTold = false

  /** The usage of `message_start`, or, as `later`, that of a `message_delta`. */
  merge(usage: JsonValue | undefined, later = false): void {
    if (!isObject(usage)) return
    if (later && typeof usage['output_tokens'] === 'number') this.#outputTold = usage['output_tokens'] > 0
    const fields = (this.#fields ??= {})
    const written = usage['cache_creation_input_tokens']
    if (
      typeof written === 'number' &&
      !isObject(usage['cache_creation']) &&
      written !== fields['cache_creation_input_tokens']
    ) {
      delete fields['cache_creation']
    }
    const keepsInput = later && usage['input_tokens'] === 0 && cached(usage) <= cached(fields)
    for (const [key, value] of Object.entries(usage)) {
      if (value !== null && !(keepsInput && key === 'input_tokens')) fields[key] = value
    }
  }

  /** `model` is the main model's real name. Undefined when nothing was reported. */
  read(model: string): Usage | undefined {
    return this.#fields && decodeUsage(this.#fields, model)
  }

  /**
   * The usage of a finished stream, where what was reported cannot be all. The output in `message_start` is that of the first moment: when text was delivered and no later
   * number ever came (servers that imitate the API leave it out or say 0), the text is counted instead.
   */
  correction(model: string, deliveredChars: number): Usage | undefined {
    const usage = this.read(model)
    if (!usage || this.#outputTold || deliveredChars === 0) return undefined
    const visible = Math.max(usage.output.visible, estimateTokens(deliveredChars))
    return { ...usage, output: { ...usage.output, visible }, anomalies: (usage.anomalies ?? 0) + 1 }
  }
}

const cached = (usage: WireUsage): number => {
  const { read } = new TokenCounts()
  return read(usage['cache_read_input_tokens']) + read(usage['cache_creation_input_tokens'])
}

/**
 * Disjoint buckets from Anthropic's numbers: cached tokens are outside `input_tokens`. `iterations` lists what the provider ran inside the one answer; entries that the
 * top level leaves out (compaction, advisor, a model that was given up for a fallback) become `extra`. What cannot be a count is an anomaly and 0.
 */
export const decodeUsage = (wire: WireUsage, model: string): Usage => {
  const counts = new TokenCounts()
  const count = counts.read
  const split = isObject(wire['cache_creation']) ? wire['cache_creation'] : {}
  const written = count(wire['cache_creation_input_tokens'])
  const write1h = count(split['ephemeral_1h_input_tokens'])
  const split5m = count(split['ephemeral_5m_input_tokens'])
  if (split5m + write1h > written && wire['cache_creation_input_tokens'] != null) counts.anomalies++
  const output = count(wire['output_tokens'])
  const details = isObject(wire['output_tokens_details']) ? wire['output_tokens_details'] : {}
  const thinking = count(details['thinking_tokens'])
  const reasoning = counts.atMost(thinking, output)
  const extra = readIterations(wire['iterations'], model, counts)
  return {
    input: {
      uncached: count(wire['input_tokens']),
      cacheRead: count(wire['cache_read_input_tokens']),
      // What the split does not explain was written for five minutes, the default.
      cacheWrite5m: Math.max(split5m, written - write1h),
      cacheWrite1h: write1h,
    },
    output: { visible: output - reasoning, reasoning },
    ...(extra.length > 0 && { extra }),
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}

/** Real answers list a handful. */
const mostIterations = 1000

const readIterations = (
  iterations: JsonValue | undefined,
  model: string,
  counts: TokenCounts,
): NonNullable<Usage['extra']>[number][] => {
  if (!Array.isArray(iterations)) return []
  const count = counts.read
  const entries = iterations.slice(0, counts.atMost(iterations.length, mostIterations)).filter(isObject)
  // After a fallback the top level holds the numbers of the model that answered, not of the one that was tried first.
  const main = entries.some((entry) => entry['type'] === 'fallback_message') ? 'fallback_message' : 'message'
  const extra = []
  for (const entry of entries) {
    if (entry['type'] === main) continue
    const input =
      count(entry['input_tokens']) +
      count(entry['cache_read_input_tokens']) +
      count(entry['cache_creation_input_tokens'])
    const output = count(entry['output_tokens'])
    if (input + output === 0) continue
    const name = entry['model']
    const kind = entry['type']
    extra.push({
      model: typeof name === 'string' ? name : model,
      kind: typeof kind === 'string' ? kind : 'unknown',
      input,
      output,
    })
  }
  return extra
}

/** The full shape: fields that do not apply are null, never absent. */
export const encodeUsage = (usage: Usage): WireUsage => ({
  input_tokens: usage.input.uncached,
  cache_creation_input_tokens: usage.input.cacheWrite5m + usage.input.cacheWrite1h,
  cache_read_input_tokens: usage.input.cacheRead,
  cache_creation: {
    ephemeral_5m_input_tokens: usage.input.cacheWrite5m,
    ephemeral_1h_input_tokens: usage.input.cacheWrite1h,
  },
  output_tokens: usage.output.visible + usage.output.reasoning,
  output_tokens_details: { thinking_tokens: usage.output.reasoning },
  server_tool_use: null,
  service_tier: null,
  inference_geo: null,
  speed: null,
})
