import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inputTotal, outputTotal, type Usage } from '../neutral/index.ts'
import { decodeUsage, encodeUsage, UsageMeter } from './usage.ts'

const buckets = (wire: Parameters<typeof decodeUsage>[0]) => {
  const usage = decodeUsage(wire)!
  const { uncached, cacheRead } = usage.input
  return [uncached, cacheRead, usage.output.visible, usage.output.reasoning, usage.anomalies ?? 0]
}

describe('usage', () => {
  test('cached tokens are inside the prompt, thoughts and the prompt of tools outside of everything', () => {
    const wire = {
      promptTokenCount: 100,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 30,
      toolUsePromptTokenCount: 7,
      totalTokenCount: 157,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 70 },
        { modality: 'IMAGE', tokenCount: 20 },
        { modality: 'AUDIO', tokenCount: 10 },
      ],
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 5 }],
    }
    expect(decodeUsage(wire)).toEqual({
      input: { uncached: 47, cacheRead: 60, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 20, reasoning: 30 },
      detail: { audioIn: 10, imageIn: 20, audioOut: 5, toolPrompt: 7 },
    })
    const usage = decodeUsage(wire)!
    expect(inputTotal(usage) + outputTotal(usage)).toBe(wire.totalTokenCount)
  })

  test.each([
    ['more cached than asked', { promptTokenCount: 10, cachedContentTokenCount: 161 }, [0, 10, 0, 0, 1]],
    ['a negative count', { promptTokenCount: 10, candidatesTokenCount: -4 }, [10, 0, 0, 0, 1]],
    ['a text for a count', { promptTokenCount: '10', candidatesTokenCount: 4 }, [0, 0, 4, 0, 1]],
    [
      'a total below its parts',
      { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 12 },
      [10, 0, 4, 0, 1],
    ],
    ['hidden thoughts', { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 20 }, [10, 0, 4, 6, 0]],
    ['output without its kind', { promptTokenCount: 10, totalTokenCount: 20 }, [10, 0, 10, 0, 0]],
    ['null', { promptTokenCount: 10, candidatesTokenCount: null }, [10, 0, 0, 0, 0]],
  ] as const)('%s', (_, wire, expected) => {
    expect(buckets(wire)).toEqual(expected)
  })

  test.each([undefined, null, 5, [], {}, { trafficType: 'ON_DEMAND' }, { promptTokenCount: null }])(
    '%j tells no counts',
    (wire) => {
      expect(decodeUsage(wire)).toBeUndefined()
      expect(new UsageMeter().merge(wire)).toBeUndefined()
    },
  )

  test('modalities may be numbers', () => {
    const wire = {
      promptTokenCount: 9,
      promptTokensDetails: [
        { modality: 4, tokenCount: 8 },
        { modality: 1, tokenCount: 1 },
      ],
    }
    expect(decodeUsage(wire)?.detail).toEqual({ audioIn: 8 })
  })

  test('of a stream the latest count that is not null wins per field, and nothing is added up', () => {
    const meter = new UsageMeter()
    meter.merge({ promptTokenCount: 46, totalTokenCount: 46 })
    meter.merge({ trafficType: 'ON_DEMAND' })
    meter.merge({ candidatesTokenCount: 5, thoughtsTokenCount: 9 })
    const last = meter.merge({ promptTokenCount: null, candidatesTokenCount: 12 })
    expect(last).toEqual({
      input: { uncached: 46, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 12, reasoning: 9 },
    })
  })

  test('a last report that leaves out the answer does not undo it, and its total says nothing of it', () => {
    const meter = new UsageMeter()
    meter.merge({ promptTokenCount: 9, candidatesTokenCount: 21, totalTokenCount: 65, thoughtsTokenCount: 35 })
    expect(meter.merge({ promptTokenCount: 87, totalTokenCount: 165, thoughtsTokenCount: 78 })).toEqual({
      input: { uncached: 87, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 21, reasoning: 78 },
    })
  })

  test('what is written is read again, and its total is the sum of its parts', () => {
    const count = fc.nat({ max: 1_000_000 })
    const usage = fc
      .record({ uncached: count, cacheRead: count, visible: count, reasoning: count, toolPrompt: count, audio: count })
      .map(({ uncached, cacheRead, visible, reasoning, toolPrompt, audio }): Usage => {
        const detail = {
          ...(toolPrompt > 0 && { toolPrompt }),
          ...(Math.min(audio, uncached) > 0 && { audioIn: Math.min(audio, uncached) }),
        }
        return {
          input: { uncached: uncached + toolPrompt, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 },
          output: { visible, reasoning },
          ...(Object.keys(detail).length > 0 && { detail }),
        }
      })
    fc.assert(
      fc.property(usage, (given) => {
        const wire = encodeUsage(given)
        expect(decodeUsage(wire)).toEqual(given)
        expect(wire['totalTokenCount']).toBe(inputTotal(given) + outputTotal(given))
      }),
    )
  })

  test('tokens written to a cache are part of the prompt, for Gemini counts no writes', () => {
    const input = { uncached: 1, cacheRead: 2, cacheWrite5m: 4, cacheWrite1h: 8 }
    expect(encodeUsage({ input, output: { visible: 16, reasoning: 32 } })).toMatchObject({
      promptTokenCount: 15,
      cachedContentTokenCount: 2,
      candidatesTokenCount: 16,
      thoughtsTokenCount: 32,
      totalTokenCount: 63,
    })
  })
})
