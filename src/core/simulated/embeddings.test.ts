import { expect, test } from 'vitest'
import { embed, readEmbeddingRequest } from './embeddings.ts'

const ask = (body: object) =>
  embed(readEmbeddingRequest(Buffer.from(JSON.stringify({ model: 'sim-fast', ...body })))) as {
    data: { embedding: number[] }[]
    usage: { prompt_tokens: number }
  }
const product = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0)

test('the same text has the same vector, of length 1, and like texts are nearer than others', () => {
  const { data, usage } = ask({
    input: ['the cat sat down', 'the cat sat up', 'quarterly earnings call'],
    dimensions: 64,
  })
  const [first, like, other] = data.map(({ embedding }) => embedding)
  expect(first).toHaveLength(64)
  expect(product(first!, first!)).toBeCloseTo(1, 5)
  expect(product(first!, like!)).toBeGreaterThan(product(first!, other!))
  expect(ask({ input: 'the cat sat down', dimensions: 64 }).data[0]?.embedding).toEqual(first)
  expect(usage.prompt_tokens).toBe(11)
})

test('base64 when asked for, and refusals', () => {
  expect(ask({ input: [1, 2], encoding_format: 'base64' }).data[0]?.embedding).toHaveLength(
    Math.ceil((256 * 4) / 3) * 4,
  )
  for (const wrong of [{ input: [] }, { input: 'a', dimensions: 0 }, {}]) expect(() => ask(wrong)).toThrow('required')
})
