import type { JsonObject, JsonValue } from '../../protocols/neutral/index.ts'
import { gemini } from '../../protocols/gemini/index.ts'
import { isObject, notServed } from '../../protocols/read.ts'
import { type Road, type RoadOptions, type RoadTarget, UnreadableAnswer } from '../endpoint.ts'
import { valueOf } from '../side/facts.ts'
import { googleName, googlePath } from '../side/google.ts'
import { readAnswer } from '../side/pass.ts'
import { finished, usageOf } from '../side/usage.ts'
import { dimensionsOf, estimateInputs, readInputs } from './request.ts'
import { toBase64 } from './vectors.ts'

/** Google's own API. Vertex AI serves embeddings in another shape (`:predict`). */
export const hasGeminiEmbeddings = ({ kind, speaks }: RoadTarget): boolean =>
  kind.id === 'gemini' && speaks.includes('gemini')

/** `POST /v1/embeddings` → `:batchEmbedContents` (https://ai.google.dev/api/embeddings#v1beta.models.batchEmbedContents), which takes texts only. */
export const geminiRoad = (options: RoadOptions): Road => {
  const { facts, target, shadowModel } = options
  const inputs = readInputs(facts.scanned)
  const texts = inputs.map((input, index) =>
    typeof input === 'string'
      ? input
      : notServed(
          inputs.length === 1 ? 'input' : `input[${index}]`,
          'lists of tokens are only for OpenAI-like providers',
        ),
  )
  const dimensions = dimensionsOf(facts.scanned)
  const format = valueOf(facts.scanned, 'encoding_format') ?? 'float'
  if (format !== 'float' && format !== 'base64') notServed('encoding_format', 'must be "float" or "base64"')
  const model = googleName(target.model)
  return {
    protocol: 'gemini',
    path: googlePath(target, 'batchEmbedContents'),
    straight: false,
    warnings:
      valueOf(facts.scanned, 'user') === undefined
        ? []
        : [{ path: 'user', action: 'dropped', reason: 'Gemini has no such field.' }],
    request: () =>
      Buffer.from(
        JSON.stringify({
          requests: texts.map((text) => ({
            model,
            content: { parts: [{ text }] },
            ...(dimensions !== undefined && { outputDimensionality: dimensions }),
          })),
        }),
      ),
    unary(body) {
      const answer = readAnswer(body)
      const vectors = vectorsIn(answer.read('embeddings'))
      if (vectors?.length !== texts.length) throw new UnreadableAnswer('there is not one vector for each text')
      const observed = finished(geminiUsage(answer.read('usageMetadata')), () => usageOf(estimateInputs(texts)))
      const tokens = observed.usage!.input.uncached
      const told = {
        object: 'list',
        data: vectors.map((values, index) => ({
          object: 'embedding',
          index,
          embedding: format === 'base64' ? toBase64(values) : values,
        })),
        model: shadowModel,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      }
      return { body: Buffer.from(JSON.stringify(told)), observed }
    },
    stream: () => {
      throw new UnreadableAnswer('embeddings have no streams')
    },
    decodeError: (status, headers, body) => gemini.decodeError(status, headers, body),
  }
}

const vectorsIn = (value: JsonValue | undefined): number[][] | undefined => {
  if (!Array.isArray(value)) return undefined
  const vectors: number[][] = []
  for (const item of value) {
    const values = isObject(item) ? item['values'] : undefined
    if (!Array.isArray(values) || !values.every((one) => typeof one === 'number')) return undefined
    vectors.push(values)
  }
  return vectors
}

/** `usageMetadata` of embeddings; older answers have none. */
export const geminiUsage = (value: JsonValue | undefined) => {
  const count = isObject(value) ? (value satisfies JsonObject)['promptTokenCount'] : undefined
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? usageOf(count) : undefined
}
