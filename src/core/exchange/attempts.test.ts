import { describe, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import type { Verdict } from '../routing/verdict.ts'
import type { Admission } from './admit.ts'
import { anotherAttempt } from './attempts.ts'

const broken: Verdict = { fault: 'broken', moves: true, reason: 'connect' }

/** An admission of a request that may go on to targets that count its prompt as so many tokens, or refuse it. The hold pays for 100 tokens of prompt and output together. */
const admitted = (counts: readonly (number | Error)[], { leastOutput = 1, limited = true, bytes = 10 } = {}) => {
  const ended: number[] = []
  const asked: (number | undefined)[] = []
  let at = 0
  const leg = () => {
    const index = at++
    return index < counts.length ? { index, end: () => void ended.push(index) } : null
  }
  const others = {
    trip: { next: leg, skip: leg },
    wayTo(of: { readonly index: number }) {
      const count = counts[of.index]!
      if (typeof count !== 'number') throw count
      const road = { request: (limit: number | undefined) => (asked.push(limit), Buffer.from('body')) }
      return { leg: of, road, estimatedInputTokens: count }
    },
    limited,
    outputFor: (tokens: number) => 100 - tokens,
    leastOutput,
  }
  const before = { facts: { scanned: { bytes: Buffer.alloc(bytes) } }, others } as unknown as Admission
  return { next: () => anotherAttempt(before, broken), ended, asked }
}

describe('another attempt under the same hold', () => {
  test('gets the output that the hold still pays for behind the prompt as its target counts it', () => {
    const { next, asked, ended } = admitted([60])
    expect(next()).toMatchObject({ estimatedInputTokens: 60 })
    expect(asked).toEqual([40])
    expect(ended).toEqual([])
  })

  test('is not made where that is less than the client is content with: the next target is asked', () => {
    const { next, asked, ended } = admitted([60, 10], { leastOutput: 50 })
    expect(next()).toMatchObject({ estimatedInputTokens: 10 })
    expect(asked).toEqual([90])
    expect(ended).toEqual([0])
  })

  test('is refused rather than cost more than was held', () => {
    const { next, asked, ended } = admitted([100, 200])
    expect(next()).toBeNull()
    expect(asked).toEqual([])
    expect(ended).toEqual([0, 1])
  })

  test('passes over a target that cannot be told what the request says', () => {
    const { next, ended } = admitted([new GatewayError('unsupported_parameter'), 10])
    expect(next()).toMatchObject({ estimatedInputTokens: 10 })
    expect(ended).toEqual([0])
  })

  test('sends no limit where none was to be sent', () => {
    const { next, asked } = admitted([500], { limited: false })
    expect(next()).not.toBeNull()
    expect(asked).toEqual([undefined])
  })

  test('is not made when the body is gone', () => {
    expect(admitted([10], { bytes: 0 }).next()).toBeNull()
  })
})
