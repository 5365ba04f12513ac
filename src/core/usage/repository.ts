import { sql, type Kysely, type SelectQueryBuilder } from 'kysely'
import { integer, text } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import type {
  GatewaySchema,
  HoldsTable,
  PricesTable,
  RequestsTable,
  TransfersTable,
  UsageSchema,
} from '../storage/schema.ts'

type Log = Kysely<UsageSchema>
type Money = Kysely<GatewaySchema>

/** What a report looks at. Times in milliseconds: from inclusive, to exclusive. */
export interface Filter {
  readonly userId?: string | undefined
  readonly keyId?: string | undefined
  readonly model?: string | undefined
  readonly status?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface Totals {
  readonly requests: number
  readonly succeeded: number
  readonly estimated: number
  readonly input_uncached: number
  readonly input_cache_read: number
  readonly input_cache_write_5m: number
  readonly input_cache_write_1h: number
  readonly output_visible: number
  readonly output_reasoning: number
  readonly cost: number
  readonly written_off: number
  /** Of successful requests, milliseconds. */
  readonly duration_sum: number
}

const filtered = <Output>(query: SelectQueryBuilder<UsageSchema, 'requests', Output>, filter: Filter) => {
  let narrowed = query
  if (filter.userId !== undefined) narrowed = narrowed.where('user_id', '=', filter.userId)
  if (filter.keyId !== undefined) narrowed = narrowed.where('key_id', '=', filter.keyId)
  if (filter.model !== undefined) narrowed = narrowed.where('model', '=', filter.model)
  if (filter.from !== undefined) narrowed = narrowed.where('at', '>=', filter.from)
  if (filter.to !== undefined) narrowed = narrowed.where('at', '<', filter.to)
  if (filter.status === 'ok') narrowed = narrowed.where('status', '>=', 200).where('status', '<', 300)
  else if (filter.status === 'error')
    narrowed = narrowed.where((where) => where.or([where('status', '<', 200), where('status', '>=', 300)]))
  else if (filter.status !== undefined) narrowed = narrowed.where('status', '=', Number(filter.status))
  return narrowed
}

const sum = (column: keyof RequestsTable) => sql<number>`coalesce(sum(${sql.ref(column)}), 0)`
const succeeded = sql<number>`coalesce(sum(case when status >= 200 and status < 300 then 1 else 0 end), 0)`
const estimated = sql<number>`coalesce(sum(case when quality = 'estimated' then 1 else 0 end), 0)`
const requests = sql<number>`count(*)`

const totalColumns = [
  requests.as('requests'),
  succeeded.as('succeeded'),
  estimated.as('estimated'),
  sum('input_uncached').as('input_uncached'),
  sum('input_cache_read').as('input_cache_read'),
  sum('input_cache_write_5m').as('input_cache_write_5m'),
  sum('input_cache_write_1h').as('input_cache_write_1h'),
  sum('output_visible').as('output_visible'),
  sum('output_reasoning').as('output_reasoning'),
  sum('cost').as('cost'),
  sum('written_off').as('written_off'),
  sql<number>`coalesce(sum(case when status >= 200 and status < 300 then duration_ms else 0 end), 0)`.as(
    'duration_sum',
  ),
] as const

export const totals = (log: Log, filter: Filter): Promise<Totals> =>
  filtered(log.selectFrom('requests').select(totalColumns), filter).executeTakeFirstOrThrow()

const dayMs = 86_400_000

/** Totals per day in UTC; days without requests are absent. `day` is the number of days since the epoch. */
export const totalsByDay = (log: Log, filter: Filter): Promise<(Totals & { readonly day: number })[]> => {
  const day = sql<number>`at / ${sql.lit(dayMs)}`
  return filtered(log.selectFrom('requests').select([...totalColumns, day.as('day')]), filter)
    .groupBy(day)
    .orderBy(day)
    .execute()
}

/** The durations of requests at some ranks (0 is the shortest), in the order of the ranks. */
export const durationsAt = async (log: Log, filter: Filter, ranks: readonly number[]): Promise<number[]> => {
  const rows = await Promise.all(
    ranks.map((rank) =>
      filtered(log.selectFrom('requests').select('duration_ms'), filter)
        .orderBy('duration_ms')
        .limit(1)
        .offset(rank)
        .executeTakeFirst(),
    ),
  )
  return rows.map((row) => row?.duration_ms ?? 0)
}

const byId = text<RequestsTable>('id', ({ id }) => id)
export const requestOrders: Orders<RequestsTable> = {
  at: [integer('at', ({ at }) => at), byId],
  cost: [integer('cost', ({ cost }) => cost), byId],
  duration_ms: [integer('duration_ms', (row) => row.duration_ms), byId],
}

export const listRequests = (log: Log, filter: Filter, place: Place<RequestsTable>): Promise<RequestsTable[]> =>
  inOrder(filtered(log.selectFrom('requests').selectAll(), filter), place).execute()

export const findRequest = (log: Log, id: string): Promise<RequestsTable | undefined> =>
  log.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()

const responses = sql.lit('openai-responses')

/**
 * The whole answer of this user that a provider calls `upstreamId`, given over the Responses API by a provider that speaks it. An answer that was cut off is none: it was not
 * paid for. The protocol stands in the text of the query, and no order, else its own index is not used.
 */
export const findResponse = (log: Log, userId: string, upstreamId: string): Promise<RequestsTable | undefined> =>
  log
    .selectFrom('requests')
    .selectAll()
    .where('upstream_id', '=', upstreamId)
    .where('client_protocol', '=', responses)
    .where('provider_protocol', '=', 'openai-responses')
    .where('user_id', '=', userId)
    .where((where) => where.or([where('status', '=', 200), where('quality', '=', 'exact')]))
    .executeTakeFirst()

// Names for ids, and the money of one request

export const findUserId = async (db: Money, user: string): Promise<string | undefined> => {
  const rows = await db
    .selectFrom('users')
    .select(['id', 'status'])
    .where((where) => where.or([where('id', '=', user), where('email', '=', user.toLowerCase())]))
    .limit(10)
    .execute()
  // An address may have belonged to a deleted user before.
  return (rows.find((row) => row.status !== 'deleted') ?? rows[0])?.id
}

export const findKeyIds = async (db: Money, key: string, userId: string | undefined): Promise<string[]> => {
  let query = db
    .selectFrom('api_keys')
    .select('id')
    .where((where) => where.or([where('id', '=', key), where('name', '=', key)]))
    .limit(2)
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  return (await query.execute()).map((row) => row.id)
}

type Names = ReadonlyMap<string, string>
const names = (rows: readonly { readonly id: string; readonly name: string }[]): Names =>
  new Map(rows.map((row) => [row.id, row.name]))

/** E-mail addresses and key names for the ids on a page. */
export const namesFor = async (
  db: Money,
  rows: readonly RequestsTable[],
): Promise<{ readonly users: Names; readonly keys: Names }> => {
  const userIds = [...new Set(rows.map((row) => row.user_id))]
  const keyIds = [...new Set(rows.map((row) => row.key_id))]
  const [users, keys] = await Promise.all([
    userIds.length === 0
      ? []
      : db.selectFrom('users').select(['id', 'email as name']).where('id', 'in', userIds).execute(),
    keyIds.length === 0 ? [] : db.selectFrom('api_keys').select(['id', 'name']).where('id', 'in', keyIds).execute(),
  ])
  return { users: names(users), keys: names(keys) }
}

export const providerName = async (db: Money, id: string): Promise<string | null> =>
  (await db.selectFrom('providers').select('name').where('id', '=', id).executeTakeFirst())?.name ?? null

export const providerKeyLabel = async (db: Money, id: string): Promise<string | null> =>
  (await db.selectFrom('provider_keys').select('label').where('id', '=', id).executeTakeFirst())?.label ?? null

export const findHold = (db: Money, id: string): Promise<HoldsTable | undefined> =>
  db.selectFrom('holds').selectAll().where('id', '=', id).executeTakeFirst()

export const findPrice = (db: Money, id: string): Promise<PricesTable | undefined> =>
  db.selectFrom('prices').selectAll().where('id', '=', id).executeTakeFirst()

/** What moved because of a hold, and what was given back of it: found by reference, because the ledger is long. */
export const transfersOf = async (db: Money, holdId: string): Promise<TransfersTable[]> => {
  const moved = await db
    .selectFrom('transfers')
    .selectAll()
    .where('reference', 'in', [`charge:${holdId}`, `write_off:${holdId}`])
    .orderBy('seq')
    .execute()
  if (moved.length === 0) return moved
  const returned = await db
    .selectFrom('transfers')
    .selectAll()
    .where(
      'reference',
      'in',
      moved.map((transfer) => `reversal:${transfer.id}`),
    )
    .orderBy('seq')
    .execute()
  return [...moved, ...returned]
}
