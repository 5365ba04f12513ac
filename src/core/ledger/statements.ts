import type { EngineDatabase, EngineStatement, EngineValue } from '../storage/engine.ts'
import type { HoldsTable, TransfersTable } from '../storage/schema.ts'
import { requestColumns } from './request-row.ts'

/** Rows as the engine reads them. */
export interface AccountRow {
  readonly id: string
  readonly kind: 'user' | 'house'
  credits_posted: number
  debits_posted: number
  debits_pending: number
  has_expiring: 0 | 1
  /** In memory only: differs from what is stored. */
  changed: boolean
}

export interface HoldRow {
  readonly id: string
  readonly account_id: string
  readonly request_id: string
  readonly amount: number
  state: 'open' | 'posted' | 'voided' | 'expired'
  posted: number
  written_off: number
  readonly quota_counter: string | null
  readonly claim_tokens: number
}

export interface TransferRow {
  readonly id: string
  readonly kind: string
  readonly debit_account: string
  readonly credit_account: string
  readonly amount: number
}

export interface LotRow {
  readonly id: string
  readonly account_id: string
  remaining: number
  readonly expires_at: number
}

export interface CounterRow {
  readonly id: string
  readonly key_id: string
  credits: number
  tokens: number
  requests: number
  credits_pending: number
  tokens_pending: number
  /** In memory only: differs from what is stored. */
  changed: boolean
}

/** Columns of a hold and of a transfer in the order in which they are bound. */
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
  'quota_counter',
  'claim_tokens',
  'epoch',
  'created_at',
  'resolved_at',
] as const satisfies readonly (keyof HoldsTable)[]
const newTransferColumns = [
  'id',
  'kind',
  'debit_account',
  'credit_account',
  'amount',
  'hold_id',
  'reference',
  'note',
  'actor',
  'created_at',
] as const satisfies readonly (keyof TransfersTable)[]

const rowsPerStatement = 8

/** Inserts rows of values in their order. Eight at a time: running a statement costs as much as a row. */
const prepareInsert = (db: EngineDatabase, table: string, columns: readonly string[], conflict = '') => {
  const row = `(${columns.map(() => '?').join(', ')})`
  const insert = (rows: number): EngineStatement => {
    const values = Array.from({ length: rows }, () => row).join(', ')
    return db.prepare(`insert into ${table} (${columns.join(', ')}) values ${values} ${conflict}`)
  }
  const one = insert(1)
  const many = insert(rowsPerStatement)
  return (rows: readonly (readonly EngineValue[])[]): void => {
    let at = 0
    for (; at + rowsPerStatement <= rows.length; at += rowsPerStatement) {
      const values: EngineValue[] = []
      for (let row = at; row < at + rowsPerStatement; row++) for (const value of rows[row]!) values.push(value)
      many.run(...values)
    }
    for (; at < rows.length; at++) one.run(...rows[at]!)
  }
}

/** Every statement the engine runs, prepared once. */
export const prepareStatements = (gateway: EngineDatabase, usage: EngineDatabase) => {
  const transferColumns = 'id, kind, debit_account, credit_account, amount'
  const lotColumns = 'id, account_id, remaining, expires_at'
  return {
    account: gateway.prepare(
      `select id, kind, credits_posted, debits_posted, debits_pending, has_expiring from accounts where id = ?`,
    ),
    // A wallet was read in this transaction, so its new totals can be stored as they are.
    saveAccount: gateway.prepare(
      `update accounts set credits_posted = ?, debits_posted = ?, debits_pending = ?, has_expiring = ? where id = ?`,
    ),
    // House accounts hold sums over everybody, beyond what JavaScript counts exactly; they are only ever added to, in 64 bits.
    addToHouse: gateway.prepare(
      `update accounts set credits_posted = credits_posted + cast(? as integer),
        debits_posted = debits_posted + cast(? as integer) where id = ? and kind = 'house'`,
    ),
    hold: gateway.prepare(
      `select id, account_id, request_id, amount, state, posted, written_off, quota_counter, claim_tokens
        from holds where id = ?`,
    ),
    greatestHold: gateway.prepare(`select max(id) as id from holds`),
    insertHolds: prepareInsert(gateway, 'holds', holdColumns),
    resolveHold: gateway.prepare(
      `update holds set state = ?, posted = ?, written_off = ?, usage = ?, quality = ?, resolved_at = ?
        where id = ? and state = 'open'`,
    ),
    insertTransfers: prepareInsert(gateway, 'transfers', newTransferColumns),
    transfer: gateway.prepare(`select ${transferColumns} from transfers where id = ?`),
    transferByReference: gateway.prepare(`select ${transferColumns} from transfers where reference = ?`),
    lot: gateway.prepare(`select ${lotColumns} from grant_lots where id = ? and closed_at is null`),
    openLots: gateway.prepare(
      `select ${lotColumns} from grant_lots where account_id = ? and closed_at is null order by expires_at, id`,
    ),
    insertLot: gateway.prepare(
      `insert into grant_lots (id, account_id, transfer_id, remaining, expires_at) values (?, ?, ?, ?, ?)`,
    ),
    saveLot: gateway.prepare(`update grant_lots set remaining = ?, closed_at = ? where id = ?`),
    counter: gateway.prepare(
      `select id, key_id, credits, tokens, requests, credits_pending, tokens_pending from quota_counters where id = ?`,
    ),
    saveCounter: gateway.prepare(
      `insert into quota_counters (id, key_id, credits, tokens, requests, credits_pending, tokens_pending)
        values (?, ?, ?, ?, ?, ?, ?)
        on conflict (id) do update set credits = excluded.credits, tokens = excluded.tokens, requests = excluded.requests,
          credits_pending = excluded.credits_pending, tokens_pending = excluded.tokens_pending`,
    ),
    insertRequests: prepareInsert(usage, 'requests', requestColumns, 'on conflict (id) do nothing'),
  }
}

export type Statements = ReturnType<typeof prepareStatements>
