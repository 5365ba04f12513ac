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

describe('a number that cannot be a count is an anomaly and 0', () => {
  const none = [0, 0, 0, 0, 0, 0]

  test('counts sent as text are not made up for from the total', () => {
    expect(buckets({ prompt_tokens: '10', completion_tokens: '5', total_tokens: 15 })).toEqual([...none, 2])
    expect(buckets({ prompt_tokens: 10, completion_tokens: '5', total_tokens: 15 })).toEqual([10, 0, 0, 0, 0, 0, 1])
  })

  test.each([1_000_000_001, 1e18, 1e308, Number.POSITIVE_INFINITY, Number.NaN, -1, '7', true, [7], { tokens: 7 }])(
    '%j',
    (value) => {
      const wire = { prompt_tokens: value, completion_tokens: value, total_tokens: value }
      expect(buckets(wire)).toEqual([...none, 3])
    },
  )

  test('a billion is still a count', () => {
    const most = 1_000_000_000
    expect(buckets({ prompt_tokens: most, completion_tokens: most })).toEqual([most, 0, 0, 0, most, 0, undefined])
  })

  test('sums stay exact whatever was sent', () => {
    const value = fc.oneof(fc.double(), fc.integer(), fc.maxSafeNat(), fc.string(), fc.constant(null))
    fc.assert(
      fc.property(value, value, value, value, value, (prompt, completion, total, cached, reasoning) => {
        const usage = decodeUsage({
          prompt_tokens: prompt,
          completion_tokens: completion,
          total_tokens: total,
          prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: reasoning },
          completion_tokens_details: { reasoning_tokens: reasoning },
        })
        if (!usage) return
        for (const part of [...Object.values(usage.input), ...Object.values(usage.output)])
          expect(part).toBeGreaterThanOrEqual(0)
        expect(Number.isSafeInteger(inputTotal(usage) + outputTotal(usage))).toBe(true)
      }),
    )
  })
})

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
