import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inputTotal, type JsonObject, outputTotal, type Usage } from '../neutral/index.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

const buckets = (wire: JsonObject): (number | undefined)[] => {
  const usage = decodeUsage(wire)!
  const { uncached, cacheRead, cacheWrite5m, cacheWrite1h } = usage.input
  return [
    uncached,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    usage.output.visible,
    usage.output.reasoning,
    usage.anomalies,
  ]
}

describe('buckets never overlap', () => {
  test.each<[string, JsonObject, (number | undefined)[]]>([
    ['plain', { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 }, [5, 0, 0, 0, 7, 0, undefined]],
    [
      'cached and reasoning are parts',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 15 },
        completion_tokens_details: { reasoning_tokens: 30 },
      },
      [5, 80, 15, 0, 20, 30, undefined],
    ],
    [
      'long-lived writes apart',
      {
        prompt_tokens: 100,
        completion_tokens: 0,
        prompt_tokens_details: {
          cache_write_tokens: 90,
          cache_write_tokens_details: { ttl_30m_tokens: 50, ttl_12h_tokens: 40 },
        },
      },
      [10, 0, 50, 40, 0, 0, undefined],
    ],
    [
      'xAI: reasoning beside the completion',
      {
        prompt_tokens: 82,
        completion_tokens: 1,
        total_tokens: 287,
        completion_tokens_details: { reasoning_tokens: 204 },
      },
      [82, 0, 0, 0, 1, 204, undefined],
    ],
    [
      'hidden thinking',
      { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 },
      [35, 0, 0, 0, 12, 62, undefined],
    ],
    [
      'Mistral: audio beside the prompt',
      { prompt_tokens: 9, completion_tokens: 201, total_tokens: 585, prompt_tokens_details: { audio_tokens: 375 } },
      [384, 0, 0, 0, 201, 0, undefined],
    ],
    [
      'DeepSeek',
      { prompt_tokens: 343, completion_tokens: 58, prompt_cache_hit_tokens: 256, prompt_cache_miss_tokens: 87 },
      [87, 256, 0, 0, 58, 0, undefined],
    ],
    [
      'more cached than asked',
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 161 } },
      [0, 10, 0, 0, 1, 0, 1],
    ],
    [
      'cached and written twice',
      {
        prompt_tokens: 2168,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 2161, cache_write_tokens: 2161 },
      },
      [0, 2161, 7, 0, 1, 0, 1],
    ],
    [
      'more reasoning than output',
      { prompt_tokens: 1, completion_tokens: 10, completion_tokens_details: { reasoning_tokens: 11 } },
      [1, 0, 0, 0, 0, 10, 1],
    ],
    ['what cannot be a count', { prompt_tokens: -4, completion_tokens: 'x' }, [0, 0, 0, 0, 0, 0, 2]],
  ])('%s', (_, wire, expected) => {
    expect(buckets(wire)).toEqual(expected)
  })

  test.each([undefined, null, {}, [], 'x', { prompt_tokens: null }])('%j reports nothing', (wire) => {
    expect(decodeUsage(wire)).toBeUndefined()
  })

  test('usage that is written can be read again', () => {
    const count = fc.nat({ max: 1_000_000 })
    const usage: fc.Arbitrary<Usage> = fc.record({
      input: fc.record({ uncached: count, cacheRead: count, cacheWrite5m: count, cacheWrite1h: count }),
      output: fc.record({ visible: count, reasoning: count }),
    })
    fc.assert(
      fc.property(usage, (given) => {
        const wire = encodeUsage(given)
        expect(decodeUsage(wire)).toEqual(given)
        expect(wire['prompt_tokens']).toBe(inputTotal(given))
        expect(wire['completion_tokens']).toBe(outputTotal(given))
      }),
    )
  })
})
