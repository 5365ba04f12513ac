import type { Clock } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { Nanos } from '../kernel/money.ts'
import type { Usage } from '../protocols/neutral/usage.ts'
import type { Storage } from '../storage/storage.ts'
import type { FrozenPrice, LedgerCommand, PostCommand, VoidCommand } from './commands.ts'
import { contextOf, endingOf, noTokens, rebuildRecord } from './rebuild-record.ts'
import * as repository from './repository.ts'
import type { StoredHold } from './repository.ts'
import { requestValues } from './request-row.ts'

export interface RecoveryOptions {
  /** What becomes of a hold whose outcome nobody knows. */
  readonly policy: 'charge-estimate' | 'charge-hold' | 'release'
  /** This run of the daemon: its own holds are left alone. */
  readonly epoch: string
  readonly chargeFor: (price: FrozenPrice, usage: Usage) => Nanos
}

export interface Recovered {
  /** Open holds of earlier runs that were charged, and those that were released. */
  readonly charged: number
  readonly released: number
  /** Rows added to the request log for exchanges that were settled but not yet logged. */
  readonly rebuilt: number
}

interface Dependencies {
  readonly storage: Storage
  readonly clock: Clock
}

const pageSize = 500
/** No exchange lasts longer; holds older than the last logged request by more than this are in the log. */
const longestExchangeMs = 2 * 60 * 60 * 1000

/** Settles what an earlier run left open, then completes the request log. For the daemon's start, before it accepts requests. */
export const recover = async (deps: Dependencies, options: RecoveryOptions): Promise<Recovered> => {
  const rebuilt = await completeLog(deps)
  return { ...(await resolveOpen(deps, options)), rebuilt }
}

const resolveOpen = async (
  { storage, clock }: Dependencies,
  options: RecoveryOptions,
): Promise<{ charged: number; released: number }> => {
  const counts = { charged: 0, released: 0 }
  for await (const page of pages('', (after) => repository.openHolds(storage.read, after, pageSize))) {
    const commands = page
      .filter((hold) => hold.epoch !== options.epoch)
      .map((hold) => resolutionOf(hold, options, clock.now()))
    await Promise.all(commands.map((command) => storage.submit(command)))
    for (const { op } of commands) counts[op === 'post' ? 'charged' : 'released'] += 1
  }
  return counts
}

const resolutionOf = (hold: StoredHold, options: RecoveryOptions, at: number): PostCommand | VoidCommand => {
  const context = contextOf(hold)
  const ending = { status: 503, errorCode: 'interrupted', at }
  if (options.policy === 'release') {
    const record = requestValues(rebuildRecord(hold, context, { ...ending, usage: noTokens, quality: 'none' }))
    return { op: 'void', hold: hold.id, state: 'expired', record, at }
  }
  const tokens = context.estimatedInputTokens
  const usage: Usage = { ...noTokens, input: { ...noTokens.input, uncached: tokens } }
  const estimate = context.price === null ? 0 : Math.min(hold.amount, options.chargeFor(context.price, usage))
  const amount = options.policy === 'charge-hold' ? hold.amount : estimate
  const record = requestValues(rebuildRecord(hold, context, { ...ending, usage, quality: 'estimated' }))
  return { op: 'post', hold: hold.id, amount, usage: JSON.stringify(usage), tokens, quality: 'estimated', record, at }
}

/**
 * The request log is written after the money and in the order of settlement, so a crash takes only its newest rows: everything settled since shortly before the
 * last row is looked up, and what is missing is rebuilt from the hold.
 */
const completeLog = async ({ storage }: Dependencies): Promise<number> => {
  const last = await repository.lastLoggedAt(storage.usage)
  const from = last === null ? '' : newId('hold', Math.max(0, last - longestExchangeMs)).slice(0, -16)
  let rebuilt = 0
  for await (const page of pages(from, (after) => repository.resolvedHolds(storage.read, after, pageSize))) {
    const ids = page.map((hold) => hold.request_id)
    const logged = await repository.loggedRequests(storage.usage, ids)
    const missing = page.filter((hold) => !logged.has(hold.request_id))
    const commands = missing.map((hold): LedgerCommand => {
      return { op: 'record', record: requestValues(rebuildRecord(hold, contextOf(hold), endingOf(hold))) }
    })
    await Promise.all(commands.map((command) => storage.submit(command)))
    rebuilt += missing.length
  }
  return rebuilt
}

const pages = async function* (
  from: string,
  read: (after: string) => Promise<StoredHold[]>,
): AsyncGenerator<StoredHold[]> {
  let after = from
  for (;;) {
    const page = await read(after)
    if (page.length > 0) yield page
    if (page.length < pageSize) return
    after = page.at(-1)!.id
  }
}
