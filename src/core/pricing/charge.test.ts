import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatCredits, maxNanos, parseCredits } from '../kernel/money.ts'
import type { FrozenPrice } from '../ledger/commands.ts'
import type { Usage } from '../protocols/neutral/index.ts'
import { chargeFor, explainCharge } from './charge.ts'
import { maxPrice } from './parse.ts'

const price = (over: Partial<FrozenPrice> = {}): FrozenPrice => ({
  input: parseCredits('2.5'),
  output: parseCredits('10'),
  cachedInput: parseCredits('0.25'),
  cacheWrite5m: parseCredits('3.125'),
  cacheWrite1h: parseCredits('5'),
  reasoning: parseCredits('12'),
  request: 0,
  ...over,
})
const usage = (over: { input?: Partial<Usage['input']>; output?: Partial<Usage['output']> } = {}): Usage => ({
  input: { uncached: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, ...over.input },
  output: { visible: 0, reasoning: 0, ...over.output },
})

const anyPrice = fc.integer({ min: 0, max: maxPrice })
const anyFrozen: fc.Arbitrary<FrozenPrice> = fc.record({
  input: anyPrice,
  output: anyPrice,
  cachedInput: anyPrice,
  cacheWrite5m: anyPrice,
  cacheWrite1h: anyPrice,
  reasoning: anyPrice,
  request: fc.integer({ min: 0, max: 1_000_000_000 }),
})
const tokens = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 1_000_000 }))
const anyUsage: fc.Arbitrary<Usage> = fc.record({
  input: fc.record({ uncached: tokens, cacheRead: tokens, cacheWrite5m: tokens, cacheWrite1h: tokens }),
  output: fc.record({ visible: tokens, reasoning: tokens }),
})

/** Said another way than the code under test: a fraction, and its ceiling by remainder. */
const oracle = (frozen: FrozenPrice, used: Usage): bigint => {
  const numerator =
    BigInt(used.input.uncached) * BigInt(frozen.input) +
    BigInt(used.input.cacheRead) * BigInt(frozen.cachedInput) +
    BigInt(used.input.cacheWrite5m) * BigInt(frozen.cacheWrite5m) +
    BigInt(used.input.cacheWrite1h) * BigInt(frozen.cacheWrite1h) +
    BigInt(used.output.visible) * BigInt(frozen.output) +
    BigInt(used.output.reasoning) * BigInt(frozen.reasoning)
  const nanos = numerator / 1_000_000n + (numerator % 1_000_000n === 0n ? 0n : 1n) + BigInt(frozen.request)
  return nanos > BigInt(maxNanos) ? BigInt(maxNanos) : nanos
}

/** "1.25" → 1250000000000000n millionths of a nano-credit. */
const exact = (text: string): bigint => {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(whole!) * 10n ** 15n + BigInt(fraction.padEnd(15, '0'))
}

describe('a charge', () => {
  test.each([
    ['nothing costs nothing', usage(), '0'],
    ['a million tokens cost the price', usage({ input: { uncached: 1_000_000 } }), '2.5'],
    ['one token of 2.5 credits per million costs 2500 nano-credits', usage({ input: { uncached: 1 } }), '0.0000025'],
    [
      'every bucket has its own price',
      usage({
        input: { uncached: 1e6, cacheRead: 1e6, cacheWrite5m: 1e6, cacheWrite1h: 1e6 },
        output: { visible: 1e6, reasoning: 1e6 },
      }),
      '32.875',
    ],
  ])('%s', (_, used, credits) => {
    expect(formatCredits(chargeFor(price(), used))).toBe(credits)
  })

  test('is rounded up once, for all buckets together', () => {
    const tiny = price({ input: 1, output: 1, cachedInput: 1 })
    // Three parts of a millionth of a nano-credit each: one nano-credit, not three.
    expect(chargeFor(tiny, usage({ input: { uncached: 1, cacheRead: 1 }, output: { visible: 1 } }))).toBe(1)
    expect(chargeFor(tiny, usage({ input: { uncached: 500_000 }, output: { visible: 500_000 } }))).toBe(1)
    expect(chargeFor(tiny, usage({ input: { uncached: 500_000 }, output: { visible: 500_001 } }))).toBe(2)
  })

  test('equals the exact fraction rounded up, is never negative and never wraps (50 000 random requests)', () => {
    fc.assert(
      fc.property(anyFrozen, anyUsage, (frozen, used) => {
        const charge = chargeFor(frozen, used)
        expect(Number.isSafeInteger(charge) && charge >= 0).toBe(true)
        expect(BigInt(charge)).toBe(oracle(frozen, used))
      }),
      { numRuns: 50_000 },
    )
  })

  test.each([-1, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64, 1e30, 0.5])(
    'stays a whole amount of zero or more when a provider claims %s tokens',
    (claim) => {
      const charge = chargeFor(price(), usage({ input: { uncached: claim }, output: { visible: claim } }))
      expect(Number.isSafeInteger(charge)).toBe(true)
      expect(charge).toBeGreaterThanOrEqual(0)
    },
  )

  test('counts what the provider ran beside the main model', () => {
    const beside = { ...usage(), extra: [{ model: 'small', kind: 'compaction', input: 1_000_000, output: 1_000_000 }] }
    expect(formatCredits(chargeFor(price(), beside))).toBe('12.5')
  })
})

describe('the explanation of a charge', () => {
  test('adds up to the charge for any usage: exact lines, one rounding (10 000 random requests)', () => {
    fc.assert(
      fc.property(anyFrozen, anyUsage, (frozen, used) => {
        const { lines, exact: sum, total } = explainCharge(frozen, used)
        const added = lines.reduce((all, line) => all + exact(line.amount), 0n)
        const rounded = (added + 999_999n) / 1_000_000n
        expect(exact(sum)).toBe(added)
        expect(total).toBe(formatCredits(chargeFor(frozen, used)))
        expect(total).toBe(formatCredits(Number(rounded > BigInt(maxNanos) ? BigInt(maxNanos) : rounded)))
        for (const line of lines) {
          expect(exact(line.amount)).toBe((BigInt(line.quantity) * exact(line.price)) / BigInt(line.per))
        }
      }),
      { numRuns: 10_000 },
    )
  })

  test('names each part with its quantity, price and exact amount', () => {
    const explained = explainCharge(
      price({ request: parseCredits('0.001') }),
      usage({ input: { uncached: 3 }, output: { visible: 7 } }),
    )
    expect(explained).toEqual({
      lines: [
        { what: 'input', quantity: 3, price: '2.5', per: 1_000_000, amount: '0.0000075' },
        { what: 'output', quantity: 7, price: '10', per: 1_000_000, amount: '0.00007' },
        { what: 'request', quantity: 1, price: '0.001', per: 1, amount: '0.001' },
      ],
      exact: '0.0010775',
      total: '0.0010775',
    })
  })
})
