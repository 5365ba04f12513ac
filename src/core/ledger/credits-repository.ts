import { sql } from 'kysely'
import type { Kysely, Selectable } from 'kysely'
import type { GatewaySchema, TransfersTable, UsageSchema } from '../storage/schema.ts'

type Db = Kysely<GatewaySchema>

export interface MovementRow {
  readonly seq: number
  readonly id: string
  readonly kind: TransfersTable['kind']
  /** Signed. */
  readonly amount: number
  readonly note: string | null
  readonly actor: string | null
  readonly request_id: string | null
  readonly created_at: number
}

export interface HistoryRows {
  /** Posted balance before anything in `rows` is undone: after the newest of them. */
  readonly posted: number
  readonly rows: readonly MovementRow[]
}

const newest = Number.MAX_SAFE_INTEGER

/**
 * Movements of a wallet with a number below `before`, the newest first, and the posted balance after the first of them; all from one statement, so that they
 * agree. The comparison with 'house:' lets SQLite use the indexes that hold wallets only.
 */
export const walletHistory = async (
  db: Db,
  account: string,
  before: number = newest,
  limit: number,
): Promise<HistoryRows> => {
  const side = (column: 'debit_account' | 'credit_account') =>
    sql`select seq, id, kind, ${sql.raw(column === 'debit_account' ? '-amount' : 'amount')} as amount, note, actor, hold_id, created_at
      from transfers where ${sql.ref(column)} = ${account} and ${sql.ref(column)} < 'house:' and seq < ${before}`
  const later = (column: 'debit_account' | 'credit_account') =>
    sql`(select coalesce(sum(amount), 0) from transfers
      where ${sql.ref(column)} = ${account} and ${sql.ref(column)} < 'house:' and seq >= ${before})`
  const { rows } = await sql<MovementRow & { posted: number }>`
    select m.seq, m.id, m.kind, m.amount, m.note, m.actor, h.request_id, m.created_at,
      (select credits_posted - debits_posted from accounts where id = ${account})
        - ${later('credit_account')} + ${later('debit_account')} as posted
    from (
      select * from (${side('debit_account')} order by seq desc limit ${limit}) as d
      union all
      select * from (${side('credit_account')} order by seq desc limit ${limit}) as c
    ) as m
    left join holds as h on h.id = m.hold_id
    order by m.seq desc limit ${limit}`.execute(db)
  return { posted: rows[0]?.posted ?? 0, rows }
}

export interface WalletTotals {
  readonly credits_posted: number
  readonly debits_posted: number
  readonly debits_pending: number
  readonly granted: number
  readonly adjusted: number
  readonly charged: number
  readonly reversed: number
  readonly expired: number
}

export const walletTotals = async (db: Db, account: string): Promise<WalletTotals> => {
  const sum = (kind: string, column: 'debit_account' | 'credit_account') =>
    sql`(select coalesce(sum(amount), 0) from transfers
      where ${sql.ref(column)} = a.id and ${sql.ref(column)} < 'house:' and kind = ${kind})`
  const { rows } = await sql<WalletTotals>`
    select a.credits_posted, a.debits_posted, a.debits_pending,
      ${sum('grant', 'credit_account')} as granted,
      ${sum('adjustment', 'credit_account')} - ${sum('adjustment', 'debit_account')} as adjusted,
      ${sum('charge', 'debit_account')} as charged,
      ${sum('reversal', 'credit_account')} as reversed,
      ${sum('expiry', 'debit_account')} as expired
    from accounts as a where a.id = ${account}`.execute(db)
  return rows[0]!
}

export const findTransfer = (
  db: Db,
  by: 'id' | 'reference',
  value: string,
): Promise<Selectable<TransfersTable> | undefined> =>
  db.selectFrom('transfers').selectAll().where(by, '=', value).executeTakeFirst()

/** The user behind a wallet. */
export const accountOwner = (
  db: Db,
  account: string,
): Promise<{ readonly id: string; readonly email: string; readonly held: number } | undefined> =>
  db
    .selectFrom('accounts as a')
    .innerJoin('users as u', 'u.id', 'a.owner_id')
    .select(['u.id', 'u.email', 'a.debits_pending as held'])
    .where('a.id', '=', account)
    .executeTakeFirst()

export const holdOfRequest = async (usage: Kysely<UsageSchema>, request: string): Promise<string | null> => {
  const row = await usage.selectFrom('requests').select('hold_id').where('id', '=', request).executeTakeFirst()
  return row?.hold_id ?? null
}
