import { sql } from 'kysely'
import type { Insertable, Kysely, Selectable, Updateable } from 'kysely'
import { integer, text } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import type { AccountsTable, AdminTokensTable, GatewaySchema, UsersTable } from '../storage/schema.ts'

type Db = Kysely<GatewaySchema>

export type UserRow = Omit<Selectable<UsersTable>, 'password_hash'> & {
  readonly account_id: string
  readonly credits_posted: number
  readonly debits_posted: number
  readonly debits_pending: number
}

export interface UserFilter {
  readonly q?: string | undefined
  readonly role?: UsersTable['role'] | undefined
  readonly status?: UsersTable['status'] | undefined
  readonly place: Place<UserRow>
}

const columns = ['id', 'email', 'name', 'role', 'status', 'status_reason', 'created_at', 'updated_at'] as const

const users = (db: Db) =>
  db
    .selectFrom('users as u')
    .innerJoin('accounts as a', (join) => join.onRef('a.owner_id', '=', 'u.id').on('a.kind', '=', 'user'))
    .select(columns.map((column) => `u.${column}` as const))
    .select(['a.id as account_id', 'a.credits_posted', 'a.debits_posted', 'a.debits_pending'])

/** A pattern for `like … escape '\'` that finds the text literally, wherever it stands. */
const literally = (text: string): string => `%${text.toLowerCase().replace(/[\\%_]/g, String.raw`\$&`)}%`

export const findUser = (db: Db, by: 'id' | 'email', value: string): Promise<UserRow | undefined> =>
  users(db)
    .where(`u.${by}`, '=', value)
    // The address of a deleted user may be given again: the living one is meant, else the one deleted last.
    .orderBy(({ eb }) => eb.case().when('u.status', '=', 'deleted').then(1).else(0).end())
    .orderBy('u.id', 'desc')
    .limit(1)
    .executeTakeFirst()

/** Ids are made in the order of time. */
const byUserId = text<UserRow>('u.id', ({ id }) => id)
export const userOrders: Orders<UserRow> = {
  created_at: [byUserId],
  updated_at: [integer('u.updated_at', (row) => row.updated_at), byUserId],
  email: [text('u.email', ({ email }) => email), byUserId],
}

export const listUsers = (db: Db, { q, role, status, place }: UserFilter): Promise<UserRow[]> => {
  let query = inOrder(users(db), place)
  if (role !== undefined) query = query.where('u.role', '=', role)
  query = status === undefined ? query.where('u.status', '!=', 'deleted') : query.where('u.status', '=', status)
  if (q !== undefined && q !== '') {
    const pattern = literally(q)
    query = query.where(({ eb, or }) =>
      or([
        eb(sql`u.email`, 'like', sql`${pattern} escape '\\'`),
        eb(sql`lower(coalesce(u.name, ''))`, 'like', sql`${pattern} escape '\\'`),
      ]),
    )
  }
  return query.execute()
}

export const emailTaken = async (db: Db, email: string): Promise<boolean> =>
  (await db
    .selectFrom('users')
    .select('id')
    .where('email', '=', email)
    .where('status', '!=', 'deleted')
    .executeTakeFirst()) !== undefined

export const insertUser = async (
  db: Db,
  user: Insertable<UsersTable>,
  account: Insertable<AccountsTable>,
): Promise<void> => {
  await db.insertInto('users').values(user).execute()
  await db.insertInto('accounts').values(account).execute()
}

export const updateUser = async (db: Db, id: string, changes: Updateable<UsersTable>): Promise<void> => {
  await db.updateTable('users').set(changes).where('id', '=', id).execute()
}

export const countOtherActiveAdmins = async (db: Db, id: string): Promise<number> => {
  const { count } = await db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('role', '=', 'admin')
    .where('status', '=', 'active')
    .where('id', '!=', id)
    .executeTakeFirstOrThrow()
  return count
}

/** Whether somebody can administer this gateway over the network: an active admin, or a valid admin token that belongs to no user. */
export const isAdministered = async (db: Db, now: number): Promise<boolean> => {
  if ((await countOtherActiveAdmins(db, '')) > 0) return true
  const token = await db
    .selectFrom('admin_tokens')
    .select('id')
    .where('role', '=', 'admin')
    .where('user_id', 'is', null)
    .where('revoked_at', 'is', null)
    .where(({ eb, or }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .limit(1)
    .executeTakeFirst()
  return token !== undefined
}

/** The latest `updated_at` of all users; 0 when there are none. */
export const latestUserChange = async (db: Db): Promise<number> => {
  const row = await db
    .selectFrom('users')
    .select('updated_at')
    .orderBy('updated_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.updated_at ?? 0
}

export type TokenRow = Selectable<AdminTokensTable> & {
  readonly user_role: UsersTable['role'] | null
  readonly user_status: UsersTable['status'] | null
}

const tokens = (db: Db) =>
  db
    .selectFrom('admin_tokens as t')
    .leftJoin('users as u', 'u.id', 't.user_id')
    .selectAll('t')
    .select(['u.role as user_role', 'u.status as user_status'])

export const findToken = (db: Db, by: 'id' | 'hash', value: string): Promise<TokenRow | undefined> =>
  tokens(db).where(`t.${by}`, '=', value).executeTakeFirst()

export const findTokensByName = (db: Db, name: string): Promise<TokenRow[]> =>
  tokens(db).where('t.name', '=', name).orderBy('t.id', 'desc').limit(10).execute()

const byTokenId = text<TokenRow>('t.id', ({ id }) => id)
export const tokenOrders: Orders<TokenRow> = {
  created_at: [byTokenId],
  name: [text('t.name', ({ name }) => name), byTokenId],
}

export const listTokens = (db: Db, place: Place<TokenRow>): Promise<TokenRow[]> => inOrder(tokens(db), place).execute()

export const insertToken = async (db: Db, token: Insertable<AdminTokensTable>): Promise<void> => {
  await db.insertInto('admin_tokens').values(token).execute()
}

export const revokeToken = async (db: Db, id: string, at: number): Promise<void> => {
  await db.updateTable('admin_tokens').set({ revoked_at: at }).where('id', '=', id).execute()
}
