import { GatewayError } from '../kernel/errors.ts'
import { derivedId, newId } from '../kernel/ids.ts'
import { maxNanos } from '../kernel/money.ts'
import type { EngineValue } from '../storage/engine.ts'
import type { Holds } from './holds.ts'
import type { AccountRow, CounterRow, Statements, TransferRow } from './statements.ts'

/** House accounts: the other side of every transfer. */
export const house = {
  grants: 'house:grants',
  revenue: 'house:revenue',
  writeOff: 'house:write-off',
  adjustments: 'house:adjustments',
  expired: 'house:expired',
} as const

export interface NewTransfer {
  readonly kind: 'grant' | 'charge' | 'write_off' | 'adjustment' | 'reversal' | 'expiry'
  readonly from: string
  readonly to: string
  readonly amount: number
  readonly reference: string
  readonly hold?: string
  readonly note?: string | null
  readonly actor?: string | null
  readonly at: number
}

type CountedField = 'credits' | 'tokens' | 'requests' | 'credits_pending' | 'tokens_pending'

const assertExact = (row: object): void => {
  for (const value of Object.values(row)) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new GatewayError('internal_error', `a stored amount is beyond what can be read exactly: about ${value}`)
    }
  }
}

/**
 * Accounts and counters of the open transaction, each read once and written once however many commands touch it, and its transfers, which are inserted in the order
 * in which they came. Both sides of a transfer are booked here and nowhere else, so that no command can move only one side.
 */
export class Books {
  readonly #statements: Statements
  readonly #holds: Holds
  /** Values of rows to insert. */
  #transfers: EngineValue[][] = []
  readonly #wallets = new Map<string, AccountRow>()
  readonly #counters = new Map<string, CounterRow>()
  readonly #house = new Map<string, { credits: number; debits: number }>()

  constructor(statements: Statements, holds: Holds) {
    this.#statements = statements
    this.#holds = holds
  }

  /** The wallet for reading and for booking holds on. Throws `not_found`. */
  wallet(id: string): AccountRow {
    const known = this.#wallets.get(id)
    if (known) return known
    const row = this.#statements.account.get(id) as AccountRow | undefined
    if (!row || row.kind !== 'user') throw new GatewayError('not_found', 'There is no such account.')
    assertExact(row)
    row.changed = false
    this.#wallets.set(id, row)
    return row
  }

  /** Reserves (or with a negative amount releases) credit of a wallet. */
  reserve(wallet: AccountRow, amount: number): void {
    wallet.debits_pending += amount
    wallet.changed = true
  }

  /** Whether anything of this wallet's credit expires. */
  mark(wallet: AccountRow, hasExpiring: 0 | 1): void {
    wallet.has_expiring = hasExpiring
    wallet.changed = true
  }

  count(counter: CounterRow, more: Partial<Record<CountedField, number>>): void {
    for (const [field, amount] of Object.entries(more)) counter[field as CountedField] += amount
    counter.changed = true
  }

  counter(id: string, keyId: string): CounterRow {
    const known = this.#counters.get(id)
    if (known) return known
    const empty = {
      id,
      key_id: keyId,
      credits: 0,
      tokens: 0,
      requests: 0,
      credits_pending: 0,
      tokens_pending: 0,
      changed: false,
    }
    const row = (this.#statements.counter.get(id) as CounterRow | undefined) ?? empty
    assertExact(row)
    row.changed = false
    this.#counters.set(id, row)
    return row
  }

  /**
   * Moves `amount` > 0 from one account to another. Returns the transfer's id: the same when the command runs once more after a crash, because the caller may have
   * been told. Nobody is told the id of a charge before it is committed.
   */
  transfer(one: NewTransfer): string {
    const id = one.hold === undefined ? derivedId('transfer', one.at, one.reference) : newId('transfer', one.at)
    this.#transfers.push([
      id,
      one.kind,
      one.from,
      one.to,
      one.amount,
      one.hold ?? null,
      one.reference,
      one.note ?? null,
      one.actor ?? null,
      one.at,
    ])
    // What other rows will refer to has to be there.
    if (one.hold === undefined) this.#insertRows()
    this.#book(one.from, 0, one.amount)
    this.#book(one.to, one.amount, 0)
    return id
  }

  findTransfer(id: string): TransferRow | undefined {
    this.#insertRows()
    return this.#statements.transfer.get(id) as TransferRow | undefined
  }

  applied(reference: string): TransferRow | undefined {
    this.#insertRows()
    return this.#statements.transferByReference.get(reference) as TransferRow | undefined
  }

  /** Holds first: transfers refer to them. */
  #insertRows(): void {
    this.#holds.flush()
    if (this.#transfers.length === 0) return
    this.#statements.insertTransfers(this.#transfers)
    this.#transfers = []
  }

  flush(): void {
    this.#insertRows()
    for (const row of this.#wallets.values()) {
      if (!row.changed) continue
      this.#statements.saveAccount.run(
        row.credits_posted,
        row.debits_posted,
        row.debits_pending,
        row.has_expiring,
        row.id,
      )
    }
    for (const row of this.#counters.values()) {
      if (!row.changed) continue
      this.#statements.saveCounter.run(
        row.id,
        row.key_id,
        row.credits,
        row.tokens,
        row.requests,
        row.credits_pending,
        row.tokens_pending,
      )
    }
    for (const [id, sums] of this.#house) this.#saveHouse(id, sums)
  }

  reset(): void {
    this.#holds.reset()
    this.#transfers = []
    this.#wallets.clear()
    this.#counters.clear()
    this.#house.clear()
  }

  #saveHouse(id: string, { credits, debits }: { readonly credits: number; readonly debits: number }): void {
    this.#statements.addToHouse.run(credits, debits, id)
    this.#house.delete(id)
  }

  #book(account: string, credits: number, debits: number): void {
    if (account.startsWith('house:')) {
      const sums = this.#house.get(account)
      // A sum that JavaScript would round goes to the database, which adds in 64 bits.
      if (sums && (sums.credits > maxNanos - credits || sums.debits > maxNanos - debits)) this.#saveHouse(account, sums)
      const { credits: before, debits: owed } = this.#house.get(account) ?? { credits: 0, debits: 0 }
      this.#house.set(account, { credits: before + credits, debits: owed + debits })
    } else {
      const wallet = this.wallet(account)
      wallet.credits_posted += credits
      wallet.debits_posted += debits
      wallet.changed = true
    }
  }
}
