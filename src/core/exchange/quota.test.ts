import { expect, test } from 'vitest'
import { quotaClaim, quotaRefusal, secondsToRenewal } from './quota.ts'

const principal = (period: 'day' | 'week' | 'month' | 'total') => ({
  keyId: 'key_1',
  userId: 'u',
  accountId: 'a',
  models: null,
  allowIps: null,
  quota: { period, credits: 5, tokens: null, requests: null },
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  expiresAt: null,
})
const sunday = Date.UTC(2026, 1, 1, 23, 59, 30)

test.each([
  ['day', 'key_1:2026-02-01', 30],
  ['week', 'key_1:w2026-01-26', 30],
  ['month', 'key_1:2026-02', 27 * 86_400 + 30],
  ['total', 'key_1:total', undefined],
] as const)('a quota per %s counts in %s and renews at its end in UTC', (period, counter, seconds) => {
  expect(quotaClaim(principal(period), sunday, { claimTokens: 9, minTokens: 4 })).toMatchObject({
    counter,
    credits: 5,
    claimTokens: 9,
    minTokens: 4,
  })
  expect(secondsToRenewal(period, sunday)).toBe(seconds)
})

test('a refusal tells a quota that is used up from one that is too small for the request', () => {
  const refused = { ok: false, code: 'quota_exceeded' } as const
  expect(quotaRefusal({ ...refused, which: 'tokens', left: 0 }, 'total', 50)).toMatch(/tokens in all\) is used up/u)
  expect(quotaRefusal({ ...refused, which: 'tokens', left: 40 }, 'day', 50)).toMatch(/40 tokens per day\).*needs 50\./u)
  expect(quotaRefusal({ ...refused, which: 'credits', left: 2_000_000_000 }, 'day', 2_500_000_000)).toMatch(
    /2 credits per day\).*needs 2\.5\./u,
  )
})
