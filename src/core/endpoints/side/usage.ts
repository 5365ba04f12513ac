import { emptyUsage, inputTotal, type JsonValue, type Usage } from '../../protocols/neutral/index.ts'
import { decodeUsage } from '../../protocols/openai-chat/usage.ts'
import type { Observed } from '../../protocols/protocol.ts'
import { isObject } from '../../protocols/read.ts'
import { TokenCounts } from '../../protocols/token-counts.ts'

/** Usage of so much input and output. */
export const usageOf = (input: number, output = 0): Usage => ({
  input: { ...emptyUsage.input, uncached: input },
  output: { visible: output, reasoning: 0 },
})

/** A finished answer: charged by the provider's own count where it can be true, else by ours. */
export const finished = (reported: Usage | undefined, ours: () => Usage): Observed =>
  reported && !reported.anomalies && inputTotal(reported) > 0
    ? { usage: reported, deliveredChars: 0, complete: true }
    : { usage: ours(), estimated: true, deliveredChars: 0, complete: true }

/** Usage in the words of Chat (`prompt_tokens`) or in those of OpenAI's newer endpoints (`input_tokens`). */
export const reportedUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire)) return undefined
  if (wire['input_tokens'] == null && wire['output_tokens'] == null) return decodeUsage(wire)
  const counts = new TokenCounts()
  const input = counts.read(wire['input_tokens'])
  const output = counts.read(wire['output_tokens'])
  const details = isObject(wire['input_tokens_details']) ? wire['input_tokens_details'] : wire['input_token_details']
  const told = isObject(details) ? details : {}
  const cached = counts.atMost(counts.read(told['cached_tokens']), input)
  const imageIn = counts.read(told['image_tokens'])
  const audioIn = counts.read(told['audio_tokens'])
  return {
    input: { ...emptyUsage.input, uncached: input - cached, cacheRead: cached },
    output: { visible: output, reasoning: 0 },
    ...(imageIn + audioIn > 0 && { detail: { imageIn, audioIn } }),
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}
