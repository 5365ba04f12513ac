import { afterEach, expect, test } from 'vitest'
import { Timed, TimerWheel } from './wheel.ts'

class Alarm extends Timed {
  rang: number[] = []
  readonly time: () => number
  constructor(time: () => number) {
    super()
    this.time = time
  }
  override expire(): void {
    this.rang.push(this.time())
  }
}

const wheels: TimerWheel[] = []
afterEach(() => {
  for (const wheel of wheels.splice(0)) wheel.stop()
})

const setup = () => {
  let now = 1_000
  const wheel = new TimerWheel({ now: () => now, monotonic: () => now }, 100)
  wheels.push(wheel)
  return {
    wheel,
    alarm: () => new Alarm(() => now - 1_000),
    /** Time goes on tick by tick, as it does in a process that is not blocked. */
    pass(ms: number) {
      for (const end = now + ms; now < end;) {
        now = Math.min(end, now + 100)
        wheel.advance()
      }
    },
    jump(ms: number) {
      now += ms
      wheel.advance()
    },
  }
}

test.each([1, 99, 100, 250, 5_000, 60_000, 1_800_000])(
  'a deadline of %i ms is met at most two ticks late and never early',
  (ms) => {
    const { wheel, alarm, pass } = setup()
    const entry = alarm()
    wheel.set(entry, ms)
    pass(ms + 500)
    expect(entry.rang).toHaveLength(1)
    expect(entry.rang[0]).toBeGreaterThanOrEqual(ms)
    expect(entry.rang[0]).toBeLessThanOrEqual(ms + 200)
    expect(wheel.size).toBe(0)
  },
)

test('a deadline set again counts from then, further away or nearer', () => {
  const { wheel, alarm, pass } = setup()
  const [later, sooner] = [alarm(), alarm()]
  wheel.set(later, 1_000)
  wheel.set(sooner, 60_000)
  pass(900)
  wheel.set(later, 1_000)
  wheel.set(sooner, 300)
  pass(2_000)
  expect(later.rang).toEqual([2_000])
  expect(sooner.rang).toEqual([1_300])
})

test('a cleared deadline never comes, whatever else lies in its slot', () => {
  const { wheel, alarm, pass } = setup()
  const all = [alarm(), alarm(), alarm()]
  for (const entry of all) wheel.set(entry, 500)
  wheel.clear(all[1]!)
  wheel.clear(all[1]!)
  pass(1_000)
  expect(all.map(({ rang }) => rang.length)).toEqual([1, 0, 1])
})

test('zero means no deadline and takes back an earlier one', () => {
  const { wheel, alarm, pass } = setup()
  const entry = alarm()
  wheel.set(entry, 500)
  wheel.set(entry, 0)
  pass(2_000)
  expect([entry.rang, wheel.size]).toEqual([[], 0])
})

test('a process that stood still does not time everything out at once', () => {
  const { wheel, alarm, pass, jump } = setup()
  const entry = alarm()
  wheel.set(entry, 5_000)
  jump(30_000)
  expect(entry.rang).toEqual([])
  pass(4_900)
  expect(entry.rang).toHaveLength(1)
})

test('10 000 deadlines in random order are each met once', () => {
  const { wheel, alarm, pass } = setup()
  const all = Array.from({ length: 10_000 }, (_, i) => ({ entry: alarm(), ms: 1 + ((i * 7919) % 120_000) }))
  for (const { entry, ms } of all) wheel.set(entry, ms)
  pass(121_000)
  expect(
    all.every(({ entry, ms }) => entry.rang.length === 1 && entry.rang[0]! >= ms && entry.rang[0]! <= ms + 200),
  ).toBe(true)
})
