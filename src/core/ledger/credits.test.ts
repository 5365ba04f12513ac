import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestApp } from '../../../test/support/admin-app.ts'
import type { TestApp } from '../../../test/support/admin-app.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'

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
const createUser = async (): Promise<string> => (await app.call('users.create', { email: `u${next++}@example.com` })).id

/** One settled request: holds and posts as the exchange does. */
const charge = async (user: string, amount: number): Promise<string> => {
  const { account_id: account } = await app.users.find(app.storage.read, user)
  const hold = newId('hold')
  const requestId = newId('request')
  const at = app.clock.now()
  const context = JSON.stringify({ userId: user })
  await app.storage.submit({
    op: 'hold',
    id: hold,
    account,
    requestId,
    min: amount,
    max: amount,
    context,
    epoch: 'test',
    at,
  })
  await app.storage.submit({ op: 'post', hold, amount, usage: '{}', tokens: 1, quality: 'exact', at })
  const charged = await app.storage.read
    .selectFrom('transfers')
    .select('id')
    .where('hold_id', '=', hold)
    .executeTakeFirstOrThrow()
  return charged.id
}

test('history shows every movement from the owner’s side with the balance after it, across pages', async () => {
  const user = await createUser()
  await app.call('credits.grant', { user, amount: '10', note: 'welcome' })
  await app.call('credits.adjust', { user, amount: '-1.5', note: 'typing error' })
  const txn = await charge(user, 2_000_000_000)
  await app.call('credits.reverse', { charge: txn, note: 'sorry' })
  await app.call('credits.adjust', { user, amount: '+0.000000001', note: 'dust' })
  const all: { kind: string; amount: string; balance_after: string; request_id: string | null }[] = []
  for (let cursor: string | null = null, pages = 0; pages < 5; pages++) {
    const page = await app.call('credits.history', { user, limit: 2, ...(cursor !== null && { cursor }) })
    all.push(...page.data)
    cursor = page.next_cursor
    if (cursor === null) break
  }
  expect(all.map(({ kind, amount, balance_after: after }) => [kind, amount, after])).toEqual([
    ['adjustment', '0.000000001', '8.500000001'],
    ['reversal', '2', '8.5'],
    ['charge', '-2', '6.5'],
    ['adjustment', '-1.5', '8.5'],
    ['grant', '10', '10'],
  ])
  expect(all[2]?.request_id).toMatch(/^req_/)
  expect(await app.call('credits.balance', { user })).toMatchObject({
    available: '8.500000001',
    held: '0',
    granted: '10',
    adjusted: '-1.499999999',
    spent: '0',
    expired: '0',
  })
  expect(await app.call('credits.verify', {})).toMatchObject({ ok: true, holds_open: 0, problems: [] })
})

test.each([
  '-1',
  '0',
  '0.000',
  '0.0000000001',
  '1e30',
  '1e3',
  '1,5',
  '１００',
  '',
  ' 1',
  '1 ',
  'NaN',
  'Infinity',
  '9007199.254740992',
  1,
  null,
])('an amount that is not a positive decimal string within the bound is refused: %j', async (amount) => {
  const user = await createUser()
  expect(await codeOf(app.call('credits.grant', { user, amount }))).toBe('invalid_request')
  expect((await app.call('credits.balance', { user })).available).toBe('0')
})

test('a correction never takes more than there is', async () => {
  const user = await createUser()
  await app.call('credits.grant', { user, amount: '1' })
  expect(await codeOf(app.call('credits.adjust', { user, amount: '-1.000000001', note: 'x' }))).toBe(
    'insufficient_credits',
  )
  expect(await app.call('credits.adjust', { user, amount: '-1', note: 'x' })).toMatchObject({
    kind: 'adjustment',
    amount: '-1',
    balance: { available: '0', held: '0' },
  })
})

test('a charge is given back once, and nothing but a charge is', async () => {
  const user = await createUser()
  const grant = await app.call('credits.grant', { user, amount: '5' })
  const txn = await charge(user, 1_000_000_000)
  const reversal = await app.call('credits.reverse', { charge: txn })
  expect(reversal).toMatchObject({ kind: 'reversal', amount: '1', balance: { available: '5' }, user: { id: user } })
  expect(await codeOf(app.call('credits.reverse', { charge: txn }))).toBe('conflict')
  expect(await codeOf(app.call('credits.reverse', { charge: grant.id }))).toBe('invalid_request')
  expect(await codeOf(app.call('credits.reverse', { charge: reversal.id }))).toBe('invalid_request')
  expect(await codeOf(app.call('credits.reverse', { charge: newId('transfer') }))).toBe('not_found')
  expect(await codeOf(app.call('credits.reverse', { charge: newId('request') }))).toBe('not_found')
  expect((await app.call('credits.balance', { user })).available).toBe('5')
})

test('grants that are past their expiry, or to nobody, are refused', async () => {
  const user = await createUser()
  const past = { user, amount: '1', expires_at: '2020-01-01T00:00:00Z' }
  expect(await codeOf(app.call('credits.grant', past))).toBe('invalid_request')
  expect(await codeOf(app.call('credits.grant', { user: 'nobody@example.com', amount: '1' }))).toBe('not_found')
  expect(await codeOf(app.call('credits.grant', { user: 'house:grants', amount: '1' }))).toBe('not_found')
})
