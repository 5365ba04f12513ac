import { hash } from 'node:crypto'
import { BadPrompt, isJson } from './prompt.ts'

const usualWidth = 256
const widest = 4096

/** What `POST /v1/embeddings` asks for. */
export interface EmbeddingRequest {
  readonly model: string
  readonly texts: readonly string[]
  readonly width: number
  readonly base64: boolean
}

/** Lists of tokens are texts too: nothing here reads them. Throws BadPrompt. */
export const readEmbeddingRequest = (bytes: Buffer): EmbeddingRequest => {
  let body: unknown
  try {
    body = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new BadPrompt('The body is not valid JSON.')
  }
  if (!isJson(body) || typeof body['model'] !== 'string') throw new BadPrompt('model: a string is required.')
  const { input, dimensions = usualWidth } = body
  const isOne = typeof input === 'string' || (Array.isArray(input) && typeof input[0] === 'number')
  const list: readonly unknown[] = isOne ? [input] : Array.isArray(input) ? input : []
  if (list.length === 0) throw new BadPrompt('input: at least one text is required.')
  if (typeof dimensions !== 'number' || !(dimensions >= 1 && dimensions <= widest))
    throw new BadPrompt(`dimensions: a number from 1 to ${widest} is required.`)
  return {
    model: body['model'],
    texts: list.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))),
    width: Math.floor(dimensions),
    base64: body['encoding_format'] === 'base64',
  }
}

/** A vector of length 1 for each text, the same for the same text; each word pulls it in a direction of its own, so that texts with words in common are near. */
export const embed = ({ model, texts, width, base64 }: EmbeddingRequest): object => {
  const tokens = texts.reduce((sum, text) => sum + Math.max(1, wordsOf(text).length), 0)
  return {
    object: 'list',
    data: texts.map((text, index) => {
      const vector = vectorOf(text, width)
      return { object: 'embedding', index, embedding: base64 ? bytesOf(vector).toString('base64') : [...vector] }
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}

const wordsOf = (text: string): readonly string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

const vectorOf = (text: string, width: number): Float32Array => {
  const vector = new Float32Array(width)
  for (const word of [...wordsOf(text), text]) {
    const direction = hash('sha256', word, 'buffer')
    for (let at = 0; at < width; at++) vector[at]! += direction[(at * 7 + (at >> 5)) % 32]! / 127.5 - 1
  }
  const length = Math.hypot(...vector)
  return vector.map((value) => (length === 0 ? 0 : value / length))
}

const bytesOf = (vector: Float32Array): Buffer => {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes
}
