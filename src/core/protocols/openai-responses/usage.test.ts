import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { inputTotal, outputTotal } from '../neutral/index.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

const count = fc.nat(1_000_000)
const usages = fc.record({
  input: fc.record({ uncached: count, cacheRead: count, cacheWrite5m: count, cacheWrite1h: count }),
  output: fc.record({ visible: count, reasoning: count }),
})

test('usage comes back as it was, and its totals are the sums', () => {
  fc.assert(
    fc.property(usages, (usage) => {
      const wire = encodeUsage(usage)
      expect(decodeUsage(wire)).toEqual(usage)
      expect(wire).toMatchObject({ input_tokens: inputTotal(usage), output_tokens: outputTotal(usage) })
      expect(wire['total_tokens']).toBe(inputTotal(usage) + outputTotal(usage))
    }),
  )
})

test('cached and written tokens are inside the input, reasoning inside the output', () => {
  const wire = {
    input_tokens: 4020,
    input_tokens_details: { cached_tokens: 8, cache_write_tokens: 4000 },
    output_tokens: 30,
    output_tokens_details: { reasoning_tokens: 12 },
    total_tokens: 4050,
  }
  expect(decodeUsage(wire)).toEqual({
    input: { uncached: 12, cacheRead: 8, cacheWrite5m: 4000, cacheWrite1h: 0 },
    output: { visible: 18, reasoning: 12 },
  })
})

test('writes that live for half a day are apart', () => {
  const details = { cached_tokens: 0, cache_write_tokens: 9, cache_write_tokens_details: { ttl_12h_tokens: 4 } }
  expect(decodeUsage({ input_tokens: 10, input_tokens_details: details, output_tokens: 0 })?.input).toEqual({
    uncached: 1,
    cacheRead: 0,
    cacheWrite5m: 5,
    cacheWrite1h: 4,
  })
})

test('output that only the total counts is hidden reasoning', () => {
  expect(decodeUsage({ input_tokens: 10, output_tokens: 5, total_tokens: 35 })?.output).toEqual({
    visible: 5,
    reasoning: 20,
  })
})

test('numbers that cannot be true are clamped and noted', () => {
  const wire = { input_tokens: 10, input_tokens_details: { cached_tokens: 161 }, output_tokens: -3 }
  expect(decodeUsage(wire)).toEqual({
    input: { uncached: 0, cacheRead: 10, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 0, reasoning: 0 },
    anomalies: 2,
  })
})

test('nothing counted is no usage', () => {
  for (const wire of [undefined, null, {}, [], 'x', { input_tokens: null }]) expect(decodeUsage(wire)).toBeUndefined()
})
