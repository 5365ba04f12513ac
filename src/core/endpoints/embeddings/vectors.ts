import { endianness } from 'node:os'

/** How a client wants its vectors: numbers, or their little-endian float32 bytes in base64. */
export type VectorFormat = 'float' | 'base64'

/** Float32 of embeddings are small. Bytes that give others (int8 vectors read as floats) are of another format. */
const largest = 1e9

const swaps = endianness() === 'BE'

/** Numbers → base64. Undefined when one of them is no number. */
export const toBase64 = (values: readonly unknown[]): string | undefined => {
  if (!values.every((value) => typeof value === 'number')) return undefined
  const bytes = Buffer.from(Float32Array.from(values).buffer)
  return (swaps ? bytes.swap32() : bytes).toString('base64')
}

/** Base64 → numbers; undefined when the bytes are no float32 vector (of `dimensions` numbers, where that is known). */
export const toFloats = (text: string, dimensions: number | undefined): number[] | undefined => {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined
  if (dimensions !== undefined && bytes.length !== dimensions * 4) return undefined
  const floats: number[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const value = bytes.readFloatLE(at)
    if (!(Math.abs(value) < largest)) return undefined
    floats.push(value)
  }
  return floats
}
