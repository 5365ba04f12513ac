import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Nanos } from '../kernel/money.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import type {
  AdjustCommand,
  ExpireLotCommand,
  ExpireLotResult,
  GrantCommand,
  HoldCommand,
  HoldResult,
  PostCommand,
  RecordCommand,
  ResolveResult,
  ReverseCommand,
  TransferResult,
  VoidCommand,
} from './commands.ts'
import { availableOf } from './decide.ts'
import { recover } from './recovery.ts'
import type { Recovered, RecoveryOptions } from './recovery.ts'
import * as repository from './repository.ts'
import { sayUnbooked } from './request-row.ts'
import type { StoredHold } from './repository.ts'
import { verifyLedger } from './verify.ts'
import type { LedgerReport } from './verify.ts'

/** The module that storage loads into its writer thread. */
export const ledgerEngine: URL = new URL(`./engine${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

export interface Ledger {
  /** Settles after the commit: the credit is reserved whatever happens to this process. */
  hold(command: HoldCommand): Promise<HoldResult>
  /**
   * Settles after the commit. When storage is in trouble the promise rejects, and the settlement is tried again in the background until it is in; should this
   * process end first, the next start resolves the hold. When the settlement itself cannot be booked the hold is released before the promise rejects: what it reserves
   * must not be lost to its owner.
   */
  post(command: PostCommand): Promise<ResolveResult>
  void(command: VoidCommand): Promise<ResolveResult>
  /** Logs a request that moved no money; lost if storage is in trouble. */
  record(command: RecordCommand): void
  /** On disk when it resolves; inside `trx` together with that transaction. The same for `adjust` and `reverse`. */
  grant(command: GrantCommand, trx?: WriteTransaction): Promise<TransferResult>
  adjust(command: AdjustCommand, trx?: WriteTransaction): Promise<TransferResult>
  reverse(command: ReverseCommand, trx?: WriteTransaction): Promise<TransferResult>
  /** Takes back what is left of grants that have expired. Returns nano-credits. */
  expireGrants(): Promise<Nanos>
  balance(account: string): Promise<{ readonly available: Nanos; readonly held: Nanos }>
  openHolds(after?: string, limit?: number): Promise<readonly StoredHold[]>
  recoverHolds(options: RecoveryOptions): Promise<Recovered>
  verify(): Promise<LedgerReport>
  /** Settlements that are waiting for storage to come back. */
  readonly unsettled: number
  /** Ends the background attempts. */
  close(): void
}

const retryMs = 500

export const createLedger = ({ storage, clock }: { readonly storage: Storage; readonly clock: Clock }): Ledger => {
  const unsettled = new Map<string, PostCommand | VoidCommand>()
  let timer: NodeJS.Timeout | null = null
  let closed = false

  const isTrouble = (error: unknown): boolean =>
    error instanceof GatewayError && (error.code === 'storage_unavailable' || error.code === 'database_busy')

  const retry = async (): Promise<void> => {
    timer = null
    for (const [hold, command] of unsettled) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- the first failure ends the round
        await storage.submit(command)
        unsettled.delete(hold)
      } catch (error) {
        if (isTrouble(error)) break
        unsettled.delete(hold)
        // oxlint-disable-next-line no-await-in-loop -- rare
        await giveUp(command)
      }
    }
    plan()
  }
  const plan = (): void => {
    if (unsettled.size > 0 && !closed) timer ??= setTimeout(() => void retry(), retryMs).unref()
  }
  const settle = async (command: PostCommand | VoidCommand): Promise<ResolveResult> => {
    try {
      return await storage.submit<typeof command, ResolveResult>(command)
    } catch (error) {
      if (isTrouble(error)) {
        // The promise rejects, so the client hears of a failure: that is what its row says.
        unsettled.set(command.hold, command.record ? { ...command, record: sayUnbooked(command.record) } : command)
        plan()
      } else await giveUp(command)
      throw error
    }
  }
  /** Releases the hold of a settlement that can never be booked. Without its log row, which may be what is wrong: the next start rebuilds one from the hold. */
  const giveUp = async ({ op, hold }: PostCommand | VoidCommand): Promise<void> => {
    if (op === 'post') await settle({ op: 'void', hold, state: 'voided', at: clock.now() }).catch(() => undefined)
  }
  const move = <Command extends GrantCommand | AdjustCommand | ReverseCommand>(
    command: Command,
    trx?: WriteTransaction,
  ): Promise<TransferResult> => (trx ? trx.submit(command) : storage.submit(command, { durable: true }))

  return {
    hold: (command) => storage.submit(command),
    post: settle,
    void: settle,
    record(command) {
      storage.submit(command).catch(() => undefined)
    },
    grant: move,
    adjust: move,
    reverse: move,
    async expireGrants() {
      let total = 0
      for (let after = ''; ;) {
        const at = clock.now()
        // oxlint-disable-next-line no-await-in-loop -- pages
        const due = await repository.dueLots(storage.read, at, after, 500)
        const expire = ({ id }: { id: string }): Promise<ExpireLotResult> =>
          storage.submit<ExpireLotCommand, ExpireLotResult>({ op: 'expire_lot', lot: id, at }, { durable: true })
        // oxlint-disable-next-line no-await-in-loop -- pages
        for (const { expired } of await Promise.all(due.map(expire))) total += expired
        if (due.length < 500) return total
        after = due.at(-1)!.id
      }
    },
    async balance(account) {
      const row = await repository.wallet(storage.read, account)
      if (!row) throw new GatewayError('not_found', 'There is no such account.')
      return { available: availableOf(row), held: row.debits_pending }
    },
    openHolds: (after = '', limit = 100) => repository.openHolds(storage.read, after, limit),
    recoverHolds: (options) => recover({ storage, clock }, options),
    verify: () => verifyLedger(storage),
    get unsettled() {
      return unsettled.size
    },
    close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      unsettled.clear()
    },
  }
}
