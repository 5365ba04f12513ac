import type { JsonObject, JsonValue } from '../../protocols/neutral/index.ts'
import { isObject } from '../../protocols/read.ts'
import { toBase64, toFloats, type VectorFormat } from './vectors.ts'

const QUOTE = 0x22

/** The answer with all vectors in `format`; `first`: where the key of the first one ends; the same buffer when the first one has it, for servers do not mix them. What cannot be a vector of float32 stays as it is. */
export const convertVectors = (
  body: Buffer,
  first: number | undefined,
  format: VectorFormat,
  dimensions: number | undefined,
): Buffer => {
  if (first === undefined) return body
  const wanted = format === 'base64'
  if (isText(body, first) === wanted) return body
  const answer = JSON.parse(body.toString('utf8')) as JsonObject
  const data = answer['data']
  if (!Array.isArray(data)) return body
  return Buffer.from(JSON.stringify({ ...answer, data: data.map((item) => convert(item, wanted, dimensions)) }))
}

/** Whether the value behind the key that ends at `at` is a string. */
const isText = (bytes: Buffer, at: number): boolean => {
  let next = at
  while (bytes[next] === 0x3a || bytes[next]! <= 0x20) next++
  return bytes[next] === QUOTE
}

const convert = (item: JsonValue, toText: boolean, dimensions: number | undefined): JsonValue => {
  if (!isObject(item)) return item
  const { embedding } = item
  const converted =
    toText && Array.isArray(embedding)
      ? toBase64(embedding)
      : !toText && typeof embedding === 'string'
        ? toFloats(embedding, dimensions)
        : undefined
  return converted === undefined ? item : { ...item, embedding: converted }
}
