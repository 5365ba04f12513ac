import { expect, test } from 'vitest'
import type { KeyPrincipal } from '../keys/verdict.ts'
import { createLimiter } from './limiter.ts'

const principal = (limits: Partial<KeyPrincipal>): KeyPrincipal => ({
  keyId: 'key_1',
  userId: 'usr_1',
  accountId: 'acc_1',
  models: null,
  allowIps: null,
  quota: null,
  requestsPerMinute: null,
  tokensPerMinute: null,
  concurrency: null,
  expiresAt: null,
  ...limits,
})

const setup = () => {
  let now = 0
  const limiter = createLimiter({ clock: { now: () => now, monotonic: () => now } })
  return { limiter, pass: (ms: number) => (now += ms) }
}

test('a key gets exactly its requests per minute at once, then one more as time refills', () => {
  const { limiter, pass } = setup()
  const key = principal({ requestsPerMinute: 60 })
  for (let i = 0; i < 60; i++) limiter.take(key, 0).release(0)
  expect(() => limiter.take(key, 0)).toThrow(
    expect.objectContaining({ code: 'rate_limit_exceeded', details: { retryAfter: 1 } }),
  )
  pass(1000)
  expect(limiter.take(key, 0).limits?.requests).toEqual({ limit: 60, remaining: 0, resetMs: 60_000 })
  expect(() => limiter.take(key, 0)).toThrow()
})

test('tokens are corrected to what was really used', () => {
  const { limiter } = setup()
  const key = principal({ tokensPerMinute: 1000 })
  const lease = limiter.take(key, 900)
  expect(() => limiter.take(key, 200)).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded' }))
  lease.release(100)
  lease.release(0)
  expect(limiter.take(key, 200).limits?.tokens?.remaining).toBe(700)
})

test('a request refused for tokens takes nothing of the requests', () => {
  const { limiter } = setup()
  const key = principal({ requestsPerMinute: 2, tokensPerMinute: 10 })
  limiter.take(key, 10)
  expect(() => limiter.take(key, 5)).toThrow()
  expect(() => limiter.take(key, 5)).toThrow()
  expect(limiter.take(key, 0).limits?.requests?.remaining).toBe(0)
})

test('places at the same time come back exactly once', () => {
  const { limiter } = setup()
  const key = principal({ concurrency: 1 })
  const lease = limiter.take(key, 0)
  expect(() => limiter.take(key, 0)).toThrow(expect.objectContaining({ code: 'concurrency_limited' }))
  lease.release(0)
  lease.release(0)
  limiter.take(key, 0)
  expect(() => limiter.take(key, 0)).toThrow()
})
