import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ResolvedModel, Strategy, Target } from '../catalog/resolved.ts'
import { strategies } from '../catalog/strategies.ts'
import { scanObject } from '../protocols/json-scan.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import type { Leg } from './leg.ts'
import { createRouting } from './routing.ts'
import { cutShort, good, noVerdict, type Verdict } from './verdict.ts'

const kind = {
  id: 'k',
  title: 'K',
  speaks: [],
  baseUrl: null,
  keyless: true,
  headers: () => ({}),
  forwardHeaders: [],
  auth: 'none',
  docs: '',
}
const target = (name: string, keys: number, more: Partial<Target> = {}): Target => ({
  id: `tgt_${name}`,
  model: `real-${name}`,
  weight: 1,
  priority: 1,
  provider: {
    id: `prv_${name}`,
    name,
    kind,
    baseUrl: 'http://127.0.0.1:9/v1',
    speaks: [],
    allowPrivate: [],
    timeoutMs: null,
    quirks: quirksOf([]),
    settings: {},
    keys: Array.from({ length: keys }, (_, index) => ({ id: `${name}-${index}`, secret: 's', weight: 1 })),
  },
  ...more,
})
const model = (targets: readonly Target[], strategy: Strategy = 'priority'): ResolvedModel => ({
  id: 'mdl_1',
  name: 'm',
  free: true,
  contextWindow: null,
  maxOutputTokens: null,
  defaults: {},
  caps: {},
  crossing: { strict: false, dropUnsupportedTools: false },
  createdAt: 0,
  strategy,
  priceAt: () => null,
  targets,
})

const scanned = scanObject(Buffer.from('{"messages":[]}'))
const open = (seed = 7) => {
  const time = { now: 1000 }
  const random = (): number => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return seed / 4_294_967_296
  }
  const routing = createRouting({ clock: { monotonic: () => time.now }, random, deadlineMs: 60_000 })
  const trip = (of: ResolvedModel) => routing.trip(of, { scanned, headers: {} })
  return { time, routing, trip }
}
const limited: Verdict = { fault: 'rate-limited', moves: true, reason: 'rate-limited' }
const rejected: Verdict = { fault: 'rejected', moves: true, reason: 'key rejected' }
const broken: Verdict = { fault: 'broken', moves: true, reason: 'connect' }
const shown = (leg: Leg | null): string | null => leg && (leg.key?.id ?? leg.target.provider.name)

describe('the attempts of a request', () => {
  test('go from target to target by priority, each once, three at most', () => {
    const { trip } = open()
    const way = trip(model(['a', 'b', 'c', 'd'].map((name, index) => target(name, 1, { priority: index + 1 }))))
    const seen = [way.first()!]
    for (let leg: Leg | null = seen[0]!; leg;) {
      leg.end(broken)
      leg = way.next(broken)
      if (leg) seen.push(leg)
    }
    expect(seen.map(shown)).toEqual(['a-0', 'b-0', 'c-0'])
  })

  test('turn to another key of the pool when the key is to blame, before another target', () => {
    const { trip } = open()
    const way = trip(model([target('a', 3), target('b', 1, { priority: 2 })]))
    const seen: (string | null)[] = []
    for (let leg = way.first(); leg; leg = way.next(limited)) {
      seen.push(shown(leg))
      leg.end(limited)
    }
    expect(seen).toEqual(['a-0', 'a-1', 'a-2', 'b-0'])
  })

  test('end with what may have been executed', () => {
    const { trip } = open()
    const way = trip(model([target('a', 2), target('b', 1)]))
    way.first()!.end(cutShort)
    expect(way.next(cutShort)).toBeNull()
  })

  test('end when the time for them is over', () => {
    const { trip, time } = open()
    const way = trip(model([target('a', 1), target('b', 1)]))
    way.first()!.end(broken)
    time.now += 60_000
    expect(way.next(broken)).toBeNull()
  })

  test('are one where there is one target with one key, whatever is known of them', () => {
    const { trip } = open()
    const only = model([target('a', 1)])
    for (let count = 0; count < 50; count++) {
      const way = trip(only)
      const leg = way.first()!
      const verdict = [broken, limited, rejected, good][count % 4]!
      leg.end(verdict)
      expect(way.next(verdict)).toBeNull()
    }
  })

  test('are as many as the budget allows when everything fails', () => {
    const { trip } = open()
    let retries = 0
    const both = model([target('a', 0), target('b', 0)], 'weighted')
    for (let count = 0; count < 1000; count++) {
      const way = trip(both)
      way.first()!.end(noVerdict)
      const leg = way.next(broken)
      if (leg) retries++
      leg?.end(noVerdict)
    }
    expect(retries).toBe(200)
  })

  test.each(strategies)('with %s never ask the same pair twice, and leave nothing counted behind', (strategy) => {
    const verdicts = fc.array(fc.constantFrom(limited, rejected, broken, cutShort, good, noVerdict), { maxLength: 12 })
    const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 })
    const requests = fc.array(fc.tuple(verdicts, fc.integer({ min: 0, max: 30_000 })), { maxLength: 30 })
    fc.assert(
      fc.property(sizes, requests, fc.nat(), (keys, sent, seed) => {
        const { trip, time, routing } = open(seed)
        const shadow = model(
          keys.map((count, index) => target(`p${index}`, count, { priority: 1 + (index % 2) })),
          strategy,
        )
        for (const [ends, pass] of sent) {
          time.now += pass
          const way = trip(shadow)
          const seen = new Set<string>()
          let leg = way.first()
          let legs = 0
          for (const verdict of ends) {
            if (!leg) break
            const pair = `${leg.target.id} ${leg.key?.id}`
            expect(seen.has(pair)).toBe(false)
            seen.add(pair)
            legs++
            leg.end(verdict)
            leg = way.next(verdict)
            if (leg) expect(verdict.moves).toBe(true)
          }
          leg?.end(noVerdict)
          expect(legs).toBeLessThanOrEqual(10)
        }
        // Whatever was held against them is over within the hour, and everything can be asked again.
        time.now += 3_600_000
        for (const each of shadow.targets) expect(routing.look(each.provider, each.model).breaker.waitMs).toBe(0)
        expect(routing.resting().every(({ waitMs }) => waitMs === 0)).toBe(true)
        expect(trip(shadow).first()).not.toBeNull()
      }),
    )
  })
})

describe('what is known of keys and targets', () => {
  test('with 3 of 10 keys rate-limited no request is refused, and each of the three is asked once', () => {
    const { trip, routing } = open()
    const pool = model([target('a', 10)])
    const bad = new Set(['a-1', 'a-4', 'a-7'])
    const asked = new Map<string, number>()
    for (let count = 0; count < 100; count++) {
      const way = trip(pool)
      let leg = way.first()
      for (; leg && bad.has(leg.key!.id); leg = way.next(limited)) {
        asked.set(leg.key!.id, (asked.get(leg.key!.id) ?? 0) + 1)
        leg.end(limited)
      }
      expect(leg).not.toBeNull()
      leg!.answered()
      leg!.end(good)
    }
    expect([...asked.values()]).toEqual([1, 1, 1])
    expect(
      routing
        .resting()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([...bad])
  })

  test('when all keys rest the request is refused with the time until the first may be used', () => {
    const { trip } = open()
    const pool = model([target('a', 2)])
    const way = trip(pool)
    way.first()!.end({ ...limited, restMs: 20_000 })
    way.next(limited)!.end({ ...limited, restMs: 9_500 })
    const later = trip(pool)
    expect(later.first()).toBeNull()
    expect(later.retryAfter()).toBe(10)
  })

  test('a target that fails is left out, tried by one request after its time, and back when that works', () => {
    const { trip, time } = open()
    const both = model([target('a', 1), target('b', 1, { priority: 2 })])
    for (let count = 0; count < 5; count++) trip(both).first()!.end(broken)
    expect(shown(trip(both).first())).toBe('b-0')
    time.now += 5000
    const probe = trip(both).first()!
    expect(shown(probe)).toBe('a-0')
    expect(shown(trip(both).first())).toBe('b-0')
    probe.end(good)
    expect(shown(trip(both).first())).toBe('a-0')
  })

  test('when all targets fail one is asked rather than none', () => {
    const { trip } = open()
    const both = model([target('a', 0), target('b', 0)])
    for (let count = 0; count < 30; count++) trip(both).first()!.end(broken)
    expect(trip(both).first()).not.toBeNull()
  })

  test('outlives a new catalogue, is shared by the models that lead there, and can be cleared', () => {
    const { trip, routing } = open()
    const way = trip(model([target('a', 2)]))
    way.first()!.end(rejected)
    const fresh = model([target('a', 2), target('c', 1, { priority: 2 })])
    for (let count = 0; count < 4; count++) {
      const leg = trip(fresh).first()!
      expect(shown(leg)).toBe('a-1')
      leg.end(good)
    }
    expect(routing.clear(new Set(['a-0']))).toEqual(['a-0'])
    expect(routing.resting()).toEqual([])
  })

  test('the faster of two targets gets the requests, and the slower is tried again when much time has passed', () => {
    const { trip, time } = open()
    const both = model([target('a', 0), target('b', 0)], 'lowest-latency')
    const ask = (): string => {
      const leg = trip(both).first()!
      leg.sent()
      time.now += leg.target.provider.name === 'a' ? 400 : 50
      leg.answered()
      leg.end(good)
      return leg.target.provider.name
    }
    const names = Array.from({ length: 3000 }, ask)
    const slow = names.filter((name) => name === 'a').length
    expect(slow).toBeGreaterThan(1)
    expect(slow).toBeLessThan(60)
  })
})

test('choosing among 8 targets costs less than 10 µs', () => {
  const { trip } = open()
  const eight = model(
    Array.from({ length: 8 }, (_, index) => target(`t${index}`, 4)),
    'least-busy',
  )
  const run = (count: number): number => {
    const begun = performance.now()
    for (let index = 0; index < count; index++) {
      const leg = trip(eight).first()!
      leg.answered()
      leg.end(good)
    }
    return ((performance.now() - begun) * 1000) / count
  }
  run(20_000)
  // The best of several: what else the machine does is not measured.
  expect(Math.min(...Array.from({ length: 8 }, () => run(5000)))).toBeLessThan(10)
})
