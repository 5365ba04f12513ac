import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FrozenPrice } from '../ledger/commands.ts'
import { chargeFor } from '../pricing/charge.ts'
import type { Usage } from '../protocols/neutral/index.ts'
import { settlementOf } from './settle.ts'

const price: FrozenPrice = {
  input: 1_000_000,
  output: 4_000_000,
  cachedInput: 1_000_000,
  cacheWrite5m: 1_000_000,
  cacheWrite1h: 1_000_000,
  reasoning: 4_000_000,
  request: 0,
}
const usage: Usage = {
  input: { uncached: 10, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 5, reasoning: 0 },
}
const context = { estimatedInputTokens: 7, held: 1000 }

test('usage reported with a finished answer is charged as it is, even beyond the hold', () => {
  const settlement = settlementOf({ usage, deliveredChars: 4, complete: true }, price, { ...context, held: 1 })
  expect(settlement).toEqual({ release: false, usage, tokens: 15, amount: 30, quality: 'exact' })
})

test('an answer that was cut is charged for what was delivered, with the prompt as the provider counted it', () => {
  const settlement = settlementOf({ usage, deliveredChars: 80, complete: false }, price, context)
  expect(settlement).toMatchObject({
    release: false,
    quality: 'estimated',
    amount: 10 + 20 * 4,
    usage: { output: { visible: 20 } },
  })
})

test('without any report the prompt is estimated', () => {
  const settlement = settlementOf({ deliveredChars: 8, complete: true }, price, context)
  expect(settlement).toMatchObject({ quality: 'estimated', amount: 7 + 2 * 4, usage: { input: { uncached: 7 } } })
})

test('what a cut answer costs does not depend on the hold where the provider counted the prompt', () => {
  fc.assert(
    fc.property(
      fc.nat(1e9),
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      fc.nat(1e6),
      (held, uncached, cacheRead, visible, chars, own) => {
        const told: Usage = {
          input: { uncached, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0 },
          output: { visible, reasoning: 0 },
        }
        const cut = { usage: told, deliveredChars: chars + 1, complete: false }
        const settlement = settlementOf(cut, price, { estimatedInputTokens: own, held })
        const full = chargeFor(price, settlement.usage)
        const counted = uncached + cacheRead > 0
        expect(settlement.amount).toBe(counted ? full : Math.min(full, held))
        expect(settlement.usage.input).toEqual(counted ? told.input : { ...told.input, uncached: own })
        expect(settlement).toMatchObject({ release: false, quality: 'estimated' })
      },
    ),
  )
})

test('corrected numbers of a cut answer never cost more than the hold', () => {
  const cut = { usage: { ...usage, anomalies: 1 }, deliveredChars: 4000, complete: false }
  expect(settlementOf(cut, price, { ...context, held: 50 }).amount).toBe(50)
})

test('an estimate never exceeds the hold', () => {
  expect(settlementOf({ deliveredChars: 4000, complete: false }, price, { ...context, held: 50 }).amount).toBe(50)
})

test('our own count of a finished answer is an estimate, at most the hold', () => {
  const counted = { usage, estimated: true, deliveredChars: 0, complete: true }
  expect(settlementOf(counted, price, context)).toMatchObject({ quality: 'estimated', amount: 30, tokens: 15 })
  expect(settlementOf(counted, price, { ...context, held: 20 }).amount).toBe(20)
})

test('nothing delivered is nothing owed', () => {
  expect(settlementOf({ deliveredChars: 0, complete: false }, price, context)).toMatchObject({
    release: true,
    amount: 0,
    quality: 'none',
  })
  expect(settlementOf({ usage, deliveredChars: 0, complete: false }, price, context).release).toBe(true)
})

test('a free model costs nothing and is still counted', () => {
  expect(settlementOf({ usage, deliveredChars: 4, complete: true }, null, context)).toMatchObject({
    amount: 0,
    tokens: 15,
    quality: 'exact',
  })
})

test('usage that cannot be true is not believed: what was delivered is counted instead', () => {
  const none = {
    input: { uncached: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 0, reasoning: 0 },
  }
  const delivered = { deliveredChars: 40, complete: true }
  const estimated = { quality: 'estimated', amount: 7 + 10 * 4 }
  expect(settlementOf({ usage: none, ...delivered }, price, context)).toMatchObject(estimated)
  expect(settlementOf({ usage: { ...none, anomalies: 1 }, ...delivered }, price, context)).toMatchObject(estimated)
  const silent = { ...usage, output: { visible: 0, reasoning: 0 } }
  expect(settlementOf({ usage: silent, ...delivered }, price, context)).toMatchObject({
    quality: 'estimated',
    amount: 10 + 10 * 4,
  })
})

test('an end mark without anything in front of it is nothing delivered', () => {
  expect(settlementOf({ deliveredChars: 0, complete: true }, price, context).release).toBe(true)
})
