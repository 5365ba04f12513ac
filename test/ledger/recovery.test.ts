import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/kernel/ids.ts'
import type { HoldContext, PostCommand } from '../../src/core/ledger/commands.ts'
import { packContext } from '../../src/core/ledger/hold-context.ts'
import { createLedger, ledgerEngine } from '../../src/core/ledger/ledger.ts'
import type { Ledger } from '../../src/core/ledger/ledger.ts'
import type { RecoveryOptions } from '../../src/core/ledger/recovery.ts'
import { openStorage } from '../../src/core/storage/open.ts'
import type { OpenStorage } from '../../src/core/storage/open.ts'
import { addWallet, temporaryDirectory } from './support/ledger-fixture.ts'

const start = 1_700_000_000_000
let directory: ReturnType<typeof temporaryDirectory>
let storage: OpenStorage
let ledger: Ledger
let now = start

beforeEach(async () => {
  now = start
  directory = temporaryDirectory()
  storage = await openStorage({ dataDir: directory.path, engine: ledgerEngine })
  ledger = createLedger({ storage, clock: { now: () => now, monotonic: () => now } })
  await storage.write((trx) => addWallet(trx, 'a'))
  await grant(10_000, 'first', null)
})
afterEach(async () => {
  ledger.close()
  await storage.close()
  directory.remove()
})

const grant = (amount: number, reference: string, expiresAt: number | null) =>
  ledger.grant({ op: 'grant', account: 'acc_a', amount, reference, note: null, actor: 'test', expiresAt, at: now })

const price = {
  input: 2_000_000,
  output: 0,
  cachedInput: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  reasoning: 0,
  request: 0,
}
const context: HoldContext = {
  userId: 'usr_a',
  keyId: 'key_a',
  model: 'house-fast',
  modelId: 'mdl_a',
  priceId: 'prc_a',
  price,
  clientProtocol: 'openai-chat',
  clientRequestId: 'mine-1',
  stream: true,
  estimatedInputTokens: 30,
}
const chargeFor: RecoveryOptions['chargeFor'] = (frozen, usage) => (usage.input.uncached * frozen.input) / 1_000_000

const open = async (epoch: string, json = packContext(context)): Promise<{ hold: string; request: string }> => {
  const hold = newId('hold', now)
  const request = newId('request', now)
  const of = { account: 'acc_a', requestId: request, context: json, epoch, at: now }
  expect(await ledger.hold({ op: 'hold', id: hold, min: 100, max: 100, ...of })).toEqual({
    ok: true,
    held: 100,
    tokens: 0,
  })
  return { hold, request }
}

const logged = (id: string) => storage.usage.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()

describe('what an earlier run left open', () => {
  const cases = [
    { policy: 'charge-estimate', cost: 60, quality: 'estimated', charged: 1, state: 'posted' },
    { policy: 'charge-hold', cost: 100, quality: 'estimated', charged: 1, state: 'posted' },
    { policy: 'release', cost: 0, quality: 'none', charged: 0, state: 'expired' },
  ] as const

  test.each(cases)('$policy', async ({ policy, cost, quality, charged, state }) => {
    const { hold, request } = await open('earlier')
    const mine = await open('now')
    now += 5_000
    const recovered = await ledger.recoverHolds({ policy, epoch: 'now', chargeFor })
    expect(recovered).toEqual({ charged, released: 1 - charged, rebuilt: 0 })
    expect(await ledger.balance('acc_a')).toEqual({ available: 10_000 - cost - 100, held: 100 })
    const row = await storage.read.selectFrom('holds').selectAll().where('id', '=', hold).executeTakeFirst()
    expect(row).toMatchObject({ state, posted: cost, quality })
    expect(await logged(request)).toMatchObject({
      hold_id: hold,
      user_id: 'usr_a',
      model: 'house-fast',
      cost,
      held: 100,
      quality,
      status: 503,
      error_code: 'interrupted',
      client_request_id: 'mine-1',
      duration_ms: 5_000,
      stream: 1,
    })
    expect((await ledger.openHolds()).map(({ id }) => id)).toEqual([mine.hold])
    expect((await ledger.verify()).problems).toEqual([])
    // A second start finds nothing to do.
    expect(await ledger.recoverHolds({ policy, epoch: 'now', chargeFor })).toEqual({
      charged: 0,
      released: 0,
      rebuilt: 0,
    })
  })

  test('an estimate never takes more than was held, a free model nothing', async () => {
    await open('earlier', packContext({ ...context, estimatedInputTokens: 1_000_000 }))
    await open('earlier', packContext({ ...context, price: null }))
    await ledger.recoverHolds({ policy: 'charge-estimate', epoch: 'now', chargeFor })
    expect(await ledger.balance('acc_a')).toEqual({ available: 9_900, held: 0 })
  })

  test('a hold whose memory cannot be read does not stop the start', async () => {
    const { request } = await open('earlier', 'not json')
    await ledger.recoverHolds({ policy: 'charge-estimate', epoch: 'now', chargeFor })
    expect(await ledger.balance('acc_a')).toEqual({ available: 10_000, held: 0 })
    expect(await logged(request)).toMatchObject({ cost: 0, quality: 'estimated', client_request_id: null })
  })
})

const post = (hold: string, amount: number): PostCommand => ({
  op: 'post',
  hold,
  amount,
  usage: JSON.stringify({ input: { uncached: 12 }, output: { visible: 3, reasoning: 1 } }),
  tokens: 16,
  quality: 'exact',
  at: now,
})

test('a settlement whose log row was lost gets it back from the hold', async () => {
  const { hold, request } = await open('earlier')
  now += 900
  await ledger.post(post(hold, 42))
  expect(await logged(request)).toBeUndefined()
  expect(await ledger.recoverHolds({ policy: 'release', epoch: 'now', chargeFor })).toEqual({
    charged: 0,
    released: 0,
    rebuilt: 1,
  })
  expect(await logged(request)).toMatchObject({
    cost: 42,
    input_uncached: 12,
    output_visible: 3,
    output_reasoning: 1,
    quality: 'exact',
    status: 200,
    duration_ms: 900,
    client_request_id: 'mine-1',
    price_id: 'prc_a',
  })
})

test('a settlement that meets a locked database is tried again until it is in', async () => {
  const { hold } = await open('now')
  let attempts = 0
  const failing: OpenStorage = Object.create(storage, {
    submit: {
      value: (command: unknown) => {
        attempts += 1
        if (attempts > 2) return storage.submit(command)
        return storage.write(() => Promise.reject(busy))
      },
    },
  }) as OpenStorage
  const { GatewayError } = await import('../../src/core/kernel/errors.ts')
  const busy = new GatewayError('database_busy')
  const stubborn = createLedger({ storage: failing, clock: { now: () => now, monotonic: () => now } })
  await expect(stubborn.post(post(hold, 30))).rejects.toBe(busy)
  expect(stubborn.unsettled).toBe(1)
  await expect.poll(() => stubborn.unsettled, { timeout: 5_000 }).toBe(0)
  expect(await ledger.balance('acc_a')).toEqual({ available: 9_970, held: 0 })
})

describe('a settlement that cannot be booked releases its hold and says so', () => {
  const broken: readonly (readonly [string, Partial<PostCommand>])[] = [
    ['tokens that are no number', { tokens: Number.NaN }],
    ['an amount that is no number', { amount: Number.NaN }],
    ['a negative amount', { amount: -1 }],
    ['a time that is no number', { at: Number.NaN }],
    ['a quality that does not exist', { quality: 'perfect' as 'exact' }],
  ]
  test.each(broken)('%s', async (_, over) => {
    const { hold, request } = await open('now')
    const other = await open('now')
    const both = [ledger.post({ ...post(hold, 30), ...over }), ledger.post(post(other.hold, 7))]
    const [first, second] = await Promise.allSettled(both)
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'internal_error' } })
    expect(second).toMatchObject({ status: 'fulfilled', value: { state: 'posted', posted: 7 } })
    expect(await ledger.openHolds()).toEqual([])
    expect(await ledger.balance('acc_a')).toEqual({ available: 9_993, held: 0 })
    const row = await storage.read.selectFrom('holds').selectAll().where('id', '=', hold).executeTakeFirst()
    expect(row).toMatchObject({ state: 'voided', quality: 'none', posted: 0 })
    expect(ledger.unsettled).toBe(0)
    // Neither settlement had a log row; the next start completes both from their holds.
    await ledger.recoverHolds({ policy: 'release', epoch: 'now', chargeFor })
    expect(await logged(request)).toMatchObject({ cost: 0, quality: 'none', status: 502 })
    expect((await ledger.verify()).problems).toEqual([])
  })

  test('also when storage was in trouble at first', async () => {
    const { hold } = await open('now')
    const { GatewayError } = await import('../../src/core/kernel/errors.ts')
    const busy = new GatewayError('database_busy')
    let attempts = 0
    const submit = (command: unknown) => (attempts++ === 0 ? Promise.reject(busy) : storage.submit(command))
    const failing = Object.create(storage, { submit: { value: submit } }) as OpenStorage
    const stubborn = createLedger({ storage: failing, clock: { now: () => now, monotonic: () => now } })
    await expect(stubborn.post({ ...post(hold, 30), tokens: Number.NaN })).rejects.toBe(busy)
    await expect.poll(() => ledger.balance('acc_a'), { timeout: 5_000 }).toEqual({ available: 10_000, held: 0 })
    expect(stubborn.unsettled).toBe(0)
    stubborn.close()
  })

  test('a settlement of a hold that does not exist stays refused', async () => {
    await expect(ledger.post(post('hld_none', 1))).rejects.toMatchObject({ code: 'not_found' })
    expect(ledger.unsettled).toBe(0)
  })
})

describe('grants that expire', () => {
  test('they are used first, and what is left and free goes back', async () => {
    await grant(500, 'soon', now + 1_000)
    await grant(300, 'later', now + 2_000)
    const { hold } = await open('now')
    await ledger.post(post(hold, 100))
    now += 1_500
    expect(await ledger.expireGrants()).toBe(400)
    expect(await ledger.expireGrants()).toBe(0)
    expect(await ledger.balance('acc_a')).toEqual({ available: 10_300, held: 0 })
    now += 1_000
    expect(await ledger.expireGrants()).toBe(300)
    expect((await ledger.verify()).problems).toEqual([])
  })

  test('what an open hold reserves stays until the hold is settled', async () => {
    await ledger.adjust({
      op: 'adjust',
      account: 'acc_a',
      amount: -10_000,
      reference: 'empty',
      note: '',
      actor: 'test',
      at: now,
    })
    await grant(150, 'soon', now + 1_000)
    const { hold } = await open('now')
    now += 2_000
    expect(await ledger.expireGrants()).toBe(50)
    await ledger.post(post(hold, 60))
    expect(await ledger.expireGrants()).toBe(40)
    expect(await ledger.balance('acc_a')).toEqual({ available: 0, held: 0 })
    expect((await ledger.verify()).problems).toEqual([])
  })
})

test('verify names the row when somebody changed the books by hand', async () => {
  const { hold } = await open('now')
  await ledger.post(post(hold, 10))
  const { default: Database } = await import('better-sqlite3')
  const { join } = await import('node:path')
  const db = new Database(join(directory.path, 'gateway.db'))
  db.exec(`update accounts set credits_posted = credits_posted + 5 where id = 'acc_a'`)
  db.exec(`drop trigger transfers_no_delete; delete from transfers where kind = 'charge'`)
  db.close()
  const { ok, problems } = await ledger.verify()
  expect(ok).toBe(false)
  expect(problems.join('\n')).toMatch(/acc_a: credits 10005, transfers 10000/)
  expect(problems.join('\n')).toMatch(new RegExp(`${hold}: posted 10, charge 0`))
})
