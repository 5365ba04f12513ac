import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { QuotaClaim } from './commands.ts'
import { decideHold, type QuotaUse } from './decide.ts'

const wallet = { credits_posted: 1_000, debits_posted: 0, debits_pending: 0 }
const amount = { min: 1, max: 10 }
const unused: QuotaUse = { credits: 0, tokens: 0, requests: 0, credits_pending: 0, tokens_pending: 0 }
const claim: QuotaClaim = {
  counter: 'key_1:total',
  keyId: 'key_1',
  credits: null,
  tokens: 100,
  requests: null,
  claimTokens: 80,
  minTokens: 20,
}

describe('a claim on a quota of tokens', () => {
  test.each([
    ['all of it while that is left', 20, 0, { ok: true, tokens: 80 }],
    ['what is left when that is enough', 30, 20, { ok: true, tokens: 50 }],
    ['exactly the least', 70, 10, { ok: true, tokens: 20 }],
    ['refused when less is left', 71, 10, { ok: false, which: 'tokens', left: 19 }],
    ['refused when nothing is left', 100, 0, { ok: false, which: 'tokens', left: 0 }],
    ['refused when more was used than there was', 150, 0, { ok: false, which: 'tokens', left: 0 }],
  ])('%s', (_, tokens, pending, expected) => {
    const use = { ...unused, tokens, tokens_pending: pending }
    expect(decideHold(wallet, amount, claim, use)).toMatchObject(expected)
  })

  test('an unlimited quota grants the whole claim, and no quota grants nothing', () => {
    expect(decideHold(wallet, amount, { ...claim, tokens: null }, unused)).toEqual({ ok: true, held: 10, tokens: 80 })
    expect(decideHold(wallet, amount, undefined, null)).toEqual({ ok: true, held: 10, tokens: 0 })
  })

  test('exchanges that use no more than they were granted never take the key above its limit', () => {
    const size = fc.nat(60)
    const event = fc.oneof(
      fc.record({ do: fc.constant('hold' as const), least: size, more: size }),
      fc.record({
        do: fc.constant('settle' as const),
        which: fc.nat(20),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    )
    fc.assert(
      fc.property(fc.nat(400), fc.array(event, { maxLength: 60 }), (limit, events) => {
        const use = { ...unused }
        const open: number[] = []
        for (const one of events) {
          if (one.do === 'hold') {
            const asked = { ...claim, tokens: limit, minTokens: one.least, claimTokens: one.least + one.more }
            const result = decideHold(wallet, amount, asked, use)
            if (!result.ok) continue
            expect(result.tokens).toBeGreaterThanOrEqual(one.least)
            expect(result.tokens).toBeLessThanOrEqual(asked.claimTokens)
            use.tokens_pending += result.tokens
            open.push(result.tokens)
          } else {
            const [granted] = open.splice(one.which % Math.max(1, open.length), 1)
            if (granted === undefined) continue
            use.tokens_pending -= granted
            use.tokens += Math.floor(granted * one.share)
          }
          expect(use.tokens + use.tokens_pending).toBeLessThanOrEqual(limit)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
