import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrations } from '../../src/core/storage/migrations/index.ts'
import type { RequestsTable, UsageSchema } from '../../src/core/storage/schema.ts'
import { createKeptResponses } from '../../src/core/usage/kept-responses.ts'

/** The request log with its own schema, in memory. */
let db: Database.Database
let usage: Kysely<UsageSchema>
const asked: { readonly sql: string; readonly parameters: readonly unknown[] }[] = []

beforeAll(() => {
  db = new Database(':memory:')
  for (const { sqlite } of migrations.usage) for (const statement of sqlite) db.exec(statement)
  usage = new Kysely<UsageSchema>({
    dialect: new SqliteDialect({ database: db }),
    log: ({ query }) => void asked.push(query),
  })
})
afterAll(() => usage.destroy())

let sequence = 0
const row = (more: Partial<RequestsTable> = {}): RequestsTable => ({
  id: `req_${sequence++}`,
  hold_id: null,
  at: 0,
  user_id: 'usr_ann',
  key_id: 'key_ann',
  model: 'smart',
  model_id: 'mdl_1',
  provider_id: 'prv_1',
  provider_key_id: 'pky_1',
  target_model: 'real',
  client_protocol: 'openai-responses',
  provider_protocol: 'openai-responses',
  stream: 0,
  status: 200,
  error_code: null,
  finish: 'stop',
  duration_ms: 10,
  first_byte_ms: 5,
  input_uncached: 1,
  input_cache_read: 20,
  input_cache_write_5m: 300,
  input_cache_write_1h: 4000,
  output_visible: 50_000,
  output_reasoning: 600_000,
  cost: 0,
  written_off: 0,
  held: 0,
  price_id: null,
  quality: 'exact',
  upstream_id: `resp_${sequence}`,
  client_request_id: null,
  attempts: '[]',
  warnings: '[]',
  ...more,
})

const places = [
  [
    'in memory',
    (made: RequestsTable) => {
      const responses = createKeptResponses({ usage })
      responses.note(made)
      return Promise.resolve(responses)
    },
  ],
  [
    'in the request log',
    async (made: RequestsTable) => {
      await usage.insertInto('requests').values(made).execute()
      return createKeptResponses({ usage })
    },
  ],
] as const

describe.each(places)('a response %s', (_, keep) => {
  test('is found by its user, with where it is kept and how long the conversation is', async () => {
    const made = row()
    const responses = await keep(made)
    expect(await responses.find('usr_ann', made.upstream_id!)).toEqual({
      model: 'smart',
      modelId: 'mdl_1',
      providerId: 'prv_1',
      providerKeyId: 'pky_1',
      targetModel: 'real',
      tokens: 654_321,
    })
    expect(await responses.find('usr_bob', made.upstream_id!)).toBeUndefined()
    expect(await responses.find('usr_ann', made.id)).toBeUndefined()
  })

  test.each<[string, Partial<RequestsTable>]>([
    ['was cut off when its client left', { status: 499, quality: 'estimated' }],
    ['failed', { status: 502, quality: 'none' }],
    ['crossed: its client knows it by another id', { provider_protocol: 'openai-chat' }],
    ['was asked for over another protocol', { client_protocol: 'openai-chat' }],
  ])('is none that %s', async (_what, more) => {
    const made = row(more)
    expect(await (await keep(made)).find('usr_ann', made.upstream_id!)).toBeUndefined()
  })

  test.each<[string, Partial<RequestsTable>]>([
    ['whose client left at the very end', { status: 499, quality: 'exact' }],
    ['whose provider told no usage', { quality: 'estimated' }],
    ['of a provider without a key', { provider_key_id: null }],
  ])('may be one %s', async (_what, more) => {
    const made = row(more)
    expect(await (await keep(made)).find('usr_ann', made.upstream_id!)).toMatchObject({ providerId: 'prv_1' })
  })
})

test('two users whose providers gave the same id each find their own', async () => {
  const responses = createKeptResponses({ usage })
  for (const [user_id, provider_id] of [
    ['usr_ann', 'prv_a'],
    ['usr_bob', 'prv_b'],
  ] as const) {
    responses.note(row({ user_id, provider_id, upstream_id: 'resp_same' }))
    await usage
      .insertInto('requests')
      .values(row({ user_id, provider_id, upstream_id: 'resp_both' }))
      .execute()
  }
  for (const id of ['resp_same', 'resp_both']) {
    expect(await responses.find('usr_ann', id)).toMatchObject({ providerId: 'prv_a' })
    expect(await responses.find('usr_bob', id)).toMatchObject({ providerId: 'prv_b' })
  }
})

test('only so many are remembered, the newest', async () => {
  const responses = createKeptResponses({ usage }, { most: 2 })
  for (const upstream_id of ['resp_x1', 'resp_x2', 'resp_x3']) responses.note(row({ upstream_id }))
  const known = await Promise.all(['resp_x1', 'resp_x2', 'resp_x3'].map((id) => responses.find('usr_ann', id)))
  expect(known.map((one) => one !== undefined)).toEqual([false, true, true])
})

test.each(['', '.', '..', 'a/b', 'a b', 'é', "x'", '%2e', 'x'.repeat(257)])(
  'what cannot be an id is not looked for: %j',
  async (id) => {
    const before = asked.length
    expect(await createKeptResponses({ usage }).find('usr_ann', id)).toBeUndefined()
    expect(asked.length).toBe(before)
  },
)

test('a look-up reads the index that is made for it, however long the log', async () => {
  await createKeptResponses({ usage }).find('usr_ann', 'resp_nobody')
  const { sql, parameters } = asked.at(-1)!
  const plan = db.prepare(`explain query plan ${sql}`).all(...parameters)
  expect(plan).toMatchObject([
    { detail: expect.stringContaining('USING INDEX requests_response (upstream_id=? AND user_id=?)') },
  ])
})
