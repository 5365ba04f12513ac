import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { GatewaySchema, UsageSchema } from '../storage/schema.ts'

export interface StoredHold {
  readonly id: string
  readonly account_id: string
  readonly request_id: string
  readonly amount: number
  readonly state: 'open' | 'posted' | 'voided' | 'expired'
  readonly posted: number
  readonly written_off: number
  readonly context: string
  readonly usage: string | null
  readonly quality: 'exact' | 'estimated' | 'none' | null
  readonly epoch: string
  readonly created_at: number
  readonly resolved_at: number | null
}

const holdColumns = [
  'id',
  'account_id',
  'request_id',
  'amount',
  'state',
  'posted',
  'written_off',
  'context',
  'usage',
  'quality',
  'epoch',
  'created_at',
  'resolved_at',
] as const

/** Open holds with an id above `after`, at most `limit`. */
export const openHolds = (db: Kysely<GatewaySchema>, after: string, limit: number): Promise<StoredHold[]> =>
  db
    .selectFrom('holds')
    .select(holdColumns)
    .where('state', '=', sql.lit('open'))
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()

/** Resolved holds with an id above `after`, in the order of ids (that of their creation). */
export const resolvedHolds = (db: Kysely<GatewaySchema>, after: string, limit: number): Promise<StoredHold[]> =>
  db
    .selectFrom('holds')
    .select(holdColumns)
    .where('state', '<>', 'open')
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()

/** Which of these requests are in the request log. */
export const loggedRequests = async (usage: Kysely<UsageSchema>, ids: readonly string[]): Promise<Set<string>> => {
  const rows = await usage.selectFrom('requests').select('id').where('id', 'in', ids).execute()
  return new Set(rows.map(({ id }) => id))
}

/** Start of the request that was logged last, or null when the log is empty. */
export const lastLoggedAt = async (usage: Kysely<UsageSchema>): Promise<number | null> => {
  const row = await usage
    .selectFrom('requests')
    .select('at')
    .orderBy(sql`rowid`, 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.at ?? null
}

export interface WalletRow {
  readonly id: string
  readonly credits_posted: number
  readonly debits_posted: number
  readonly debits_pending: number
}

export const wallet = (db: Kysely<GatewaySchema>, account: string): Promise<WalletRow | undefined> =>
  db
    .selectFrom('accounts')
    .select(['id', 'credits_posted', 'debits_posted', 'debits_pending'])
    .where('id', '=', account)
    .where('kind', '=', 'user')
    .executeTakeFirst()

/** Grants that have expired and still hold something. */
export const dueLots = (
  db: Kysely<GatewaySchema>,
  now: number,
  after: string,
  limit: number,
): Promise<{ id: string }[]> =>
  db
    .selectFrom('grant_lots')
    .select('id')
    .where('closed_at', 'is', null)
    .where('expires_at', '<=', now)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
