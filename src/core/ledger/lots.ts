import { newId } from '../kernel/ids.ts'
import type { Books } from './books.ts'
import { house } from './books.ts'
import { decideExpiry } from './decide.ts'
import type { AccountRow, LotRow, Statements } from './statements.ts'

/** Grants that expire. Whatever leaves a wallet is taken from them first, the earliest expiry first. */
export interface Lots {
  open(wallet: AccountRow, transfer: string, amount: number, expiresAt: number, at: number): void
  consume(wallet: AccountRow, amount: number, at: number): void
  /** Takes back what is left of the wallet's expired grants, as far as open holds allow. */
  expireDue(wallet: AccountRow, at: number): void
  expire(wallet: AccountRow, lot: LotRow, at: number): number
}

export const createLots = (statements: Statements, books: Books): Lots => {
  const save = (lot: LotRow, remaining: number, at: number): void => {
    lot.remaining = remaining
    statements.saveLot.run(remaining, remaining === 0 ? at : null, lot.id)
  }
  const openLots = (wallet: AccountRow): LotRow[] =>
    wallet.has_expiring === 1 ? (statements.openLots.all(wallet.id) as LotRow[]) : []

  const unmark = (wallet: AccountRow, lots: readonly LotRow[]): void => {
    if (lots.every(({ remaining }) => remaining === 0)) books.mark(wallet, 0)
  }
  const expire = (wallet: AccountRow, lot: LotRow, at: number): number => {
    const amount = decideExpiry(wallet, lot.remaining)
    if (amount === 0) return 0
    // What was left names the step: a lot that is taken back in parts has a reference for each.
    const reference = `expiry:${lot.id}:${lot.remaining}`
    books.transfer({ kind: 'expiry', from: wallet.id, to: house.expired, amount, reference, at })
    save(lot, lot.remaining - amount, at)
    return amount
  }
  return {
    open(wallet, transfer, amount, expiresAt, at) {
      statements.insertLot.run(newId('grant', at), wallet.id, transfer, amount, expiresAt)
      books.mark(wallet, 1)
    },
    consume(wallet, amount, at) {
      const lots = openLots(wallet)
      let rest = amount
      for (const lot of lots) {
        if (rest === 0) break
        const taken = Math.min(rest, lot.remaining)
        rest -= taken
        save(lot, lot.remaining - taken, at)
      }
      unmark(wallet, lots)
    },
    expireDue(wallet, at) {
      const lots = openLots(wallet)
      for (const lot of lots) if (lot.expires_at <= at) expire(wallet, lot, at)
      unmark(wallet, lots)
    },
    expire(wallet, lot, at) {
      const amount = expire(wallet, lot, at)
      unmark(wallet, openLots(wallet))
      return amount
    },
  }
}
