import { GatewayError } from '../kernel/errors.ts'
import type { CreateEngine } from '../storage/engine.ts'
import { Books, house } from './books.ts'
import type {
  AdjustCommand,
  ExpireLotCommand,
  ExpireLotResult,
  GrantCommand,
  HoldCommand,
  HoldResult,
  LedgerCommand,
  PostCommand,
  ResolveResult,
  ReverseCommand,
  TransferResult,
  VoidCommand,
} from './commands.ts'
import { availableOf, decideHold, decidePost, fits } from './decide.ts'
import { Holds } from './holds.ts'
import { createLots } from './lots.ts'
import { fillCost } from './request-row.ts'
import type { RequestValues } from './request-row.ts'
import { prepareStatements } from './statements.ts'
import type { HoldRow, LotRow } from './statements.ts'

/**
 * The ledger inside the writer thread: runs commands against prepared statements. Every command decides before it writes, so that a refusal (GatewayError, or a
 * refusing result) leaves no trace; anything else that is thrown makes the writer roll the whole transaction back.
 */
export const createEngine: CreateEngine = ({ gateway, usage, record }) => {
  const statements = prepareStatements(gateway, usage)
  const holds = new Holds(statements)
  const books = new Books(statements, holds)
  const lots = createLots(statements, books)

  const hold = (command: HoldCommand): HoldResult => {
    assertAmount(command.min)
    assertAmount(command.max)
    const wallet = books.wallet(command.account)
    if (wallet.has_expiring === 1) lots.expireDue(wallet, command.at)
    const { quota } = command
    if (quota) {
      assertAmount(quota.claimTokens)
      assertAmount(quota.minTokens)
    }
    const counter = quota ? books.counter(quota.counter, quota.keyId) : null
    const decision = decideHold(wallet, command, quota, counter)
    const repeated = repeatedHold(command)
    if (repeated) return repeated
    if (!decision.ok) return decision
    holds.open(command, decision)
    books.reserve(wallet, decision.held)
    if (counter) {
      const more = { requests: 1, credits_pending: decision.held, tokens_pending: decision.tokens }
      books.count(counter, more)
    }
    return decision
  }

  const repeatedHold = (command: HoldCommand): HoldResult | null => {
    const known = holds.find(command.id)
    if (!known) return null
    if (known.account_id !== command.account || known.request_id !== command.requestId) {
      throw new GatewayError('conflict', 'This hold belongs to another request.')
    }
    return { ok: true, held: known.amount, tokens: known.claim_tokens }
  }

  const findHold = (id: string): HoldRow => {
    const row = holds.find(id)
    if (!row) throw new GatewayError('not_found', 'There is no such hold.')
    return row
  }

  /** Gives back what a hold reserves and counts what it used instead. */
  const release = (
    row: HoldRow,
    used: { readonly credits: number; readonly tokens: number; readonly requests: number },
  ): void => {
    books.reserve(books.wallet(row.account_id), -row.amount)
    if (row.quota_counter === null) return
    const pending = { credits_pending: -row.amount, tokens_pending: -row.claim_tokens }
    books.count(books.counter(row.quota_counter, ''), { ...used, ...pending })
  }

  const post = (command: PostCommand): ResolveResult => {
    assertAmount(command.amount)
    assertAmount(command.tokens)
    const row = findHold(command.hold)
    if (row.state !== 'open') {
      if (row.state === 'posted') keepRecord(command.record, row.posted, row.written_off)
      return standing(row)
    }
    const wallet = books.wallet(row.account_id)
    const { posted, writtenOff } = decidePost(wallet, row.amount, command.amount)
    const { usage, quality, at } = command
    holds.resolve(row, { state: 'posted', posted, writtenOff, usage, quality, at })
    release(row, { credits: posted, tokens: command.tokens, requests: 0 })
    const more = { hold: row.id, at }
    if (posted > 0) {
      const reference = `charge:${row.id}`
      books.transfer({ kind: 'charge', from: row.account_id, to: house.revenue, amount: posted, reference, ...more })
      if (wallet.has_expiring === 1) lots.consume(wallet, posted, at)
    }
    if (writtenOff > 0) {
      const reference = `write_off:${row.id}`
      books.transfer({
        kind: 'write_off',
        from: house.writeOff,
        to: house.revenue,
        amount: writtenOff,
        reference,
        ...more,
      })
    }
    keepRecord(command.record, posted, writtenOff)
    return { state: 'posted', first: true, posted, writtenOff }
  }

  const cancel = (command: VoidCommand): ResolveResult => {
    const row = findHold(command.hold)
    if (row.state !== 'open') return standing(row)
    holds.resolve(row, { state: command.state, posted: 0, writtenOff: 0, usage: null, quality: 'none', at: command.at })
    release(row, { credits: 0, tokens: 0, requests: -1 })
    keepRecord(command.record, 0, 0)
    return { state: command.state, first: true, posted: 0, writtenOff: 0 }
  }

  const grant = (command: GrantCommand): TransferResult => {
    const wallet = books.wallet(command.account)
    const reference = `grant:${command.reference}`
    const repeated = repeatedTransfer(reference, house.grants, command.account, command.amount)
    if (repeated) return repeated
    assertPositive(command.amount)
    if (!fits(wallet, command.amount)) throw tooMuch()
    const { amount, note, actor, at } = command
    const id = books.transfer({ kind: 'grant', from: house.grants, to: wallet.id, amount, reference, note, actor, at })
    if (command.expiresAt !== null) lots.open(wallet, id, amount, command.expiresAt, at)
    return { id, first: true, available: availableOf(wallet) }
  }

  const adjust = (command: AdjustCommand): TransferResult => {
    const wallet = books.wallet(command.account)
    const reference = `adjustment:${command.reference}`
    const amount = Math.abs(command.amount)
    const [from, to] = command.amount < 0 ? [wallet.id, house.adjustments] : [house.adjustments, wallet.id]
    const repeated = repeatedTransfer(reference, from, to, amount)
    if (repeated) return repeated
    assertPositive(amount)
    if (command.amount > 0 && !fits(wallet, amount)) throw tooMuch()
    if (command.amount < 0 && availableOf(wallet) < amount) {
      const message = 'The account has less than this available; credit reserved by running requests cannot be taken.'
      throw new GatewayError('insufficient_credits', message)
    }
    const { note, actor, at } = command
    const id = books.transfer({ kind: 'adjustment', from, to, amount, reference, note, actor, at })
    if (command.amount < 0 && wallet.has_expiring === 1) lots.consume(wallet, amount, at)
    return { id, first: true, available: availableOf(wallet) }
  }

  const reverse = (command: ReverseCommand): TransferResult => {
    const charge = books.findTransfer(command.transfer)
    if (!charge) throw new GatewayError('not_found', 'There is no such charge.')
    if (charge.kind !== 'charge')
      throw new GatewayError('conflict', `Only a charge can be reversed; this is a ${charge.kind}.`)
    const wallet = books.wallet(charge.debit_account)
    const reference = `reversal:${charge.id}`
    const repeated = repeatedTransfer(reference, house.revenue, wallet.id, charge.amount)
    if (repeated) return repeated
    if (!fits(wallet, charge.amount)) throw tooMuch()
    const { note, actor, at } = command
    const { amount } = charge
    const id = books.transfer({
      kind: 'reversal',
      from: house.revenue,
      to: wallet.id,
      amount,
      reference,
      note,
      actor,
      at,
    })
    return { id, first: true, available: availableOf(wallet) }
  }

  const repeatedTransfer = (reference: string, from: string, to: string, amount: number): TransferResult | null => {
    const known = books.applied(reference)
    if (!known) return null
    if (known.debit_account !== from || known.credit_account !== to || known.amount !== amount) {
      throw new GatewayError('idempotency_mismatch', 'This reference was used before with another account or amount.')
    }
    const wallet = books.wallet(from.startsWith('house:') ? to : from)
    return { id: known.id, first: false, available: availableOf(wallet) }
  }

  const expireLot = (command: ExpireLotCommand): ExpireLotResult => {
    const lot = statements.lot.get(command.lot) as LotRow | undefined
    if (!lot || lot.expires_at > command.at) return { expired: 0, closed: lot === undefined }
    const expired = lots.expire(books.wallet(lot.account_id), lot, command.at)
    return { expired, closed: lot.remaining === 0 }
  }

  const keepRecord = (values: RequestValues | undefined, cost: number, writtenOff: number): void => {
    if (values) record(fillCost(values, cost, writtenOff))
  }

  return {
    run(command) {
      const one = command as LedgerCommand
      switch (one.op) {
        case 'hold':
          return hold(one)
        case 'post':
          return post(one)
        case 'void':
          return cancel(one)
        case 'grant':
          return grant(one)
        case 'adjust':
          return adjust(one)
        case 'reverse':
          return reverse(one)
        case 'expire_lot':
          return expireLot(one)
        case 'record':
          record(one.record)
          return null
      }
    },
    flush: () => books.flush(),
    reset: () => books.reset(),
    writeRecords(rows) {
      statements.insertRequests(rows as RequestValues[])
    },
  }
}

const standing = (row: HoldRow): ResolveResult => ({
  state: row.state as ResolveResult['state'],
  first: false,
  posted: row.posted,
  writtenOff: row.written_off,
})

const assertAmount = (amount: number): void => {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw new GatewayError('internal_error', `not an amount the ledger can hold: ${amount}`)
  }
}

const assertPositive = (amount: number): void => {
  if (!Number.isSafeInteger(amount) || amount <= 0) {
    throw new GatewayError('invalid_request', 'The amount must be more than zero.', { param: 'amount' })
  }
}

const tooMuch = (): GatewayError =>
  new GatewayError('invalid_request', 'One account can receive about 9 million credits in all; this would be more.', {
    param: 'amount',
  })
