import { sql } from 'kysely'
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'
import { integer, text } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import type { ApiKeysTable, GatewaySchema, UsersTable } from '../storage/schema.ts'

type Db = Kysely<GatewaySchema>

export type KeyRow = Selectable<ApiKeysTable> & { readonly email: string; readonly user_role: UsersTable['role'] }

export interface KeyFilter {
  readonly userId?: string | undefined
  readonly status?: ApiKeysTable['status'] | undefined
  readonly q?: string | undefined
  readonly place: Place<KeyRow>
}

const keys = (db: Db) =>
  db
    .selectFrom('api_keys as k')
    .innerJoin('users as u', 'u.id', 'k.user_id')
    .selectAll('k')
    .select(['u.email', 'u.role as user_role'])

export const findKey = (db: Db, id: string): Promise<KeyRow | undefined> =>
  keys(db).where('k.id', '=', id).executeTakeFirst()

export const findKeysByName = (db: Db, name: string): Promise<KeyRow[]> =>
  keys(db).where('k.name', '=', name).orderBy('k.id', 'desc').limit(100).execute()

/** Ids are made in the order of time. */
const byId = text<KeyRow>('k.id', ({ id }) => id)
export const keyOrders: Orders<KeyRow> = {
  created_at: [byId],
  updated_at: [integer('k.updated_at', (row) => row.updated_at), byId],
  name: [text('k.name', ({ name }) => name), byId],
}

export const listKeys = (db: Db, { userId, status, q, place }: KeyFilter): Promise<KeyRow[]> => {
  let query = inOrder(keys(db), place)
  if (userId !== undefined) query = query.where('k.user_id', '=', userId)
  if (status !== undefined) query = query.where('k.status', '=', status)
  if (q !== undefined && q !== '') {
    const literal = q.replace(/[\\%_]/g, String.raw`\$&`)
    query = query.where(({ eb, or }) =>
      or([
        eb(sql`lower(k.name)`, 'like', sql`${`%${literal.toLowerCase()}%`} escape '\\'`),
        eb(sql`k.start`, 'like', sql`${`${literal}%`} escape '\\'`),
      ]),
    )
  }
  return query.execute()
}

export const insertKey = async (db: Db, row: Insertable<ApiKeysTable>): Promise<void> => {
  await db.insertInto('api_keys').values(row).execute()
}

export const updateKey = async (db: Db, id: string, changes: Updateable<ApiKeysTable>): Promise<void> => {
  await db.updateTable('api_keys').set(changes).where('id', '=', id).execute()
}

export const deleteKey = async (db: Db, id: string): Promise<void> => {
  await db.deleteFrom('quota_counters').where('key_id', '=', id).execute()
  await db.deleteFrom('api_keys').where('id', '=', id).execute()
}

/** The latest `updated_at` of all keys; 0 when there are none. */
export const latestKeyChange = async (db: Db): Promise<number> => {
  const row = await db
    .selectFrom('api_keys')
    .select('updated_at')
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.updated_at ?? 0
}

/** A place in the order of changes. */
export interface Mark {
  readonly at: number
  readonly id: string
}

export type VerifierKeyRow = Pick<
  Selectable<ApiKeysTable>,
  | 'id'
  | 'user_id'
  | 'hash'
  | 'status'
  | 'models'
  | 'allow_ips'
  | 'expires_at'
  | 'quota_credits'
  | 'quota_tokens'
  | 'quota_requests'
  | 'quota_period'
  | 'rpm'
  | 'tpm'
  | 'concurrency'
  | 'previous_hash'
  | 'grace_until'
  | 'updated_at'
> & { readonly account_id: string }

/** Keys changed after the mark, in the order of change: what the verifier keeps in memory. */
export const changedKeys = (db: Db, { at, id }: Mark, limit: number): Promise<VerifierKeyRow[]> =>
  db
    .selectFrom('api_keys as k')
    .innerJoin('accounts as a', (join) => join.onRef('a.owner_id', '=', 'k.user_id').on('a.kind', '=', 'user'))
    .select(['k.id', 'k.user_id', 'k.hash', 'k.status', 'k.models', 'k.allow_ips', 'k.expires_at'])
    .select(['k.quota_credits', 'k.quota_tokens', 'k.quota_requests', 'k.quota_period'])
    .select(['k.rpm', 'k.tpm', 'k.concurrency', 'k.previous_hash', 'k.grace_until', 'k.updated_at'])
    .select('a.id as account_id')
    // A row value, because the same condition written with `or` is not answered from the index.
    .where(sql<boolean>`(k.updated_at, k.id) > (${at}, ${id})`)
    .orderBy('k.updated_at')
    .orderBy('k.id')
    .limit(limit)
    .execute()

/** Users changed after the mark, in the order of change. */
export const changedOwners = (
  db: Db,
  { at, id }: Mark,
  limit: number,
): Promise<Pick<Selectable<UsersTable>, 'id' | 'status' | 'updated_at'>[]> =>
  db
    .selectFrom('users')
    .select(['id', 'status', 'updated_at'])
    .where(sql<boolean>`(updated_at, id) > (${at}, ${id})`)
    .orderBy('updated_at')
    .orderBy('id')
    .limit(limit)
    .execute()

export const countKeys = async (db: Db): Promise<number> => {
  const { count } = await db
    .selectFrom('api_keys')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

export const keyIds = async (db: Db, after: string, limit: number): Promise<string[]> => {
  const rows = await db.selectFrom('api_keys').select('id').where('id', '>', after).orderBy('id').limit(limit).execute()
  return rows.map(({ id }) => id)
}
