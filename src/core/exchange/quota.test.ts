import { expect, test } from 'vitest'
import { quotaClaim, secondsToRenewal } from './quota.ts'

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
  expect(quotaClaim(principal(period), sunday, 9)).toMatchObject({ counter, credits: 5, claimTokens: 9 })
  expect(secondsToRenewal(period, sunday)).toBe(seconds)
})
