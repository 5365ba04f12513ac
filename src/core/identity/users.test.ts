import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestApp } from '../../../test/support/admin-app.ts'
import type { TestApp } from '../../../test/support/admin-app.ts'
import { GatewayError } from '../kernel/errors.ts'
import { runOperation } from '../operations.ts'
import { createBootstrap } from './bootstrap.ts'

let app: TestApp

beforeAll(async () => {
  app = await openTestApp()
})
afterAll(() => app.close())

const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => {
  try {
    await work
  } catch (error) {
    return error instanceof GatewayError ? error.code : `not ours: ${String(error)}`
  }
  return undefined
}

let next = 0
const fresh = (): string => `user${next++}@example.com`

test('a new user has an empty wallet, no password and the least role', async () => {
  const email = fresh()
  const user = await app.call('users.create', { email: `  ${email.toUpperCase()} `, name: ' Ada ' })
  expect(user).toEqual({
    id: expect.stringMatching(/^usr_/),
    email,
    name: 'Ada',
    role: 'user',
    status: 'active',
    status_reason: null,
    balance: { available: '0', held: '0' },
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    updated_at: expect.any(String),
  })
  expect(await app.call('users.show', { user: email })).toEqual(user)
  expect(await app.call('users.show', { user: user.id })).toEqual(user)
  expect(await app.call('users.show', { user: email.toUpperCase() })).toEqual(user)
})

test.each([
  '',
  'ada',
  '@example.com',
  'ada@',
  'ada@@example.com',
  'ada@example.com\nbcc: eve@example.com',
  'ada\0@example.com',
  'ада@example.com',
  'a\u202eda@example.com',
  'a\u200bda@example.com',
  'ada @example.com',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(60)}.${'e'.repeat(60)}.${'f'.repeat(60)}`,
  '<ada@example.com>',
])('what is no plain ASCII address is refused: %j', async (email) => {
  expect(await codeOf(app.call('users.create', { email }))).toBe('invalid_request')
})

test('an address is given once, also when two ask for it at the same time', async () => {
  const email = fresh()
  const results = await Promise.all([1, 2, 3].map(() => codeOf(app.call('users.create', { email }))))
  expect(results.toSorted()).toEqual(['already_exists', 'already_exists', undefined])
})

test('names and reasons may not hold what a terminal or a log would obey', async () => {
  for (const name of ['\u001b[2J', 'a\u202eb', 'a\r\nb', '   ', '', 'x'.repeat(201)]) {
    expect(await codeOf(app.call('users.create', { email: fresh(), name })), JSON.stringify(name)).toBe(
      'invalid_request',
    )
  }
})

describe('passwords', () => {
  test.each([
    ['too short', 'fourteen chars'],
    ['blank', ' '.repeat(20)],
    ['one letter', 'aaaaaaaaaaaaaaaaaaaa'],
    ['too long', 'ab1-c'.repeat(300)],
  ])('a password that is %s is refused', async (_what, password) => {
    expect(await codeOf(app.call('users.create', { email: fresh(), password }))).toBe('invalid_request')
  })

  test('the e-mail address is no password', async () => {
    const email = `a-long-address-${fresh()}`
    expect(await codeOf(app.call('users.create', { email, password: email.toUpperCase() }))).toBe('invalid_request')
  })

  test('is kept as argon2id with the chosen cost and never shown', async () => {
    const { id } = await app.call('users.create', { email: fresh() })
    const shown = await app.call('users.set_password', { user: id, password: 'ein langes Passwort 🙂' })
    const row = await app.storage.read.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
    expect(JSON.stringify(shown)).not.toContain('argon2')
    const { verify } = await import('argon2')
    expect(await verify(row.password_hash!, 'ein langes Passwort 🙂')).toBe(true)
  })

  test('many at once are hashed few at a time, and more than can wait are refused as busy', async () => {
    const { createPasswordHasher } = await import('./passwords.ts')
    const passwords = createPasswordHasher({ concurrency: 2, queue: 3 })
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => codeOf(passwords.hash(`a good password ${i}`, 'ada@example.com'))),
    )
    expect(results.filter((code) => code === undefined)).toHaveLength(5)
    expect(results.filter((code) => code === 'overloaded')).toHaveLength(7)
    expect(await codeOf(passwords.hash('one more good password', 'ada@example.com'))).toBeUndefined()
  })
})

describe('admins', () => {
  test('the last active admin cannot be demoted, suspended or deleted; with a second one it works', async () => {
    const own = await openTestApp()
    try {
      const first = await own.call('users.create', { email: 'first@example.com', role: 'admin' })
      const steps = [
        ['users.set_role', { user: first.id, role: 'operator' }],
        ['users.set_role', { user: first.id, role: 'user' }],
        ['users.suspend', { user: first.id, reason: 'x' }],
        ['users.delete', { user: first.id }],
      ] as const
      for (const [id, input] of steps) expect(await codeOf(own.call(id, input))).toBe('conflict')
      const second = await own.call('users.create', { email: 'second@example.com', role: 'admin' })
      await own.call('users.suspend', { user: second.id, reason: 'away' })
      for (const [id, input] of steps) expect(await codeOf(own.call(id, input))).toBe('conflict')
      await own.call('users.activate', { user: second.id })
      expect(await codeOf(own.call('users.set_role', { user: first.id, role: 'user' }))).toBeUndefined()
    } finally {
      await own.close()
    }
  })

  test('of two admins that are removed at the same time one stays', async () => {
    const own = await openTestApp()
    try {
      const [a, b] = await Promise.all(
        ['a@example.com', 'b@example.com'].map((email) => own.call('users.create', { email, role: 'admin' })),
      )
      const results = await Promise.all([a, b].map(({ id }) => codeOf(own.call('users.delete', { user: id }))))
      expect(results.toSorted()).toEqual(['conflict', undefined])
    } finally {
      await own.close()
    }
  })

  test('nobody takes their own rights away', async () => {
    const self = await app.call('users.create', { email: fresh(), role: 'admin' })
    await app.call('users.create', { email: fresh(), role: 'admin' })
    const as = { id: self.id as string, role: 'admin' } as const
    expect(await codeOf(runOperation(app, as, 'users.set_role', { user: self.id, role: 'user' }))).toBe('conflict')
    expect(await codeOf(runOperation(app, as, 'users.delete', { user: self.id }))).toBe('conflict')
    expect(await codeOf(runOperation(app, as, 'users.suspend', { user: self.id, reason: 'x' }))).toBe('conflict')
  })
})

test('a deleted user leaves lists, keeps the wallet, frees the address and can come back by id while it is free', async () => {
  const email = fresh()
  const gone = await app.call('users.create', { email })
  await app.call('credits.grant', { user: gone.id, amount: '3' })
  await app.call('users.delete', { user: gone.id })
  const listed = async (input: object) => (await app.call('users.list', { q: email, ...input })).data.length as number
  expect([await listed({}), await listed({ status: 'deleted' })]).toEqual([0, 1])
  expect(await app.call('users.show', { user: email })).toMatchObject({
    status: 'deleted',
    balance: { available: '3' },
  })
  expect(await codeOf(app.call('credits.grant', { user: gone.id, amount: '1' }))).toBe('conflict')
  expect(await codeOf(app.call('keys.create', { user: gone.id }))).toBe('conflict')
  const successor = await app.call('users.create', { email })
  expect((await app.call('users.show', { user: email })).id).toBe(successor.id)
  expect(await codeOf(app.call('users.activate', { user: gone.id }))).toBe('already_exists')
  await app.call('users.update', { user: successor.id, email: fresh() })
  expect(await app.call('users.activate', { user: gone.id })).toMatchObject({ status: 'active', email })
})

test('pages show every user once, whatever is created meanwhile, and refuse cursors that are not theirs', async () => {
  const emails = Array.from({ length: 7 }, (_, i) => `page-${i}@pages.example.com`)
  for (const email of emails) await app.call('users.create', { email })
  const seen: string[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < 10; pages++) {
    const page = await app.call('users.list', {
      q: '@pages.example',
      limit: 3,
      ...(cursor !== undefined && { cursor }),
    })
    seen.push(...page.data.map(({ email }: { email: string }) => email))
    if (page.next_cursor === null) break
    cursor = page.next_cursor
    await app.call('users.create', { email: `later-${pages}@pages.example.com` })
  }
  expect(seen).toEqual(emails.toReversed())
  for (const wrong of ['x', '', 'WzFd', 'eyJhIjoxfQ', 'a'.repeat(1025)]) {
    expect(await codeOf(app.call('users.list', { cursor: wrong })), wrong).toBe('invalid_request')
  }
  for (const limit of [0, -1, 501, 1e9, 1.5, 'abc']) {
    expect(await codeOf(app.call('users.list', { limit }))).toBe('invalid_request')
  }
})

test('a search is literal: wildcards find themselves', async () => {
  await app.call('users.create', { email: fresh(), name: String.raw`100% a_b \ c` })
  const found = async (q: string) => (await app.call('users.list', { q })).data.length as number
  expect([await found('100%'), await found('A_B'), await found(String.raw`\ c`)]).toEqual([1, 1, 1])
  expect([await found('%%%%%%'), await found('_'.repeat(200)), await found("' or 1=1--")]).toEqual([0, 0, 0])
})

describe('admin tokens', () => {
  test('speak for their user with the lesser of both roles, and stop when the user does', async () => {
    const user = await app.call('users.create', { email: fresh(), role: 'admin' })
    await app.call('users.create', { email: fresh(), role: 'admin' })
    const as = { id: user.id as string, role: 'admin' } as const
    const { secret, id } = (await runOperation(app, as, 'tokens.create', { name: 'mine', role: 'admin' })) as {
      secret: string
      id: string
    }
    expect(secret).toMatch(/^tgadm-[0-9A-Za-z]{49}$/)
    expect(await app.tokens.authenticate(secret)).toEqual({ id: user.id, role: 'admin' })
    await app.call('users.set_role', { user: user.id, role: 'operator' })
    expect(await app.tokens.authenticate(secret)).toEqual({ id: user.id, role: 'operator' })
    await app.call('users.set_role', { user: user.id, role: 'user' })
    expect(await app.tokens.authenticate(secret)).toBeUndefined()
    await app.call('users.set_role', { user: user.id, role: 'admin' })
    await app.call('users.suspend', { user: user.id, reason: 'x' })
    expect(await app.tokens.authenticate(secret)).toBeUndefined()
    await app.call('users.activate', { user: user.id })
    await app.call('tokens.revoke', { token: id })
    expect(await app.tokens.authenticate(secret)).toBeUndefined()
  })

  test('expire, are refused in the past, and are nothing but the whole secret', async () => {
    const expires = new Date(Date.now() + 60_000).toISOString()
    const { secret, id } = await app.call('tokens.create', { name: 'brief', role: 'operator', expires_at: expires })
    expect(await app.tokens.authenticate(secret)).toEqual({ id: `token:${id}`, role: 'operator' })
    for (const wrong of [secret.slice(1), secret.slice(0, -1), `${secret} `, secret.toLowerCase(), id, '']) {
      expect(await app.tokens.authenticate(wrong)).toBeUndefined()
    }
    app.clock.offset = 60_001
    expect(await app.tokens.authenticate(secret)).toBeUndefined()
    app.clock.offset = 0
    const past = { name: 'past', role: 'operator', expires_at: '2020-01-01T00:00:00Z' }
    expect(await codeOf(app.call('tokens.create', past))).toBe('invalid_request')
  })
})

describe('bootstrap', () => {
  const open = async () => {
    const own = await openTestApp()
    return { own, bootstrap: await createBootstrap(own) }
  }

  test('the code of a fresh gateway makes one admin with a token, also when two redeem it at the same time', async () => {
    const { own, bootstrap } = await open()
    try {
      const redeem = (email: string) => bootstrap.redeem(bootstrap.code!, email, 'req_test')
      expect(await codeOf(redeem('no address'))).toBe('invalid_request')
      const results = await Promise.allSettled(['a@example.com', 'b@example.com'].map(redeem))
      const made = results.filter((result) => result.status === 'fulfilled')
      expect(made).toHaveLength(1)
      const { user, token } = made[0]!.value
      expect(await own.tokens.authenticate(token)).toEqual({ id: user.id, role: 'admin' })
      expect(await codeOf(redeem('c@example.com'))).toBe('unauthenticated')
      expect((await own.call('audit.list', {})).data).toMatchObject([
        { action: 'gateway.bootstrapped', target: user.id },
      ])
      expect((await createBootstrap(own)).code).toBeNull()
    } finally {
      await own.close()
    }
  })

  test('twenty wrong codes close it, and a code does not outlive its day', async () => {
    const { own, bootstrap } = await open()
    try {
      for (let i = 0; i < 20; i++) {
        expect(await codeOf(bootstrap.redeem(`tgboot-${i}`, 'a@example.com', 'req_test'))).toBe('unauthenticated')
      }
      expect(await codeOf(bootstrap.redeem(bootstrap.code!, 'a@example.com', 'req_test'))).toBe('unauthenticated')
      let elapsed = 0
      const later = await createBootstrap({ ...own, clock: { now: () => Date.now(), monotonic: () => elapsed } })
      elapsed = 24 * 3_600_000
      expect(await codeOf(later.redeem(later.code!, 'a@example.com', 'req_test'))).toBe('unauthenticated')
    } finally {
      await own.close()
    }
  })

  test('there is no code once a token was made on the machine itself', async () => {
    const { own, bootstrap } = await open()
    try {
      const { id } = await own.call('tokens.create', { name: 'init', role: 'admin' })
      expect((await createBootstrap(own)).code).toBeNull()
      expect(await codeOf(bootstrap.redeem(bootstrap.code!, 'a@example.com', 'req_test'))).toBe('unauthenticated')
      await own.call('tokens.revoke', { token: id })
      expect((await createBootstrap(own)).code).not.toBeNull()
    } finally {
      await own.close()
    }
  })
})
