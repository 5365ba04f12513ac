import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRetryBudget } from './retry-budget.ts'

test('further attempts are at most a fifth of the requests of the last ten seconds, and thirty are always allowed', () => {
  const budget = createRetryBudget()
  const taken = (now: number): number => {
    let count = 0
    while (budget.take(now)) count++
    return count
  }
  expect(taken(0)).toBe(30)
  for (let count = 0; count < 1000; count++) budget.request(1000)
  expect(taken(1500)).toBe(170)
  expect(taken(9000)).toBe(0)
  expect(taken(30_000)).toBe(30)
})

test('whatever the traffic, no ten seconds see more than the floor and a fifth', () => {
  const event = fc.record({ pass: fc.integer({ min: 0, max: 4000 }), requests: fc.integer({ min: 0, max: 50 }) })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const budget = createRetryBudget()
      const requests: number[] = []
      const retries: number[] = []
      let now = 0
      for (const { pass, requests: count } of events) {
        now += pass
        for (let each = 0; each < count; each++) {
          budget.request(now)
          requests.push(now)
          if (budget.take(now)) retries.push(now)
        }
        const recent = (times: number[]): number => times.filter((at) => at > now - 9000).length
        const earlier = requests.filter((at) => at > now - 19_000).length
        expect(recent(retries)).toBeLessThanOrEqual(Math.max(30, 0.2 * earlier + 1))
      }
    }),
  )
})
