import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKeyHealth, longestRetryAfter, restSettings } from './key-health.ts'
import type { KeyFault } from './verdict.ts'

const faults = ['rate-limited', 'rejected', 'exhausted'] as const

describe('a provider key', () => {
  test.each([
    [undefined, 2000],
    [30_000, 30_000],
    [10, 1000],
    [1e12, longestRetryAfter],
  ])('that is rate-limited with Retry-After %s rests for %s ms', (told, rests) => {
    const key = createKeyHealth()
    key.bad('rate-limited', 0, 0, told)
    expect(key.waitMs(0)).toBe(rests)
    expect(key.ready(rests - 1)).toBe(false)
    expect(key.ready(rests)).toBe(true)
  })

  test.each([
    ['rate-limited', [2, 4, 8, 16, 32, 60, 60]],
    ['rejected', [60, 120, 240, 480, 600, 600]],
    ['exhausted', [300, 600, 1200, 2400, 3600, 3600]],
  ] as const)('that stays %s rests longer each time, up to the cap', (fault, seconds) => {
    const key = createKeyHealth()
    let now = 0
    for (const rest of seconds) {
      key.begin(now)
      key.bad(fault, now, now)
      expect(key.waitMs(now)).toBe(rest * 1000)
      now += rest * 1000
    }
  })

  test('counts a burst of failures of requests that ran at the same time once', () => {
    const key = createKeyHealth()
    for (let count = 0; count < 100; count++) key.bad('rate-limited', -50, count)
    expect(key.waitMs(99)).toBeLessThanOrEqual(2000)
  })

  test('is tried by one request when its rest is over, and healthy at once when that works', () => {
    const key = createKeyHealth()
    key.bad('rejected', 0, 0)
    const now = restSettings.rejected.first
    key.begin(now)
    expect(key.ready(now)).toBe(false)
    key.good(now)
    expect(key.fault).toBeNull()
    expect(key.ready(now)).toBe(true)
    key.bad('rejected', now, now)
    expect(key.waitMs(now)).toBe(restSettings.rejected.first)
  })

  test('is not healthy because of an answer that was asked for before it was sent to rest', () => {
    const key = createKeyHealth()
    key.bad('rate-limited', 10, 20)
    key.good(15)
    expect(key.fault).toBe('rate-limited')
  })

  test('a probe that told nothing gives way to the next', () => {
    const key = createKeyHealth()
    key.bad('rate-limited', 0, 0)
    key.begin(2000)
    key.neutral()
    expect(key.ready(2000)).toBe(true)
  })

  test('whatever happens: no rest is longer than its cap, one success after it makes the key healthy', () => {
    const step = fc.record({
      pass: fc.integer({ min: 0, max: 100_000 }),
      fault: fc.constantFrom<(KeyFault | 'good' | 'neutral')[]>(...faults, 'good', 'neutral'),
      told: fc.option(fc.double({ min: 0.001, max: 1e15, noNaN: true }), { nil: undefined }),
      before: fc.integer({ min: 0, max: 50_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const key = createKeyHealth()
        let now = 0
        for (const { pass, fault, told, before } of steps) {
          now += pass
          if (key.ready(now)) key.begin(now)
          if (fault === 'good') key.good(now - before)
          else if (fault === 'neutral') key.neutral()
          else key.bad(fault, now - before, now, told)
          const longest = Math.max(longestRetryAfter, ...faults.map((each) => restSettings[each].cap))
          expect(key.waitMs(now)).toBeLessThanOrEqual(longest)
          if (key.fault !== null && fault === key.fault && fault !== 'exhausted')
            expect(key.waitMs(now)).toBeLessThanOrEqual(restSettings.exhausted.cap)
          expect(key.ready(now + longest + 30_000)).toBe(true)
        }
        key.good(now + 1)
        expect(key.fault).toBeNull()
      }),
    )
  })
})
