import { z } from 'zod'
import type { Users } from '../identity/users.ts'
import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { formatCredits, parseCredits } from '../kernel/money.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { decodeCursor, toPage } from '../kernel/page.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import type { AdjustCommand, GrantCommand, ReverseCommand, TransferResult } from './commands.ts'
import * as repository from './credits-repository.ts'
import type { Ledger } from './ledger.ts'
import type { adjustInput, balanceView, bookedView, grantInput, movementView } from './schemas.ts'
import type { LedgerReport } from './verify.ts'

type Context = OperationContext<WriteTransaction>
type Booked = z.infer<typeof bookedView>
type Movement = z.infer<typeof movementView>

/** What an administrator does with money. Amounts come and go as decimal strings; every write is one command of the ledger in the transaction of its context. */
export interface Credits {
  /** `idempotency_mismatch` when the Idempotency-Key has already booked something else, however long ago. */
  grant(input: z.infer<typeof grantInput>, context: Context): Promise<Booked>
  /** A negative amount never takes more than is available. */
  adjust(input: z.infer<typeof adjustInput>, context: Context): Promise<Booked>
  /** The charge that `txn_…` or `req_…` names. Throws `not_found`. */
  findCharge(reference: string): Promise<string>
  /** Gives back a whole charge; `conflict` when that was done before. */
  reverse(charge: string, note: string | undefined, context: Context): Promise<Booked>
  balance(user: string): Promise<z.infer<typeof balanceView>>
  history(query: {
    readonly user: string
    readonly limit: number
    readonly cursor?: string | undefined
  }): Promise<Page<Movement>>
  /** Recomputes the whole ledger. */
  verify(): Promise<LedgerReport>
}

export interface CreditsDependencies {
  readonly storage: Storage
  readonly users: Users
  readonly ledger: Pick<Ledger, 'verify'>
}

export const createCredits = ({ storage, users, ledger }: CreditsDependencies): Credits => {
  const wallet = async (reference: string, { trx }: Context) => {
    const user = await users.find(trx.db, reference)
    if (user.status === 'deleted') throw new GatewayError('conflict', `${user.email} is deleted.`, { param: 'user' })
    return user
  }

  /** Idempotency rows are pruned one day, transfers never: the reference protects the money for ever. */
  const referenceFor = (what: string, { actor, idempotencyKey }: Context): string =>
    `${what}:${idempotencyKey === undefined ? newId('grant') : `${actor.id}:${idempotencyKey}`}`

  const assertSame = async (
    result: TransferResult,
    expected: { readonly account: string; readonly amount: number },
    { trx }: Context,
  ): Promise<void> => {
    if (result.first) return
    const earlier = await repository.findTransfer(trx.db, 'id', result.id)
    const signed = earlier && (earlier.credit_account === expected.account ? earlier.amount : -earlier.amount)
    const account = expected.amount > 0 ? earlier?.credit_account : earlier?.debit_account
    if (signed !== expected.amount || account !== expected.account) throw new GatewayError('idempotency_mismatch')
  }

  return {
    async grant({ user: reference, amount: text, note, expires_at: expires }, context) {
      const { trx, now, actor } = context
      const user = await wallet(reference, context)
      const amount = parseCredits(text)
      const expiresAt = expires === undefined ? null : Date.parse(expires)
      if (expiresAt !== null && expiresAt <= now) {
        throw new GatewayError('invalid_request', 'expires_at: The time is already past.', { param: 'expires_at' })
      }
      const result = await trx.submit<GrantCommand, TransferResult>({
        op: 'grant',
        account: user.account_id,
        amount,
        reference: referenceFor('grant', context),
        note: note ?? null,
        actor: actor.id,
        expiresAt,
        at: now,
      })
      await assertSame(result, { account: user.account_id, amount }, context)
      return booked('grant', amount, result, user, user.debits_pending, note, now)
    },

    async adjust({ user: reference, amount: text, note }, context) {
      const { trx, now, actor } = context
      const user = await wallet(reference, context)
      const amount = parseCredits(text.replace(/^\+/, ''))
      const result = await trx.submit<AdjustCommand, TransferResult>({
        op: 'adjust',
        account: user.account_id,
        amount,
        reference: referenceFor('adjustment', context),
        note,
        actor: actor.id,
        at: now,
      })
      await assertSame(result, { account: user.account_id, amount }, context)
      return booked('adjustment', amount, result, user, user.debits_pending, note, now)
    },

    async findCharge(reference) {
      let transfer = null
      if (reference.startsWith('txn_')) {
        transfer = await repository.findTransfer(storage.read, 'id', reference)
      } else {
        const hold = await repository.holdOfRequest(storage.usage, reference)
        if (hold !== null) transfer = await repository.findTransfer(storage.read, 'reference', `charge:${hold}`)
      }
      if (!transfer) {
        throw new GatewayError('not_found', `There is no charge behind ${reference}.`, { param: 'charge' })
      }
      if (transfer.kind !== 'charge') {
        throw new GatewayError('invalid_request', `${reference} is no charge; only charges can be reversed.`, {
          param: 'charge',
        })
      }
      return transfer.id
    },

    async reverse(charge, note, context) {
      const { trx, now, actor } = context
      const transfer = await repository.findTransfer(trx.db, 'id', charge)
      const owner = transfer && (await repository.accountOwner(trx.db, transfer.debit_account))
      if (!transfer || !owner) throw new GatewayError('not_found', `There is no charge ${charge}.`, { param: 'charge' })
      const result = await trx.submit<ReverseCommand, TransferResult>({
        op: 'reverse',
        transfer: charge,
        note: note ?? null,
        actor: actor.id,
        at: now,
      })
      if (!result.first) {
        throw new GatewayError('conflict', `${charge} has been reversed before, by ${result.id}.`, { param: 'charge' })
      }
      return booked('reversal', transfer.amount, result, owner, owner.held, note, now)
    },

    async balance(reference) {
      const user = await users.find(storage.read, reference)
      const totals = await repository.walletTotals(storage.read, user.account_id)
      return {
        user: { id: user.id, email: user.email },
        available: formatCredits(totals.credits_posted - totals.debits_posted - totals.debits_pending),
        held: formatCredits(totals.debits_pending),
        granted: formatCredits(totals.granted),
        adjusted: formatCredits(totals.adjusted),
        spent: formatCredits(totals.charged - totals.reversed),
        expired: formatCredits(totals.expired),
      }
    },

    async history({ user: reference, limit, cursor }) {
      const before = cursor === undefined ? undefined : decodeCursor(cursor, position)[0]
      const user = await users.find(storage.read, reference)
      const { posted, rows } = await repository.walletHistory(storage.read, user.account_id, before, limit + 1)
      let balance = posted
      const movements = rows.map((row) => {
        const balanceAfter = balance
        balance -= row.amount
        return { ...row, balanceAfter }
      })
      return toPage(movements, limit, ({ seq }) => [seq], toMovement)
    },

    verify: () => ledger.verify(),
  }
}

const position = z.tuple([z.int()])

const booked = (
  kind: Booked['kind'],
  amount: number,
  { id, available }: TransferResult,
  user: { readonly id: string; readonly email: string },
  held: number,
  note: string | undefined,
  now: number,
): Booked => ({
  id,
  kind,
  amount: formatCredits(amount),
  user: { id: user.id, email: user.email },
  balance: { available: formatCredits(available), held: formatCredits(held) },
  note: note ?? null,
  created_at: toTimestamp(now),
})

const toMovement = (row: repository.MovementRow & { readonly balanceAfter: number }): Movement => ({
  id: row.id,
  kind: row.kind,
  amount: formatCredits(row.amount),
  note: row.note,
  actor: row.actor,
  request_id: row.request_id,
  created_at: toTimestamp(row.created_at),
  balance_after: formatCredits(row.balanceAfter),
})
