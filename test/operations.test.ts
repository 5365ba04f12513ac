import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { GatewayError } from '../src/core/kernel/errors.ts'
import type { Actor, Role } from '../src/core/kernel/operation.ts'
import { operations, runOperation } from '../src/core/operations.ts'
import { openTestApp, testAdmin } from './support/admin-app.ts'
import type { TestApp } from './support/admin-app.ts'

let app: TestApp

beforeAll(async () => {
  app = await openTestApp()
  await app.call('users.create', { email: 'root@example.com', role: 'admin' })
})
afterAll(() => app.close())

const rank: Record<Role, number> = { user: 0, operator: 1, admin: 2 }
const actor = (role: Role): Actor => ({ id: `test:${role}`, role })
const codeOf = async (work: Promise<unknown>): Promise<string | undefined> => {
  try {
    await work
  } catch (error) {
    return error instanceof GatewayError ? error.code : `not ours: ${String(error)}`
  }
  return undefined
}

/** Everything that a refused operation must leave as it is. */
const everything = async (): Promise<string> => {
  const tables = [
    'users',
    'accounts',
    'transfers',
    'api_keys',
    'admin_tokens',
    'providers',
    'models',
    'audit',
    'idempotency',
  ] as const
  const rows = await Promise.all(tables.map((table) => app.storage.read.selectFrom(table).selectAll().execute()))
  return JSON.stringify(rows)
}

/** Whether the paths of two routes can be the same text. */
const shape = (path: string): string => path.replace(/:[a-z_]+/g, ':')

test('every operation has an id, route and place of its own, and parameters that are fields of its input', () => {
  expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
  expect(new Set(operations.map(({ method, path }) => `${method} ${shape(path)}`)).size).toBe(operations.length)
  for (const { id, path, input } of operations) {
    expect(id).toMatch(/^[a-z_]+(\.[a-z_]+)?$/)
    const fields = Object.keys(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }).properties ?? {})
    for (const [, parameter] of path.matchAll(/:([a-z_]+)/g)) expect(fields, `${id} ${path}`).toContain(parameter)
  }
})

test('every operation that changes something is audited, needs more than a user, and money needs an admin', () => {
  const wrong = operations.filter(({ method, transaction, audit, role, money }) => {
    const writes = method !== 'GET' && transaction !== 'none'
    return (writes && !/^[a-z_]+\.[a-z_]+$/.test(audit ?? '')) || rank[role] === 0 || (money && role !== 'admin')
  })
  expect(wrong.map(({ id }) => id)).toEqual([])
  expect(operations.filter(({ money }) => money).map(({ id }) => id)).toEqual([
    'credits.grant',
    'credits.adjust',
    'credits.reverse',
  ])
})

describe.each(operations.map((operation) => [operation.id, operation] as const))('%s', (id, operation) => {
  test('refuses every role below its own, unknown and privileged fields, and what is no object, and changes nothing', async () => {
    const before = await everything()
    for (const role of ['user', 'operator', 'admin'] as const) {
      if (rank[role] >= rank[operation.role]) continue
      expect(await codeOf(runOperation(app, actor(role), id, {})), role).toBe('forbidden')
    }
    const privileged = [
      'id',
      'balance',
      'password_hash',
      'created_at',
      'owner_id',
      'hash',
      'constructor',
      'unknown_field',
    ]
    for (const field of privileged) {
      expect(await codeOf(app.call(id, { [field]: 'x' })), field).toBe('invalid_request')
    }
    expect(await codeOf(app.call(id, JSON.parse('{"__proto__":{"role":"admin"}}')))).toBe('invalid_request')
    for (const wrong of [null, [], 'text', 1, undefined])
      expect(await codeOf(app.call(id, wrong))).toBe('invalid_request')
    expect(await everything()).toBe(before)
  })

  test('names the field that is unknown', async () => {
    const error = await app.call(id, { surprise: 1 }).catch((thrown: unknown) => thrown)
    expect((error as GatewayError).details.fields).toContainEqual({
      path: 'surprise',
      message: 'This field is unknown.',
    })
  })
})

test('an operation that does not exist is not found', async () => {
  for (const id of ['nothing.here', '', 'constructor', '__proto__', 'users']) {
    expect(await codeOf(app.call(id, {}))).toBe('not_found')
  }
})

test('a write leaves exactly one audit row with who, what, to whom and why, and no secret in it', async () => {
  const password = 'correct horse battery staple'
  const user = await app.call('users.create', { email: 'audited@example.com', password }, { requestId: 'req_audit' })
  const { data } = await app.call('audit.list', { target: user.id })
  expect(data).toHaveLength(1)
  expect(data[0]).toMatchObject({
    actor: testAdmin.id,
    action: 'user.created',
    target: user.id,
    request_id: 'req_audit',
  })
  expect(data[0].details).toEqual({ email: 'audited@example.com', password: '•••' })

  const key = await app.call('keys.create', { user: user.id, name: 'note sk-ant-abcdefgh12345678' })
  const token = await app.call('tokens.create', { name: 'ci', role: 'operator' })
  await app.call('providers.add', { name: 'canary', kind: 'openai', secret: 'canary-provider-secret-0001' })
  const rows = await app.storage.read.selectFrom('audit').selectAll().execute()
  const text = JSON.stringify(rows)
  for (const secret of [password, key.secret, token.secret, 'canary-provider-secret-0001', 'sk-ant-abcdefgh12345678']) {
    expect(text).not.toContain(secret)
  }
  expect(text).not.toContain('argon2')
})

test('a write that fails half way leaves neither its work nor its audit row', async () => {
  const before = await everything()
  expect(await codeOf(app.call('users.create', { email: 'root@example.com' }))).toBe('already_exists')
  expect(await codeOf(app.call('credits.adjust', { user: 'root@example.com', amount: '-1', note: 'too much' }))).toBe(
    'insufficient_credits',
  )
  expect(await everything()).toBe(before)
})

describe('Idempotency-Key', () => {
  test('the same call again answers the same and does nothing; another input is refused', async () => {
    const key = randomUUID()
    const input = { user: 'root@example.com', amount: '5', note: 'once' }
    const first = await app.call('credits.grant', input, { idempotencyKey: key })
    const again = await app.call(
      'credits.grant',
      { note: 'once', amount: '5', user: 'root@example.com' },
      { idempotencyKey: key },
    )
    expect(again).toEqual(first)
    expect(await codeOf(app.call('credits.grant', { ...input, amount: '6' }, { idempotencyKey: key }))).toBe(
      'idempotency_mismatch',
    )
    const { data } = await app.call('credits.history', { user: 'root@example.com' })
    expect(data.filter(({ note }: { note: string }) => note === 'once')).toHaveLength(1)
  })

  test('of fifty duplicates at the same time one books and all answer the same', async () => {
    const { id } = await app.call('users.create', { email: 'duplicates@example.com' })
    const options = { idempotencyKey: randomUUID() }
    const input = { user: id, amount: '2.5' }
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.call('credits.grant', input, options)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(await app.call('credits.balance', { user: id })).toMatchObject({
      available: '2.5',
      granted: '2.5',
      spent: '0',
    })
    expect((await app.call('audit.list', { target: answers[0].id })).data).toHaveLength(1)
    expect((await app.call('credits.verify', {})).ok).toBe(true)
  })

  test('a key protects the money even after its row is gone', async () => {
    const { id } = await app.call('users.create', { email: 'pruned@example.com' })
    const options = { idempotencyKey: randomUUID() }
    const first = await app.call('credits.grant', { user: id, amount: '1' }, options)
    await app.storage.write(({ db }) => db.deleteFrom('idempotency').execute())
    expect(await app.call('credits.grant', { user: id, amount: '1' }, options)).toMatchObject({ id: first.id })
    await app.storage.write(({ db }) => db.deleteFrom('idempotency').execute())
    expect(await codeOf(app.call('credits.grant', { user: id, amount: '3' }, options))).toBe('idempotency_mismatch')
    expect(await app.call('credits.balance', { user: id })).toMatchObject({ available: '1' })
  })

  test('a secret is not kept: the repeated answer names the same thing and says null', async () => {
    const options = { idempotencyKey: randomUUID() }
    const first = await app.call('keys.create', { user: 'root@example.com', name: 'kept' }, options)
    const again = await app.call('keys.create', { user: 'root@example.com', name: 'kept' }, options)
    expect(first.secret).toMatch(/^sk-tg-/)
    expect(again).toEqual({ ...first, secret: null })
    const rows = await app.storage.read.selectFrom('idempotency').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(first.secret)
    expect(JSON.stringify(rows)).not.toContain(options.idempotencyKey)
  })

  test('a refused call is not remembered: with the same key it may be repeated', async () => {
    const options = { idempotencyKey: randomUUID() }
    const input = { user: 'late@example.com', amount: '1' }
    expect(await codeOf(app.call('credits.grant', input, options))).toBe('not_found')
    await app.call('users.create', { email: 'late@example.com' })
    expect(await codeOf(app.call('credits.grant', input, options))).toBeUndefined()
  })

  test('keys of two actors and of two operations do not meet', async () => {
    const options = { idempotencyKey: randomUUID() }
    const input = { user: 'root@example.com', amount: '1', note: 'a' }
    const mine = await app.call('credits.grant', input, options)
    const theirs = await runOperation(app, actor('admin'), 'credits.grant', input, options)
    const adjusted = await app.call('credits.adjust', input, options)
    expect(new Set([mine.id, (theirs as { id: string }).id, adjusted.id]).size).toBe(3)
  })

  test('money over a wire that may lose answers is refused without a key, and bad keys are refused', async () => {
    const input = { user: 'root@example.com', amount: '1' }
    expect(await codeOf(app.call('credits.grant', input, { requireIdempotencyKey: true }))).toBe('idempotency_required')
    for (const idempotencyKey of ['', 'a b', 'é', 'x'.repeat(256), 'a\n']) {
      expect(await codeOf(app.call('credits.grant', input, { idempotencyKey }))).toBe('invalid_request')
    }
  })
})
