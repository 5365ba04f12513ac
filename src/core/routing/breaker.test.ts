import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { breakerDefaults, createBreaker } from './breaker.ts'

const { consecutive, least, openMs, maxOpenMs, probeMs } = breakerDefaults

/** One attempt from beginning to end. */
const attempt = (breaker: ReturnType<typeof createBreaker>, result: 'good' | 'bad' | 'neutral', now: number) =>
  breaker.end(result, now, breaker.begin(now))

describe('a breaker', () => {
  test('opens after five failures in a row, and a success in between begins the count anew', () => {
    const breaker = createBreaker()
    for (let count = 1; count < consecutive; count++) attempt(breaker, 'bad', count)
    attempt(breaker, 'good', 10)
    for (let count = 1; count < consecutive; count++) attempt(breaker, 'bad', 10 + count)
    expect(breaker.ready(20)).toBe(true)
    attempt(breaker, 'bad', 20)
    expect(breaker.look(20)).toEqual({ state: 'open', waitMs: openMs })
    expect(breaker.ready(20 + openMs - 1)).toBe(false)
    expect(breaker.ready(20 + openMs)).toBe(true)
  })

  test('opens when half of at least twenty fail within the window, and not when the failures are older', () => {
    const breaker = createBreaker()
    const alternate = (from: number, count: number): void => {
      for (let index = 0; index < count; index++) attempt(breaker, index % 2 === 0 ? 'good' : 'bad', from + index)
    }
    alternate(0, least - 1)
    expect(breaker.look(0).state).toBe('closed')
    alternate(60_000, least - 1)
    expect(breaker.look(60_100).state).toBe('closed')
    attempt(breaker, 'bad', 60_100)
    expect(breaker.look(60_100).state).toBe('open')
  })

  test('lets one probe through when its time is over; a good one closes it, a bad one doubles the time up to its cap', () => {
    const breaker = createBreaker()
    let now = 0
    for (let count = 0; count < consecutive; count++) attempt(breaker, 'bad', now)
    const waits: number[] = []
    for (let round = 0; round < 6; round++) {
      waits.push(breaker.look(now).waitMs)
      now += breaker.look(now).waitMs
      const probe = breaker.begin(now)
      expect(breaker.ready(now)).toBe(false)
      breaker.end('bad', now, probe)
    }
    expect(waits).toEqual([5000, 10_000, 20_000, 40_000, maxOpenMs, maxOpenMs])
    now += maxOpenMs
    attempt(breaker, 'good', now)
    expect(breaker.look(now).state).toBe('closed')
  })

  test('a probe that is never heard of again gives way to another', () => {
    const breaker = createBreaker()
    for (let count = 0; count < consecutive; count++) attempt(breaker, 'bad', 0)
    breaker.begin(openMs)
    expect(breaker.ready(openMs + probeMs - 1)).toBe(false)
    expect(breaker.ready(openMs + probeMs)).toBe(true)
  })

  test('what clients do to their own requests never opens it', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('good', 'neutral'), { maxLength: 200 }), (results) => {
        const breaker = createBreaker()
        results.forEach((result, index) => attempt(breaker, result, index))
        expect(breaker.look(results.length).state).toBe('closed')
      }),
    )
  })

  test('whatever comes in whatever order: never open longer than the cap, never more than one probe, and one good probe closes it', () => {
    const step = fc.record({
      pass: fc.integer({ min: 0, max: 20_000 }),
      result: fc.constantFrom('good', 'bad', 'neutral'),
      later: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const breaker = createBreaker()
        let now = 0
        const running: { probe: boolean; begunAt: number; result: 'good' | 'bad' | 'neutral' }[] = []
        for (const { pass, result, later } of steps) {
          now += pass
          expect(breaker.look(now).waitMs).toBeLessThanOrEqual(maxOpenMs)
          if (breaker.ready(now)) {
            const open = breaker.look(now).state !== 'closed'
            const probe = breaker.begin(now)
            expect(probe).toBe(open)
            running.push({ probe, begunAt: now, result })
            if (probe) expect(breaker.ready(now)).toBe(false)
          }
          if (later) continue
          const over = running.shift()
          if (!over) continue
          const before = breaker.look(now)
          breaker.end(over.result, now, over.probe)
          if (over.probe && over.result === 'good') expect(breaker.look(now).state).toBe('closed')
          // Who was on the way when it opened decides nothing.
          if (!over.probe && before.state !== 'closed') expect(breaker.look(now)).toEqual(before)
        }
        expect(breaker.ready(now + maxOpenMs + probeMs)).toBe(true)
      }),
    )
  })
})
