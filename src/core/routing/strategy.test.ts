import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { strategies } from '../catalog/strategies.ts'
import { type Candidate, pick } from './strategy.ts'

const candidate = (more: Partial<Candidate>): Candidate => ({ weight: 1, priority: 1, busy: 0, latencyMs: 0, ...more })
/** The same numbers in every run. */
const seeded =
  (seed = 1) =>
  () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return seed / 4_294_967_296
  }
const share = (strategy: (typeof strategies)[number], from: readonly Candidate[]): number[] => {
  const random = seeded()
  const counts = from.map(() => 0)
  for (let count = 0; count < 10_000; count++) counts[pick(strategy, from, random)]!++
  return counts.map((count) => Math.round(count / 1000) / 10)
}

describe('the choice of a target', () => {
  test('is one of the candidates, whatever they are, and -1 for none', () => {
    const any = fc.record({
      weight: fc.integer({ min: 0, max: 100 }),
      priority: fc.integer({ min: 1, max: 9 }),
      busy: fc.nat(1000),
      latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    })
    const drawn = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom(...strategies), fc.array(any, { maxLength: 12 }), drawn, (strategy, from, number) => {
        const index = pick(strategy, from, () => number)
        if (from.length === 0) expect(index).toBe(-1)
        else expect(from[index]).toBeDefined()
        if (strategy === 'priority' && from.length > 0)
          expect(from[index]!.priority).toBe(Math.min(...from.map(({ priority }) => priority)))
      }),
    )
  })

  test('priority: the lowest number, by weight within it', () => {
    const from = [candidate({ weight: 3 }), candidate({ weight: 1 }), candidate({ weight: 9, priority: 2 })]
    expect(share('priority', from)).toEqual([0.8, 0.3, 0])
  })

  test('weighted: by weight, whatever the priority', () => {
    expect(share('weighted', [candidate({ weight: 6, priority: 5 }), candidate({ weight: 4 })])).toEqual([0.6, 0.4])
  })

  test('least-busy: the fewest running for its weight; equals share', () => {
    expect(share('least-busy', [candidate({ busy: 4 }), candidate({ busy: 5, weight: 3 })])).toEqual([0, 1])
    expect(share('least-busy', [candidate({}), candidate({})])).toEqual([0.5, 0.5])
  })

  test('lowest-latency: the faster of two that are drawn, and the unknown before the known', () => {
    const from = [candidate({ latencyMs: 100 }), candidate({ latencyMs: 200 }), candidate({ latencyMs: 300 })]
    expect(share('lowest-latency', from)).toEqual([0.7, 0.3, 0])
    expect(share('lowest-latency', [candidate({ latencyMs: 100 }), candidate({})])).toEqual([0, 1])
  })
})
