import { estimateTokens } from '../../pricing/estimate.ts'
import type { JsonValue } from '../../protocols/neutral/index.ts'
import type { ScannedObject } from '../../protocols/json-scan.ts'
import { refuse } from '../../protocols/read.ts'
import { textOf, valueOf, wholeOf } from '../side/facts.ts'

/** OpenAI's bound (https://platform.openai.com/docs/api-reference/embeddings/create); other providers have smaller ones. */
const mostInputs = 2048

/** Texts, or lists of tokens. */
export type EmbeddingInput = string | readonly number[]

/** The inputs of `POST /v1/embeddings` as a list. Throws `invalid_request` for what is none. */
export const readInputs = (scanned: ScannedObject): readonly EmbeddingInput[] => {
  const input = valueOf(scanned, 'input')
  if (!Array.isArray(input)) return [textOf(scanned, 'input')]
  if (input.length === 0) return refuse('input', 'must hold at least one text.')
  if (isTokens(input)) return [input]
  if (input.length > mostInputs) return refuse('input', `may hold at most ${mostInputs} texts.`)
  return input.map((item, index) => {
    if (typeof item === 'string' && item !== '') return item
    if (Array.isArray(item) && item.length > 0 && isTokens(item)) return item
    return refuse(`input[${index}]`, 'must be a string that is not empty, or a list of token numbers.')
  })
}

const isTokens = (items: readonly JsonValue[]): items is number[] =>
  items.every((item) => typeof item === 'number' && Number.isSafeInteger(item) && item >= 0)

export const dimensionsOf = (scanned: ScannedObject): number | undefined => wholeOf(scanned, 'dimensions', 1, 65_536)

/** What the inputs may count as, where the provider does not say. */
export const estimateInputs = (inputs: readonly EmbeddingInput[]): number =>
  inputs.reduce((sum, item) => sum + (typeof item === 'string' ? estimateTokens(item.length) : item.length), 0)
