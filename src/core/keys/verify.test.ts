import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestApp } from '../../../test/support/admin-app.ts'
import type { TestApp } from '../../../test/support/admin-app.ts'
import { keyFormat } from './key-format.ts'
import { createKeyVerifier } from './verify.ts'
import type { LiveKeyVerifier } from './verify.ts'

let app: TestApp
let verifier: LiveKeyVerifier

beforeEach(async () => {
  app = await openTestApp()
  verifier = await createKeyVerifier(app)
  await app.call('users.create', { email: 'ada@example.com' })
})

afterEach(async () => {
  verifier.close()
  await app.close()
})

const issue = (more: object = {}) => app.call('keys.create', { user: 'ada@example.com', ...more })

/** The verdict as soon as it is the one that is awaited, else the one after a second. */
const soon = async (secret: string, awaited: string): Promise<string> => {
  const until = performance.now() + 1_000
  for (;;) {
    const { status } = verifier.verify(secret)
    if (status === awaited || performance.now() > until) return status
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a new key is valid within a second, and its verdict says whom it speaks for and what it may do', async () => {
  const key = await issue({
    models: ['small', 'large'],
    allow_ips: ['10.0.0.0/8'],
    quota: { credits: '1.5', requests: 7, period: 'day' },
    rpm: 60,
    tpm: 1_000,
    concurrency: 2,
    expires_at: '2999-01-01T00:00:00Z',
  })
  expect(await soon(key.secret, 'valid')).toBe('valid')
  const verdict = verifier.verify(key.secret)
  const account = await app.users.find(app.storage.read, 'ada@example.com')
  expect(verdict).toEqual({
    status: 'valid',
    principal: {
      keyId: key.id,
      userId: key.user.id,
      accountId: account.account_id,
      models: new Set(['small', 'large']),
      allowIps: ['10.0.0.0/8'],
      quota: { period: 'day', credits: 1_500_000_000, tokens: null, requests: 7 },
      requestsPerMinute: 60,
      tokensPerMinute: 1_000,
      concurrency: 2,
      expiresAt: Date.parse('2999-01-01T00:00:00Z'),
    },
  })
})

test('revoked, disabled, deleted keys and keys of suspended or deleted users stop within a second', async () => {
  const [revoked, disabled, deleted] = [await issue(), await issue(), await issue()]
  expect(await soon(deleted.secret, 'valid')).toBe('valid')
  await app.call('keys.revoke', { key: revoked.id })
  expect(await soon(revoked.secret, 'disabled')).toBe('disabled')
  await app.call('keys.disable', { key: disabled.id })
  expect(await soon(disabled.secret, 'disabled')).toBe('disabled')
  await app.call('keys.enable', { key: disabled.id })
  expect(await soon(disabled.secret, 'valid')).toBe('valid')
  await app.call('keys.delete', { key: deleted.id })
  expect(await soon(deleted.secret, 'unknown')).toBe('unknown')
  await app.call('users.suspend', { user: 'ada@example.com', reason: 'test' })
  expect(await soon(disabled.secret, 'disabled')).toBe('disabled')
  await app.call('users.activate', { user: 'ada@example.com' })
  expect(await soon(disabled.secret, 'valid')).toBe('valid')
  await app.call('users.delete', { user: 'ada@example.com' })
  expect(await soon(disabled.secret, 'disabled')).toBe('disabled')
})

test('a change by another process is felt within a second', async () => {
  const key = await issue()
  expect(await soon(key.secret, 'valid')).toBe('valid')
  const other = await openTestApp(app.dataDir)
  try {
    await other.call('keys.revoke', { key: key.id })
    expect(await soon(key.secret, 'disabled')).toBe('disabled')
  } finally {
    await other.storage.close()
  }
})

test('a change is felt even when the clock has stepped back', async () => {
  const key = await issue()
  expect(await soon(key.secret, 'valid')).toBe('valid')
  app.clock.offset = -86_400_000
  await app.call('keys.revoke', { key: key.id })
  expect(await soon(key.secret, 'disabled')).toBe('disabled')
})

test('expiry is judged at the moment of use', async () => {
  const key = await issue({ expires_at: new Date(Date.now() + 3_600_000).toISOString() })
  expect(await soon(key.secret, 'valid')).toBe('valid')
  app.clock.offset = 3_600_001
  expect(verifier.verify(key.secret).status).toBe('expired')
})

test('after a rotation the old secret works for the grace period and not longer', async () => {
  const key = await issue()
  const rotated = await app.call('keys.rotate', { key: key.id, grace_seconds: 3_600 })
  expect(rotated.id).toBe(key.id)
  expect(await soon(rotated.secret, 'valid')).toBe('valid')
  expect(verifier.verify(key.secret).status).toBe('valid')
  app.clock.offset = 3_600_001
  expect(verifier.verify(key.secret).status).toBe('unknown')
  expect(verifier.verify(rotated.secret).status).toBe('valid')
})

test('without grace the old secret stops at once, and a revoked key stops with both its secrets', async () => {
  const key = await issue()
  const second = await app.call('keys.rotate', { key: key.id })
  expect(await soon(second.secret, 'valid')).toBe('valid')
  expect(verifier.verify(key.secret).status).toBe('unknown')
  const third = await app.call('keys.rotate', { key: key.id, grace_seconds: 60 })
  expect(await soon(third.secret, 'valid')).toBe('valid')
  await app.call('keys.revoke', { key: key.id })
  expect(await soon(third.secret, 'disabled')).toBe('disabled')
  expect(verifier.verify(second.secret).status).not.toBe('valid')
})

test('of 10 000 keys that almost exist none is accepted', async () => {
  const { secret } = await issue()
  expect(await soon(secret, 'valid')).toBe('valid')
  const near = new Set<string>()
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  for (let at = 6; at < secret.length; at++) {
    for (const character of alphabet) near.add(secret.slice(0, at) + character + secret.slice(at + 1))
    near.add(secret.slice(0, at))
    near.add(secret.slice(at))
  }
  while (near.size < 9_000) near.add(secret.slice(0, 30) + keyFormat.create().slice(30))
  while (near.size < 10_001) near.add(keyFormat.create())
  near.delete(secret)
  expect(near.size).toBeGreaterThanOrEqual(10_000)
  for (const text of near) expect(verifier.verify(text).status).not.toBe('valid')
  expect(verifier.verify(secret).status).toBe('valid')
})

test('20 000 keys are loaded, and one change among them taken in, without holding the thread up', async () => {
  const user = await app.users.find(app.storage.read, 'ada@example.com')
  const row = (i: number) => ({
    id: `key_${String(i).padStart(26, '0')}`,
    user_id: user.id,
    name: `bulk-${i}`,
    hash: `hash-${i}`,
    start: 'sk-tg-bulk…',
    status: 'active' as const,
    models: '["small","large"]',
    allow_ips: null,
    expires_at: null,
    quota_credits: null,
    quota_tokens: null,
    quota_requests: null,
    quota_period: null,
    rpm: null,
    tpm: null,
    concurrency: null,
    tags: '{}',
    previous_hash: null,
    grace_until: null,
    created_at: 1,
    updated_at: 1 + i,
  })
  await app.storage.write(async ({ db }) => {
    for (let from = 0; from < 20_000; from += 500) {
      await db
        .insertInto('api_keys')
        .values(Array.from({ length: 500 }, (_, i) => row(from + i)))
        .execute()
    }
  })
  // Turns of the event loop that others had meanwhile: one block of work would leave them two or three.
  const loading = await turnsDuring(async () => {
    const many = await createKeyVerifier(app)
    many.close()
  })
  const key = await issue()
  const changing = await turnsDuring(async () => {
    expect(await soon(key.secret, 'valid')).toBe('valid')
  })
  expect(loading).toBeGreaterThan(20)
  expect(changing).toBeGreaterThan(3)
})

/** How many turns the event loop made during the work. */
const turnsDuring = async (work: () => Promise<void>): Promise<number> => {
  let turns = 0
  let running = true
  const tick = (): void => {
    turns++
    if (running) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  running = false
  return turns
}
