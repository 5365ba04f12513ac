import { GatewayError } from '../kernel/errors.ts'
import type { HoldCommand } from './commands.ts'
import type { HoldRow, Statements } from './statements.ts'

export interface Resolution {
  readonly state: 'posted' | 'voided' | 'expired'
  readonly posted: number
  readonly writtenOff: number
  readonly usage: string | null
  readonly quality: 'exact' | 'estimated' | 'none'
  readonly at: number
}

/** A hold of the open transaction that is not in its table yet. */
interface NewHold {
  readonly row: HoldRow
  readonly command: HoldCommand
  resolution: Resolution | null
}

const qualities: readonly unknown[] = ['exact', 'estimated', 'none']
const endings: readonly unknown[] = ['posted', 'voided', 'expired']

/** Rows are written when nobody can refuse the command any more, so that what the table would refuse has to be refused here. */
const assertStorable = (texts: readonly unknown[], numbers: readonly unknown[], known = true): void => {
  if (known && texts.every((text) => typeof text === 'string') && numbers.every(Number.isSafeInteger)) return
  throw new GatewayError('internal_error', 'not a hold the ledger can keep')
}

/**
 * Holds of the open transaction. One that is opened and resolved before its rows are written becomes a single row in its final state; one that was stored by an
 * earlier transaction is rewritten once.
 */
export class Holds {
  readonly #statements: Statements
  readonly #known = new Map<string, HoldRow>()
  readonly #opened = new Map<string, NewHold>()
  readonly #resolved = new Map<string, Resolution>()
  /** Greatest id in the table (ids begin with time, so a new one is greater and need not be looked for); null: not asked yet. */
  #greatest: string | null = null

  constructor(statements: Statements) {
    this.#statements = statements
  }

  find(id: string): HoldRow | undefined {
    const known = this.#known.get(id)
    if (known) return known
    this.#greatest ??= (this.#statements.greatestHold.get() as { id: string | null }).id ?? ''
    if (isAfter(id, this.#greatest)) return undefined
    const row = this.#statements.hold.get(id) as HoldRow | undefined
    if (row) this.#known.set(id, row)
    return row
  }

  /** `held` nano-credits and `tokens` of the quota are reserved for a hold that `find` does not know. */
  open(command: HoldCommand, { held, tokens }: { readonly held: number; readonly tokens: number }): void {
    const { id, account, requestId, context, epoch, at, quota } = command
    assertStorable([id, account, requestId, context, epoch, quota?.counter ?? ''], [held, at, tokens])
    const row: HoldRow = {
      id,
      account_id: account,
      request_id: requestId,
      amount: held,
      state: 'open',
      posted: 0,
      written_off: 0,
      quota_counter: quota?.counter ?? null,
      claim_tokens: tokens,
    }
    this.#known.set(id, row)
    this.#opened.set(id, { row, command, resolution: null })
  }

  resolve(row: HoldRow, resolution: Resolution): void {
    const { state, posted, writtenOff, usage, quality, at } = resolution
    assertStorable([usage ?? ''], [posted, writtenOff, at], endings.includes(state) && qualities.includes(quality))
    row.state = state
    row.posted = posted
    row.written_off = writtenOff
    const opened = this.#opened.get(row.id)
    if (opened) opened.resolution = resolution
    else this.#resolved.set(row.id, resolution)
  }

  flush(): void {
    for (const [id, { state, posted, writtenOff, usage, quality, at }] of this.#resolved) {
      const changed = this.#statements.resolveHold.run(state, posted, writtenOff, usage, quality, at, id)
      if (changed !== 1) throw new GatewayError('internal_error', `hold ${id} was resolved by somebody else`)
    }
    this.#resolved.clear()
    if (this.#opened.size === 0) return
    // In the order of the table, which is almost the order in which they came.
    const rows = [...this.#opened.values()].toSorted((a, b) => (a.row.id < b.row.id ? -1 : 1))
    this.#statements.insertHolds(rows.map(valuesOf))
    this.#opened.clear()
  }

  reset(): void {
    this.#known.clear()
    this.#opened.clear()
    this.#resolved.clear()
    this.#greatest = null
  }
}

/** Ids are ASCII, where both JavaScript and SQLite compare bytes; anything else is looked for. */
const isAfter = (id: string, greatest: string): boolean => id > greatest && isAscii(id)

const isAscii = (text: string): boolean => /^[\x21-\x7e]*$/u.test(text)

const valuesOf = ({ row, command, resolution }: NewHold): (string | number | null)[] => [
  row.id,
  row.account_id,
  row.request_id,
  row.amount,
  row.state,
  row.posted,
  row.written_off,
  command.context,
  resolution?.usage ?? null,
  resolution?.quality ?? null,
  row.quota_counter,
  row.claim_tokens,
  command.epoch,
  command.at,
  resolution?.at ?? null,
]
