import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inputTotal, outputTotal, type JsonObject } from '../neutral/index.ts'
import { decodeUsage, encodeUsage, UsageMeter } from './usage.ts'

const merged = (...parts: JsonObject[]) => {
  const meter = new UsageMeter()
  for (const part of parts) meter.merge(part)
  return meter.read('main')
}

describe('usage', () => {
  test('what was encoded is decoded to the same buckets', () => {
    const count = fc.nat({ max: 1_000_000 })
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        count,
        (uncached, cacheRead, cacheWrite5m, cacheWrite1h, visible, reasoning) => {
          const usage = { input: { uncached, cacheRead, cacheWrite5m, cacheWrite1h }, output: { visible, reasoning } }
          expect(decodeUsage(encodeUsage(usage), 'm')).toEqual(usage)
        },
      ),
    )
  })

  test.each([
    [
      'cached tokens are beside input_tokens',
      { input_tokens: 10, cache_read_input_tokens: 90, cache_creation_input_tokens: 5, output_tokens: 1 },
      105,
    ],
    [
      'nulls count as absent',
      { input_tokens: 10, cache_read_input_tokens: null, cache_creation: null, output_tokens: 1 },
      10,
    ],
    [
      'the split alone is enough',
      { input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 3 } },
      6,
    ],
  ])('%s', (_, wire, input) => {
    expect(inputTotal(decodeUsage(wire, 'm'))).toBe(input)
  })

  test('cache writes without their split, or beyond it, are five-minute writes', () => {
    expect(decodeUsage({ cache_creation_input_tokens: 7 }, 'm').input).toMatchObject({
      cacheWrite5m: 7,
      cacheWrite1h: 0,
    })
    const split = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 3 }
    expect(decodeUsage({ cache_creation_input_tokens: 7, cache_creation: split }, 'm').input).toMatchObject({
      cacheWrite5m: 4,
      cacheWrite1h: 3,
    })
  })

  test('reasoning is part of the output', () => {
    const usage = decodeUsage({ output_tokens: 100, output_tokens_details: { thinking_tokens: 60 } }, 'm')
    expect(usage.output).toEqual({ visible: 40, reasoning: 60 })
    expect(outputTotal(usage)).toBe(100)
  })

  test('impossible numbers are clamped and counted', () => {
    const usage = decodeUsage(
      { input_tokens: -5, output_tokens: 3, output_tokens_details: { thinking_tokens: 9 } },
      'm',
    )
    expect(usage).toMatchObject({ input: { uncached: 0 }, output: { visible: 0, reasoning: 3 }, anomalies: 2 })
  })

  test.each([1_000_000_001, 1e18, 1e308, Number.POSITIVE_INFINITY, Number.NaN, -1, '7', true])(
    'a number that cannot be a count is an anomaly and 0: %j',
    (value) => {
      const wire = { input_tokens: value, output_tokens: value, cache_read_input_tokens: value }
      expect(decodeUsage(wire, 'm')).toMatchObject({
        input: { uncached: 0, cacheRead: 0 },
        output: { visible: 0, reasoning: 0 },
        anomalies: 3,
      })
    },
  )

  test('sums stay exact, however much is listed beside the main model', () => {
    const most = 1_000_000_000
    const entry = { type: 'compaction', input_tokens: most, cache_read_input_tokens: most, output_tokens: most }
    const usage = decodeUsage(
      { input_tokens: 1, output_tokens: 1, iterations: Array.from({ length: 5000 }, () => entry) },
      'm',
    )
    const sum = usage.extra!.reduce((total, { input, output }) => total + input + output, 0)
    expect(Number.isSafeInteger(sum)).toBe(true)
    expect(usage).toMatchObject({ anomalies: 1, extra: { length: 1000 } })
  })

  test('later numbers replace earlier ones and are never added', () => {
    const usage = merged(
      { input_tokens: 10, output_tokens: 5 },
      { input_tokens: 12, output_tokens: 40 },
      { output_tokens: 41, input_tokens: null },
    )
    expect(usage).toMatchObject({ input: { uncached: 12 }, output: { visible: 41 } })
  })

  test('an input of 0 in message_delta erases no input of message_start', () => {
    const after = (start: JsonObject, delta: JsonObject) => {
      const meter = new UsageMeter()
      meter.merge(start)
      meter.merge(delta, true)
      return meter.read('main')
    }
    const start = { input_tokens: 25, cache_read_input_tokens: 5, output_tokens: 1 }
    expect(after(start, { input_tokens: 0, output_tokens: 9 })).toMatchObject({
      input: { uncached: 25, cacheRead: 5 },
      output: { visible: 9 },
    })
    expect(after(start, { input_tokens: 0, cache_read_input_tokens: 5, output_tokens: 9 })!.input.uncached).toBe(25)
    expect(after({ input_tokens: 0 }, { input_tokens: 7 })!.input.uncached).toBe(7)
    // The prompt turned out to be cached: this zero is true.
    expect(after(start, { input_tokens: 0, cache_read_input_tokens: 30, output_tokens: 9 })!.input).toMatchObject({
      uncached: 0,
      cacheRead: 30,
    })
  })

  test('a total of cache writes that changed makes an older split stale', () => {
    const split = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 100 }
    const start = { cache_creation_input_tokens: 100, cache_creation: split }
    expect(merged(start, { cache_creation_input_tokens: 0 })!.input).toMatchObject({ cacheWrite5m: 0, cacheWrite1h: 0 })
    expect(merged(start, { cache_creation_input_tokens: 100 })!.input).toMatchObject({
      cacheWrite5m: 0,
      cacheWrite1h: 100,
    })
  })

  test('what ran beside the main model is billed beside it', () => {
    const entry = (type: string, input: number, output: number, more: JsonObject = {}) => ({
      type,
      input_tokens: input,
      output_tokens: output,
      ...more,
    })
    const compaction = decodeUsage(
      {
        input_tokens: 682,
        output_tokens: 1320,
        iterations: [entry('compaction', 60385, 592), entry('message', 682, 1320)],
      },
      'main',
    )
    expect(compaction.extra).toEqual([{ model: 'main', kind: 'compaction', input: 60385, output: 592 }])
    const advisor = entry('advisor_message', 2529, 38, { model: 'other', cache_read_input_tokens: 1 })
    expect(decodeUsage({ iterations: [advisor] }, 'main').extra).toEqual([
      { model: 'other', kind: 'advisor_message', input: 2530, output: 38 },
    ])
    const fallback = [
      entry('message', 408, 0, { model: 'first' }),
      entry('fallback_message', 412, 264, { model: 'second' }),
    ]
    expect(decodeUsage({ input_tokens: 412, output_tokens: 264, iterations: fallback }, 'first').extra).toEqual([
      { model: 'first', kind: 'message', input: 408, output: 0 },
    ])
  })

  test('nothing reported is nothing known', () => {
    expect(merged()).toBeUndefined()
  })
})
