import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/kernel/ids.ts'
import { formatCredits, parseCredits } from '../../src/core/kernel/money.ts'
import type { FrozenPrice, HoldContext, HoldResult, LedgerCommand } from '../../src/core/ledger/commands.ts'
import { packContext } from '../../src/core/ledger/hold-context.ts'
import { requestValues } from '../../src/core/ledger/request-row.ts'
import { chargeFor } from '../../src/core/pricing/charge.ts'
import type { Usage } from '../../src/core/protocols/neutral/index.ts'
import type { RequestsTable } from '../../src/core/storage/schema.ts'
import { openAdministration, type Administration } from '../support/administration.ts'

const hour = 3_600_000
const price: FrozenPrice = {
  input: parseCredits('2.5'),
  output: parseCredits('10.000000001'),
  cachedInput: parseCredits('0.3'),
  cacheWrite5m: parseCredits('3'),
  cacheWrite1h: parseCredits('5'),
  reasoning: parseCredits('7'),
  request: 3,
}

let admin: Administration
const users = ['ann', 'bob'].map((name) => ({ id: newId('user'), name, account: newId('account'), key: newId('key') }))
type Customer = (typeof users)[number]

const submit = <Result>(command: LedgerCommand) => admin.storage.submit<LedgerCommand, Result>(command)

const rowOf = (
  customer: Customer,
  id: string,
  at: number,
  usage: Usage,
  more: Partial<RequestsTable>,
): RequestsTable => ({
  id,
  hold_id: null,
  at,
  user_id: customer.id,
  key_id: customer.key,
  model: 'smart',
  model_id: null,
  provider_id: null,
  provider_key_id: null,
  target_model: 'real',
  client_protocol: 'openai-chat',
  provider_protocol: 'openai-chat',
  stream: 0,
  status: 200,
  error_code: null,
  finish: 'stop',
  duration_ms: 10,
  first_byte_ms: 5,
  input_uncached: usage.input.uncached,
  input_cache_read: usage.input.cacheRead,
  input_cache_write_5m: usage.input.cacheWrite5m,
  input_cache_write_1h: usage.input.cacheWrite1h,
  output_visible: usage.output.visible,
  output_reasoning: usage.output.reasoning,
  cost: 0,
  written_off: 0,
  held: 0,
  price_id: null,
  quality: 'exact',
  upstream_id: 'up-1',
  client_request_id: null,
  attempts: '[{"provider":"sim","model":"real","status":200}]',
  warnings: '[]',
  ...more,
})

/** One exchange as the proxy books it: hold, post, record. */
const exchange = async (
  customer: Customer,
  usage: Usage,
  more: Partial<RequestsTable> & { readonly held?: number; readonly price?: FrozenPrice | null } = {},
) => {
  const { held = 10_000_000, price: frozen = price, ...columns } = more
  const id = newId('request')
  const hold = newId('hold')
  const at = columns.at ?? admin.now
  const context: HoldContext = {
    userId: customer.id,
    keyId: customer.key,
    model: 'smart',
    modelId: 'mdl_x',
    priceId: null,
    price: frozen,
    clientProtocol: 'openai-chat',
    clientRequestId: null,
    stream: false,
    estimatedInputTokens: 1,
  }
  const result = await submit<HoldResult>({
    op: 'hold',
    id: hold,
    account: customer.account,
    requestId: id,
    min: 0,
    max: held,
    context: packContext(context),
    epoch: 'test',
    at,
  })
  if (!result.ok) throw new Error(result.code)
  const amount = frozen ? chargeFor(frozen, usage) : 0
  const row = rowOf(customer, id, at, usage, { hold_id: hold, held: result.held, ...columns })
  await submit({
    op: 'post',
    hold,
    amount,
    usage: JSON.stringify(usage),
    tokens: 0,
    quality: row.quality,
    record: requestValues(row),
    at,
  })
  return { id, hold, amount }
}

const used = (uncached: number, visible: number): Usage => ({
  input: { uncached, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible, reasoning: 0 },
})

beforeAll(async () => {
  admin = await openAdministration()
  await admin.storage.write(async ({ db }) => {
    for (const { id, name, account, key } of users) {
      const times = { created_at: 0, updated_at: 0 }
      await db
        .insertInto('users')
        .values({
          id,
          email: `${name}@example.com`,
          name,
          role: 'user',
          status: 'active',
          status_reason: null,
          password_hash: null,
          ...times,
        })
        .execute()
      await db
        .insertInto('accounts')
        .values({
          id: account,
          kind: 'user',
          owner_id: id,
          debits_posted: 0,
          credits_posted: 0,
          debits_pending: 0,
          has_expiring: 0,
        })
        .execute()
      await db
        .insertInto('api_keys')
        .values({
          id: key,
          user_id: id,
          name: 'laptop',
          hash: key,
          start: 'sk-tg-x',
          status: 'active',
          models: null,
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
          ...times,
        })
        .execute()
    }
  })
  for (const { account } of users) {
    await submit({
      op: 'grant',
      account,
      amount: parseCredits('1000'),
      reference: account,
      note: null,
      actor: 'local:test',
      expiresAt: null,
      at: 0,
    })
  }
})
afterAll(() => admin.close())

const refused = (code: string) => expect.objectContaining({ code })

describe('the explanation of a request', () => {
  test('adds up to what was charged, for any usage and price', async () => {
    const tokens = fc.integer({ min: 0, max: 50_000 })
    const usage = fc.record({
      input: fc.record({ uncached: tokens, cacheRead: tokens, cacheWrite5m: tokens, cacheWrite1h: tokens }),
      output: fc.record({ visible: tokens, reasoning: tokens }),
    })
    const amount = fc.integer({ min: 0, max: 10_000_000_000 })
    const anyPrice = fc.record({
      input: amount,
      output: amount,
      cachedInput: amount,
      cacheWrite5m: amount,
      cacheWrite1h: amount,
      reasoning: amount,
      request: fc.integer({ min: 0, max: 1000 }),
    })
    await fc.assert(
      fc.asyncProperty(usage, anyPrice, async (one, frozen) => {
        const { id, amount: charged } = await exchange(users[0]!, one, {
          price: frozen,
          at: admin.now - 400 * 24 * hour,
        })
        const explained = await admin.call('requests.explain', { request: id })
        expect(explained.total).toBe(formatCredits(charged))
        expect(explained.cost).toBe(formatCredits(charged))
        expect(explained.notes.join(' ')).not.toContain('bug')
      }),
      { numRuns: 60 },
    )
  })

  test('shows route, tokens, frozen price, lines, hold, release and ledger entries', async () => {
    const { id, hold } = await exchange(users[0]!, used(1000, 100))
    const explained = await admin.call('requests.explain', { request: id })
    expect(explained).toMatchObject({
      request: { id, user: { email: 'ann@example.com' }, key: { name: 'laptop' }, target_model: 'real' },
      attempts: [{ provider: 'sim', status: 200 }],
      tokens: { input: 1000, output: 100 },
      price: { input: '2.5', output: '10.000000001' },
      lines: [
        { what: 'input', quantity: 1000, amount: '0.0025' },
        { what: 'output', quantity: 100, amount: '0.0010000000001' },
        { what: 'request', quantity: 1, amount: '0.000000003' },
      ],
      exact: '0.0035000030001',
      total: '0.003500004',
      cost: '0.003500004',
      hold: { id: hold, amount: '0.01', state: 'posted', posted: '0.003500004', released: '0.006499996' },
      transfers: [{ kind: 'charge', amount: '0.003500004', to: 'house:revenue' }],
      usage_quality: 'exact',
      notes: [],
    })
  })

  test('says when the cost went beyond the hold, was given back, estimated, free or never incurred', async () => {
    const beyond = await exchange(users[0]!, used(1000, 100), { held: 1000 })
    expect((await admin.call('requests.explain', { request: beyond.id })).notes).toEqual([
      expect.stringContaining('beyond the hold by 0.003499004'),
    ])
    const [{ id: charge }] = (await admin.call('requests.explain', { request: beyond.id })).transfers
    await submit({ op: 'reverse', transfer: charge, note: null, actor: 'local:test', at: admin.now })
    const reversed = await admin.call('requests.explain', { request: beyond.id })
    expect(reversed.transfers.map((one: { kind: string }) => one.kind)).toEqual(['charge', 'reversal'])
    expect(reversed.notes).toContain('The charge was given back later.')
    const estimated = await exchange(users[0]!, used(10, 10), { quality: 'estimated' })
    expect((await admin.call('requests.explain', { request: estimated.id })).notes).toEqual([
      expect.stringContaining('counted here'),
    ])
    const free = await exchange(users[0]!, used(10, 10), { price: null, held: 0 })
    expect(await admin.call('requests.explain', { request: free.id })).toMatchObject({
      price: null,
      lines: [],
      total: '0',
      cost: '0',
      notes: [expect.stringContaining('free')],
    })
    const id = newId('request')
    await submit({
      op: 'record',
      record: requestValues(
        rowOf(users[0]!, id, admin.now, used(0, 0), {
          status: 402,
          error_code: 'insufficient_credits',
          quality: 'none',
          attempts: '[]',
        }),
      ),
    })
    expect(await admin.call('requests.explain', { request: id })).toMatchObject({
      hold: null,
      lines: [],
      transfers: [],
      notes: [expect.stringContaining('insufficient_credits')],
    })
  })

  test('a request that is not there is not_found', async () => {
    for (const operation of ['requests.show', 'requests.explain'])
      await expect(admin.call(operation, { request: 'req_nothing' })).rejects.toEqual(refused('not_found'))
  })
})

describe('reports', () => {
  const day = Date.UTC(2025, 10, 3)
  const traffic: {
    readonly at: number
    readonly customer: Customer
    readonly model: string
    readonly status: number
    readonly amount: number
  }[] = []

  beforeAll(async () => {
    // Four days of traffic on both sides of midnight, by a fixed seed.
    const pick = fc.sample(
      fc.record({
        at: fc.integer({ min: day, max: day + 96 * hour - 1 }),
        customer: fc.constantFrom(...users),
        model: fc.constantFrom('small', 'large'),
        status: fc.constantFrom(200, 200, 200, 499, 502),
        input: fc.integer({ min: 0, max: 5000 }),
        output: fc.integer({ min: 0, max: 5000 }),
        duration: fc.integer({ min: 1, max: 5000 }),
      }),
      { numRuns: 400, seed: 7 },
    )
    await Promise.all(
      pick.map(async ({ at, customer, model, status, input, output, duration }) => {
        const { amount } = await exchange(customer, used(input, output), {
          at,
          model,
          status,
          duration_ms: duration,
          held: 100_000_000,
        })
        traffic.push({ at, customer, model, status, amount })
      }),
    )
  })

  const window = { from: '2025-11-03', to: '2025-11-07' }
  const sumOf = (some: typeof traffic) => formatCredits(some.reduce((sum, one) => sum + one.amount, 0))

  test('every slice adds up to the ledger, to the nano-credit', async () => {
    for (const customer of [undefined, ...users]) {
      for (const model of [undefined, 'small', 'large']) {
        for (const [from, to] of [
          [0, 96],
          [0, 24],
          [24, 96],
          [13, 14],
          [23, 25],
        ] as const) {
          const slice = traffic.filter(
            (one) =>
              (!customer || one.customer === customer) &&
              (!model || one.model === model) &&
              one.at >= day + from * hour &&
              one.at < day + to * hour,
          )
          const summary = await admin.call('usage.summary', {
            ...(customer && { user: `${customer.name}@example.com` }),
            ...(model && { model }),
            from: new Date(day + from * hour).toISOString(),
            to: new Date(day + to * hour).toISOString(),
          })
          expect([summary.requests, summary.cost]).toEqual([slice.length, sumOf(slice)])
        }
      }
    }
    const ids = (await admin.call('usage.list', { ...window, limit: 500 })).data.map((one: { id: string }) => one.id)
    const holds = await admin.storage.read.selectFrom('holds').select(['request_id', 'posted']).execute()
    const posted = holds.filter((hold) => ids.includes(hold.request_id)).reduce((sum, hold) => sum + hold.posted, 0)
    expect(formatCredits(posted)).toBe(sumOf(traffic))
  })

  test('days are in UTC, complete, and add up to the summary', async () => {
    const { data } = await admin.call('usage.daily', { from: '2025-11-02', to: '2025-11-07' })
    expect(data.map((one: { date: string }) => one.date)).toEqual([
      '2025-11-02',
      '2025-11-03',
      '2025-11-04',
      '2025-11-05',
      '2025-11-06',
    ])
    expect(data[0]).toMatchObject({ requests: 0, success_rate: null, cost: '0' })
    for (const [index, one] of data.slice(1).entries()) {
      const slice = traffic.filter((request) => Math.floor((request.at - day) / (24 * hour)) === index)
      expect([one.requests, one.cost]).toEqual([slice.length, sumOf(slice)])
    }
  })

  test('success, durations and their percentiles are those of the requests', async () => {
    const summary = await admin.call('usage.summary', window)
    const rows = await admin.storage.usage
      .selectFrom('requests')
      .select(['duration_ms'])
      .where('at', '>=', day)
      .where('at', '<', day + 96 * hour)
      .where('status', '=', 200)
      .execute()
    const sorted = rows.map((row) => row.duration_ms).toSorted((left, right) => left - right)
    expect(summary.succeeded).toBe(sorted.length)
    expect(summary.success_rate).toBeCloseTo(sorted.length / traffic.length, 10)
    expect(summary.duration_ms).toEqual({
      avg: Math.round(sorted.reduce((sum, one) => sum + one, 0) / sorted.length),
      p50: sorted[Math.ceil(sorted.length * 0.5) - 1],
      p95: sorted[Math.ceil(sorted.length * 0.95) - 1],
    })
  })

  test.each([
    {},
    { model: 'small' },
    { status: 'ok' },
    { status: 'error' },
    { status: '499' },
    { user: 'bob@example.com', key: 'laptop' },
  ])('the list with %j comes newest first in pages that miss nothing and repeat nothing', async (filter) => {
    const seen: { id: string; at: string }[] = []
    let cursor: string | null = null
    do {
      const page = await admin.call('requests.list', {
        ...window,
        ...filter,
        limit: 37,
        ...(cursor !== null && { cursor }),
      })
      seen.push(...page.data)
      cursor = page.next_cursor
    } while (cursor !== null && seen.length <= traffic.length)
    const fits = traffic.filter(
      (one) =>
        (!filter.model || one.model === filter.model) &&
        (!filter.user || one.customer.name === 'bob') &&
        (!filter.status ||
          (filter.status === 'ok'
            ? one.status === 200
            : filter.status === 'error'
              ? one.status !== 200
              : one.status === 499)),
    )
    expect(new Set(seen.map((one) => one.id)).size).toBe(fits.length)
    expect(seen).toHaveLength(fits.length)
    expect(seen.map((one) => one.at)).toEqual(
      seen
        .map((one) => one.at)
        .toSorted()
        .toReversed(),
    )
  })

  test('requests of the same millisecond are neither lost nor repeated between pages', async () => {
    for (let number = 0; number < 5; number++) await exchange(users[1]!, used(1, 1), { at: day - hour, model: 'same' })
    const first = await admin.call('usage.list', { model: 'same', limit: 2 })
    const second = await admin.call('usage.list', { model: 'same', limit: 2, cursor: first.next_cursor })
    const third = await admin.call('usage.list', { model: 'same', limit: 2, cursor: second.next_cursor })
    expect(new Set([...first.data, ...second.data, ...third.data].map((one) => one.id)).size).toBe(5)
    expect(third.next_cursor).toBeNull()
  })

  test.each([
    [{ user: 'nobody@example.com' }, 'not_found'],
    [{ key: 'nothing' }, 'not_found'],
    [{ key: 'laptop' }, 'conflict'],
    [{ from: '2026-01-02', to: '2026-01-01' }, 'invalid_request'],
    [{ from: 'tomorrow' }, 'invalid_request'],
    [{ from: '2025-02-30' }, 'invalid_request'],
    [{ from: '2001-01-01' }, 'invalid_request'],
  ])('%j is %s', async (filter, code) => {
    await expect(admin.call('usage.summary', filter)).rejects.toEqual(refused(code))
  })

  test('the dearest and the slowest requests come first when asked for, page by page', async () => {
    for (const field of ['cost', 'duration_ms'] as const) {
      const values: number[] = []
      let cursor: string | null = null
      do {
        const page: { data: Record<typeof field, string | number>[]; next_cursor: string | null } = await admin.call(
          'usage.list',
          { ...window, sort: `-${field}`, limit: 70, ...(cursor !== null && { cursor }) },
        )
        values.push(...page.data.map((one) => Number(one[field])))
        cursor = page.next_cursor
      } while (cursor !== null)
      expect(values.length).toBeGreaterThan(70)
      expect(values).toEqual(values.toSorted((a, b) => b - a))
    }
  })

  test('a forged cursor, a limit out of bounds and a status that is none are refused', async () => {
    await expect(admin.call('usage.list', { cursor: 'forged' })).rejects.toEqual(refused('invalid_request'))
    for (const bad of [{ limit: 0 }, { limit: 501 }, { status: 'good' }, { sort: 'model' }])
      await expect(admin.call('usage.list', bad)).rejects.toThrow(
        expect.objectContaining({ name: expect.stringContaining('Zod') }),
      )
  })
})
