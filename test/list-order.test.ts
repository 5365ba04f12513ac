import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestApp, type TestApp } from './support/admin-app.ts'

interface List {
  readonly data: readonly Record<string, unknown>[]
  readonly next_cursor: string | null
}

let app: TestApp
const call = async (operation: string, input: object = {}): Promise<List> => (await app.call(operation, input)) as List

beforeAll(async () => {
  app = await openTestApp()
  for (const name of ['mia', 'ada', 'zoe', 'bob', 'eve']) {
    await app.call('users.create', { email: `${name}@example.com` })
    await app.call('keys.create', { user: `${name}@example.com`, name: `key of ${name}` })
    await app.call('tokens.create', { name: `token of ${name}`, role: 'admin' })
    await app.call('providers.add', { name, kind: 'simulated', secret: 'sk-1' })
    await app.call('provider_keys.add', { provider: name, secret: 'sk-2', label: 'same' })
    const targets = [{ provider: name, model: 'm' }]
    await app.call('models.create', { name: `model-${name}`, targets, prices: { input: '1', output: '2' } })
    await app.call('prices.set', { model: 'model-mia', input: '3', output: '4', from: `20${30 + name.length}-01-01` })
  }
}, 30_000)
afterAll(() => app.close())

/** Every list with the fields it can be sorted by, and how a row is told from the others. */
const lists: readonly (readonly [operation: string, input: object, fields: readonly string[]])[] = [
  ['users.list', {}, ['created_at', 'updated_at', 'email']],
  ['keys.list', {}, ['created_at', 'updated_at', 'name']],
  ['tokens.list', {}, ['created_at', 'name']],
  ['audit.list', {}, ['at']],
  ['providers.list', {}, ['name', 'kind', 'created_at']],
  ['provider_keys.list', {}, ['provider', 'label', 'created_at']],
  ['models.list', {}, ['name', 'created_at']],
  ['prices.list', {}, ['name']],
  ['prices.history', { model: 'model-mia' }, ['from']],
  ['usage.list', {}, ['at', 'cost', 'duration_ms']],
  ['requests.list', {}, ['at', 'cost', 'duration_ms']],
]
const orders = lists.flatMap(([operation, input, fields]) =>
  fields.flatMap(
    (field) =>
      [
        [operation, input, field],
        [operation, input, `-${field}`],
      ] as const,
  ),
)

describe('every order of every list', () => {
  test.each(orders)(
    '%s %j by %s: small pages, by cursor or by number, are the whole list',
    async (operation, input, sort) => {
      const all = await call(operation, { ...input, sort, limit: 500 })
      expect(all.next_cursor).toBeNull()
      const byCursor: unknown[] = []
      let cursor: string | null = null
      do {
        const page: List = await call(operation, { ...input, sort, limit: 2, ...(cursor !== null && { cursor }) })
        byCursor.push(...page.data)
        cursor = page.next_cursor
      } while (cursor !== null)
      expect(byCursor).toEqual(all.data)
      const byNumber: unknown[] = []
      for (let page = 1; page * 2 < all.data.length + 2; page++)
        byNumber.push(...(await call(operation, { ...input, sort, limit: 2, page })).data)
      expect(byNumber).toEqual(all.data)
      const turned = sort.startsWith('-') ? sort.slice(1) : `-${sort}`
      expect((await call(operation, { ...input, sort: turned, limit: 500 })).data.toReversed()).toEqual(all.data)
    },
  )

  test('by e-mail address is by e-mail address, and without sort the newest come first', async () => {
    const emails = async (input: object) => (await call('users.list', input)).data.map(({ email }) => String(email)[0])
    expect(await emails({ sort: 'email' })).toEqual(['a', 'b', 'e', 'm', 'z'])
    expect(await emails({ sort: '-email', limit: 2, page: 2 })).toEqual(['e', 'b'])
    expect(await emails({})).toEqual(['e', 'b', 'z', 'a', 'm'])
    expect(await emails({ page: 9 })).toEqual([])
  })
})

describe('what cannot be is a 400 that names the field', () => {
  test.each([
    ['sort', { sort: 'password_hash' }],
    ['sort', { sort: '' }],
    ['sort', { sort: 'email desc' }],
    ['page', { page: 0 }],
    ['page', { page: 1e9 }],
  ])('%s %j', async (field, input) => {
    await expect(app.call('users.list', input)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { fields: [{ path: field }] },
    })
  })

  test('a cursor of another order, and a cursor together with a page', async () => {
    const { next_cursor: cursor } = await call('users.list', { sort: 'email', limit: 1 })
    for (const input of [{ cursor }, { cursor, sort: '-email' }, { cursor, sort: 'email', page: 2 }]) {
      await expect(app.call('users.list', input)).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })
})
