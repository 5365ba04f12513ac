import type { JsonObject, JsonValue, Usage } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { TokenCounts } from '../token-counts.ts'

const counted = [
  'promptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'toolUsePromptTokenCount',
  'cachedContentTokenCount',
  'totalTokenCount',
] as const

/**
 * The usage of a stream: every chunk has one, early ones often only `{trafficType}` or counts of the prompt. Per field the latest that is not null wins, nothing is added
 * up. A total counts only together with what was told beside it: searches make the last report leave out what the one before had told.
 */
export class UsageMeter {
  readonly #fields: JsonObject = {}

  /** Undefined when `wire` tells no counts. */
  merge(wire: JsonValue | undefined): Usage | undefined {
    if (!isObject(wire) || !counted.some((field) => wire[field] != null)) return undefined
    const isCarried = counted.some((field) => wire[field] == null && this.#fields[field] != null)
    for (const [field, value] of Object.entries(wire)) if (value !== null) this.#fields[field] = value
    if (isCarried) delete this.#fields['totalTokenCount']
    return decodeUsage(this.#fields)
  }
}

/**
 * Disjoint buckets from `usageMetadata`. The total is prompt + answer + thoughts + prompt of tools; cached tokens are inside the prompt, thoughts and the prompt of tools are
 * outside of all others. A larger total is right (output whose kind is not told), a smaller one is an anomaly. Undefined when there are no counts.
 */
export const decodeUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire) || !counted.some((field) => wire[field] != null)) return undefined
  const counts = new TokenCounts()
  const prompt = counts.read(wire['promptTokenCount'])
  const toolPrompt = counts.read(wire['toolUsePromptTokenCount'])
  const cached = counts.atMost(counts.read(wire['cachedContentTokenCount']), prompt)
  let visible = counts.read(wire['candidatesTokenCount'])
  let reasoning = counts.read(wire['thoughtsTokenCount'])
  const total = counts.read(wire['totalTokenCount'])
  const parts = prompt + toolPrompt + visible + reasoning
  // A total explains nothing when the counts it is made of cannot be read.
  if (counts.anomalies === 0 && total > parts) {
    if (reasoning === 0 && visible > 0) reasoning = total - parts
    else visible += total - parts
  }
  if (total > 0 && total < parts) counts.anomalies++
  const tokensOf = (modality: number, ...lists: string[]): number =>
    lists.reduce((sum, list) => sum + modalityTokens(wire[list], modality, counts), 0)
  const audioIn = tokensOf(modalities.AUDIO, 'promptTokensDetails', 'toolUsePromptTokensDetails')
  const imageIn = tokensOf(modalities.IMAGE, 'promptTokensDetails', 'toolUsePromptTokensDetails')
  const audioOut = tokensOf(modalities.AUDIO, 'candidatesTokensDetails')
  const detail = {
    ...(audioIn > 0 && { audioIn: Math.min(audioIn, prompt + toolPrompt) }),
    ...(audioOut > 0 && { audioOut: Math.min(audioOut, visible) }),
    ...(imageIn > 0 && { imageIn: Math.min(imageIn, prompt + toolPrompt) }),
    ...(toolPrompt > 0 && { toolPrompt }),
  }
  return {
    input: { uncached: prompt - cached + toolPrompt, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible, reasoning },
    ...(Object.keys(detail).length > 0 && { detail }),
    ...(counts.anomalies > 0 && { anomalies: counts.anomalies }),
  }
}

/** Also as the numbers that clients built on protocol buffers see. */
const modalities = { TEXT: 1, IMAGE: 2, VIDEO: 3, AUDIO: 4, DOCUMENT: 5 } as const

const modalityTokens = (list: JsonValue | undefined, modality: number, counts: TokenCounts): number => {
  if (!Array.isArray(list)) return 0
  let sum = 0
  for (const entry of list) {
    if (!isObject(entry)) continue
    const name = entry['modality']
    const is =
      name === modality ||
      (typeof name === 'string' &&
        Object.entries(modalities).some(([word, number]) => word === name && number === modality))
    if (is) sum += counts.read(entry['tokenCount'])
  }
  return sum
}

/** The full shape of `usageMetadata`; counts of what is rare (cache, tools, thoughts) only when there are any, as Google leaves them out. */
export const encodeUsage = (usage: Usage): JsonObject => {
  const { uncached, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input
  const { visible, reasoning } = usage.output
  const { audioIn = 0, imageIn = 0, audioOut = 0, toolPrompt: asked = 0 } = usage.detail ?? {}
  const toolPrompt = Math.min(asked, uncached)
  const prompt = uncached - toolPrompt + cacheRead + cacheWrite5m + cacheWrite1h
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: visible,
    totalTokenCount: prompt + toolPrompt + visible + reasoning,
    ...(cacheRead > 0 && { cachedContentTokenCount: cacheRead }),
    ...(prompt > 0 && { promptTokensDetails: details(prompt, { AUDIO: audioIn, IMAGE: imageIn }) }),
    ...(visible > 0 && { candidatesTokensDetails: details(visible, { AUDIO: audioOut }) }),
    ...(toolPrompt > 0 && {
      toolUsePromptTokenCount: toolPrompt,
      toolUsePromptTokensDetails: [{ modality: 'TEXT', tokenCount: toolPrompt }],
    }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  }
}

/** What is of no other kind is text. */
const details = (total: number, others: Readonly<Record<string, number>>): JsonObject[] => {
  const list: JsonObject[] = []
  let left = total
  for (const [modality, asked] of Object.entries(others)) {
    const tokenCount = Math.min(asked, left)
    if (tokenCount > 0) list.push({ modality, tokenCount })
    left -= tokenCount
  }
  return left > 0 ? [{ modality: 'TEXT', tokenCount: left }, ...list] : list
}
