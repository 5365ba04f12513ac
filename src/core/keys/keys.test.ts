import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestApp } from '../../../test/support/admin-app.ts'
import type { TestApp } from '../../../test/support/admin-app.ts'
import { GatewayError } from '../kernel/errors.ts'
import { runOperation } from '../operations.ts'

let app: TestApp

beforeAll(async () => {
  app = await openTestApp()
  await app.call('users.create', { email: 'ada@example.com' })
  await app.call('users.create', { email: 'boss@example.com', role: 'admin' })
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
const issue = (more: object = {}) => app.call('keys.create', { user: 'ada@example.com', ...more })

test('the secret is in the answer that made it and in no other answer, and not in the database', async () => {
  const { secret, ...key } = await issue({ name: 'ci', tags: { team: 'core' }, rpm: 5 })
  expect(await app.call('keys.show', { key: 'ci' })).toEqual(key)
  expect(await app.call('keys.show', { key: key.id })).toEqual(key)
  const rows = await app.storage.read.selectFrom('api_keys').selectAll().execute()
  expect(JSON.stringify([rows, await app.call('keys.list', {})])).not.toContain(secret.slice(10))
})

test('a setting is changed alone, and null clears it', async () => {
  const key = await issue({
    models: ['a', 'a', 'b'],
    quota: { tokens: 10, period: 'total' },
    rpm: 5,
    allow_ips: ['::1'],
  })
  expect(key.models).toEqual(['a', 'b'])
  const changed = await app.call('keys.update', { key: key.id, rpm: 6 })
  expect(changed).toMatchObject({ rpm: 6, models: ['a', 'b'], allow_ips: ['::1'], quota: { tokens: 10 } })
  const cleared = await app.call('keys.update', { key: key.id, models: null, quota: null, rpm: null, allow_ips: null })
  expect(cleared).toMatchObject({ rpm: null, models: null, allow_ips: null, quota: null })
})

test.each([
  { models: [] },
  { models: ['a b'] },
  { expires_at: '2020-01-01T00:00:00Z' },
  { expires_at: '2030-02-30T00:00:00Z' },
  { expires_at: '2030-01-01' },
  { expires_at: 1_900_000_000 },
  { quota: { period: 'day' } },
  { quota: { period: 'year', tokens: 1 } },
  { quota: { period: 'day', credits: '-1' } },
  { quota: { period: 'day', credits: 1 } },
  { quota: { period: 'day', credits: '1e3' } },
  { quota: { period: 'day', tokens: 0 } },
  { quota: { period: 'day', tokens: 1, more: 1 } },
  { rpm: 0 },
  { rpm: 1.5 },
  { rpm: '5' },
  { concurrency: -1 },
  { allow_ips: ['10.0.0.0/33'] },
  { allow_ips: [] },
  { tags: { 'a b': 'c' } },
  { tags: JSON.parse('{"__proto__":"x"}') as object },
  { name: '' },
  { name: 'x'.repeat(129) },
])('a setting that makes no sense is refused: %j', async (settings) => {
  expect(await codeOf(issue(settings))).toBe('invalid_request')
})

test('a name is given once per user, again after its key is revoked, and must be unambiguous', async () => {
  const first = await issue({ name: 'twice' })
  expect(await codeOf(issue({ name: 'twice' }))).toBe('already_exists')
  await app.call('keys.revoke', { key: 'twice' })
  const second = await issue({ name: 'twice' })
  expect((await app.call('keys.show', { key: 'twice' })).id).toBe(second.id)
  expect((await app.call('keys.show', { key: first.id })).status).toBe('revoked')
  await app.call('keys.create', { user: 'boss@example.com', name: 'twice' })
  expect(await codeOf(app.call('keys.show', { key: 'twice' }))).toBe('conflict')
  expect(await codeOf(app.call('keys.update', { key: second.id, name: 'ci' }))).toBe('already_exists')
})

test('revoked is final', async () => {
  const { id } = await issue()
  await app.call('keys.revoke', { key: id })
  expect(await codeOf(app.call('keys.enable', { key: id }))).toBe('conflict')
  expect(await codeOf(app.call('keys.disable', { key: id }))).toBe('conflict')
  expect(await codeOf(app.call('keys.rotate', { key: id }))).toBe('conflict')
  expect((await app.call('keys.revoke', { key: id })).status).toBe('revoked')
})

test('operators stop keys of users, not those of admins', async () => {
  const operator = { id: 'usr_operator', role: 'operator' } as const
  const [users, bosses] = [await issue(), await app.call('keys.create', { user: 'boss@example.com' })]
  expect(await codeOf(runOperation(app, operator, 'keys.disable', { key: users.id }))).toBeUndefined()
  expect(await codeOf(runOperation(app, operator, 'keys.disable', { key: bosses.id }))).toBe('forbidden')
  expect((await app.call('keys.show', { key: bosses.id })).status).toBe('active')
})

test('lists are cut by owner, state and text', async () => {
  const { id } = await app.call('users.create', { email: 'lists@example.com' })
  const key = await app.call('keys.create', { user: id, name: 'Needle' })
  await app.call('keys.create', { user: id, name: 'other' })
  await app.call('keys.disable', { key: key.id })
  const names = async (input: object) =>
    (await app.call('keys.list', { user: 'lists@example.com', ...input })).data.map(
      ({ name }: { name: string }) => name,
    )
  expect(await names({})).toEqual(['other', 'Needle'])
  expect(await names({ status: 'disabled' })).toEqual(['Needle'])
  expect(await names({ q: 'need' })).toEqual(['Needle'])
  expect(await names({ q: key.secret.slice(0, 10) })).toEqual(['Needle'])
  expect(await codeOf(app.call('keys.list', { user: 'nobody@example.com' }))).toBe('not_found')
})
