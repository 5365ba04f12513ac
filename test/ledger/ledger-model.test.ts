import { copyFileSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LedgerCommand, QuotaClaim } from '../../src/core/ledger/commands.ts'
import type { JournalUse } from '../../src/core/storage/messages.ts'
import type { WriterDatabases } from '../../src/core/storage/writer-databases.ts'
import { addWallets, badRows, openWriter, runBatch, temporaryDirectory } from './support/ledger-fixture.ts'
import { LedgerModel } from './support/ledger-model.ts'

/** 75 runs of about 2,000 steps; before a release set LEDGER_RUNS higher. With LEDGER_SHRINK a failure is reduced, which takes minutes. */
const runs = Number(process.env['LEDGER_RUNS'] ?? 75)
const stepsPerRun = 2_000
/** One unit of the run's clock; expiries differ by less than this. */
const tick = 1_000_000

const names = ['a', 'b', 'c', 'd'] as const
const quotas: readonly QuotaClaim[] = [
  {
    counter: 'key_1:total',
    keyId: 'key_1',
    credits: 40_000,
    tokens: null,
    requests: null,
    claimTokens: 10,
    minTokens: 10,
  },
  {
    counter: 'key_2:total',
    keyId: 'key_2',
    credits: null,
    tokens: 3_000,
    requests: 150,
    claimTokens: 25,
    minTokens: 25,
  },
  {
    counter: 'key_3:total',
    keyId: 'key_3',
    credits: null,
    tokens: 900,
    requests: null,
    claimTokens: 200,
    minTokens: 15,
  },
]

type Step =
  | { readonly do: 'hold'; hold: number; account: number; min: number; more: number; quota: number }
  | { readonly do: 'post'; hold: number; amount: number; tokens: number }
  | { readonly do: 'void'; hold: number; expired: boolean }
  | { readonly do: 'grant'; account: number; amount: number; reference: number; life: number | null }
  | { readonly do: 'adjust'; account: number; amount: number; reference: number }
  | { readonly do: 'reverse'; hold: number }
  | { readonly do: 'wait'; ms: number }
  | { readonly do: 'commit' }
  | { readonly do: 'sweep' }
  | { readonly do: 'reopen' }
  | { readonly do: 'crash'; hold: number }

const hold = fc.nat(400)
const account = fc.nat(names.length - 1)
/** Mostly small, so that wallets run dry and quotas fill; sometimes at the edges of what a number can be. */
const amount = fc.oneof(
  { weight: 200, arbitrary: fc.nat(3_000) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 2 ** 53, -1, 0.5, Number.NaN),
  },
)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 400,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      hold,
      account,
      min: amount,
      more: fc.nat(2_000),
      quota: fc.nat(6),
    }),
  },
  { weight: 340, arbitrary: fc.record({ do: fc.constant('post' as const), hold, amount, tokens: fc.nat(40) }) },
  { weight: 100, arbitrary: fc.record({ do: fc.constant('void' as const), hold, expired: fc.boolean() }) },
  {
    weight: 80,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      account,
      amount: fc.oneof(
        { weight: 30, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
        { weight: 1, arbitrary: amount },
      ),
      reference: fc.nat(300),
      life: fc.option(fc.nat(500)),
    }),
  },
  {
    weight: 50,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      account,
      amount: fc.integer({ min: -4_000, max: 2_000 }),
      reference: fc.nat(200),
    }),
  },
  { weight: 40, arbitrary: fc.record({ do: fc.constant('reverse' as const), hold }) },
  { weight: 50, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(60) }) },
  { weight: 80, arbitrary: fc.constant({ do: 'commit' as const }) },
  { weight: 20, arbitrary: fc.constant({ do: 'sweep' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'reopen' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), hold }) },
)

/** One run: the real ledger on real files beside the model, compared after every batch. */
class Play {
  readonly #directories = [temporaryDirectory()]
  readonly #model = new LedgerModel()
  #writer: WriterDatabases
  #batch: LedgerCommand[] = []
  #now = tick
  #expiries = 0
  #commits = 0
  readonly #journal: JournalUse
  operations = 0

  /** `gather`: batches are answered from the journal and committed many at a time, as in a daemon. */
  constructor(journal: JournalUse) {
    this.#journal = journal
    this.#writer = this.#open()
    addWallets(this.#writer, names)
    for (const name of names) this.#model.open(`acc_${name}`)
  }

  #open(): WriterDatabases {
    return openWriter(this.#path, undefined, this.#journal)
  }

  get #path(): string {
    return this.#directories.at(-1)!.path
  }

  step(one: Step): void {
    switch (one.do) {
      case 'wait':
        this.#now += one.ms * tick
        return
      case 'commit':
        return this.#commit()
      case 'sweep':
        return this.#sweep()
      case 'reopen':
        return this.#reopen()
      case 'crash':
        return this.#crash(one.hold)
      case 'reverse':
        // The charge's id has to be known, so what is on its way is committed first.
        this.#commit()
        this.#batch.push({
          op: 'reverse',
          transfer: `txn_charge:${holdId(one.hold)}`,
          note: null,
          actor: 'test',
          at: this.#now,
        })
        return this.#commit()
      case 'hold':
      case 'post':
      case 'void':
      case 'grant':
      case 'adjust':
        this.#batch.push(this.#commandOf(one))
    }
  }

  end(): void {
    this.#commit()
    this.#compare()
    assert.deepEqual(badRows(this.#path), [])
  }

  remove(): void {
    this.#writer.close()
    for (const directory of this.#directories) directory.remove()
  }

  #commandOf(one: Extract<Step, { do: 'hold' | 'post' | 'void' | 'grant' | 'adjust' }>): LedgerCommand {
    const at = this.#now
    switch (one.do) {
      case 'hold': {
        const quota = quotas[one.quota]
        const max = one.min + one.more
        const of = { id: holdId(one.hold), account: `acc_${names[one.account]!}`, requestId: `req_${one.hold}` }
        return { op: 'hold', ...of, min: one.min, max, context: '{}', epoch: 'test', at, ...(quota && { quota }) }
      }
      case 'post':
        return {
          op: 'post',
          hold: holdId(one.hold),
          amount: one.amount,
          usage: '{}',
          tokens: one.tokens,
          quality: 'exact',
          at,
        }
      case 'void':
        return { op: 'void', hold: holdId(one.hold), state: one.expired ? 'expired' : 'voided', at }
      case 'grant': {
        // Every expiry is different, so that the order in which grants are used is known.
        const expiresAt = one.life === null ? null : this.#now + one.life * tick + ++this.#expiries
        const of = {
          account: `acc_${names[one.account]!}`,
          reference: String(one.reference),
          note: null,
          actor: 'test',
        }
        return { op: 'grant', ...of, amount: one.amount, expiresAt, at }
      }
      case 'adjust': {
        const of = { account: `acc_${names[one.account]!}`, reference: String(one.reference), note: '', actor: 'test' }
        return { op: 'adjust', ...of, amount: one.amount, at }
      }
    }
  }

  #commit(): void {
    const batch = this.#batch
    this.#batch = []
    if (batch.length === 0) return
    const real = batch.map((command) => this.#withRealId(command))
    const answers = runBatch(this.#writer, real)
    this.operations += batch.length
    for (const [index, command] of batch.entries()) {
      const expected = this.#model.apply(command, answers[index])
      assert.deepEqual(
        answers[index],
        expected,
        `${JSON.stringify(command)}: ${JSON.stringify([answers[index], expected])}`,
      )
    }
    // To look is to commit: gathered batches are left alone most of the time.
    if (this.#journal === 'none' || ++this.#commits % 7 === 0) this.#compare()
  }

  #withRealId(command: LedgerCommand): LedgerCommand {
    if (command.op !== 'reverse') return command
    const rows = this.#query(`select id from transfers where reference = ?`, [command.transfer.slice(4)])
    return { ...command, transfer: (rows[0]?.['id'] as string | undefined) ?? 'txn_none' }
  }

  #sweep(): void {
    this.#commit()
    const at = this.#now
    const lots = this.#query('select id from grant_lots where closed_at is null order by expires_at', [])
    runBatch(
      this.#writer,
      lots.map(({ id }): LedgerCommand => ({ op: 'expire_lot', lot: id as string, at })),
    )
    this.operations += lots.length
    for (const name of names) this.#model.sweep(`acc_${name}`, at)
    this.#compare()
  }

  #compare(): void {
    const rows = this.#query(`select * from accounts where kind = 'user'`, [])
    for (const row of rows) {
      const wallet = this.#model.wallets.get(row['id'] as string)!
      assert(this.#model.available(wallet) >= 0n)
      const found = [row['credits_posted'], row['debits_posted'], row['debits_pending']]
      assert.deepEqual(found, [wallet.credits, wallet.debits, wallet.pending].map(Number))
    }
    for (const row of this.#query('select * from quota_counters', [])) {
      const use = this.#model.quotas.get(row['id'] as string)!
      const found = [row['credits'], row['tokens'], row['requests'], row['credits_pending'], row['tokens_pending']]
      assert.deepEqual(
        found,
        [use.credits, use.tokens, use.requests, use.creditsPending, use.tokensPending].map(Number),
      )
    }
  }

  #reopen(): void {
    this.#commit()
    this.#writer.close()
    this.#writer = this.#open()
    this.#compare()
  }

  /** The files as a kill -9 in the middle of a transaction leaves them. */
  #crash(hold: number): void {
    this.#commit()
    if (this.#journal === 'none') this.#beginWhatIsLost(hold)
    const next = temporaryDirectory()
    for (const file of readdirSync(this.#path)) {
      if (!file.endsWith('-shm')) copyFileSync(join(this.#path, file), join(next.path, file))
    }
    this.#writer.rollback()
    this.#writer.close()
    this.#directories.push(next)
    assert(existsSync(join(next.path, 'gateway.db-wal')))
    this.#writer = this.#open()
    this.#compare()
    assert.deepEqual(badRows(this.#path), [])
  }

  #beginWhatIsLost(hold: number): void {
    this.#writer.begin()
    const at = this.#now
    for (const id of [holdId(hold), 'hld_never']) {
      const lost = { id, account: 'acc_a', requestId: `req_${id}`, min: 0, max: 5, context: '{}', epoch: 'test', at }
      try {
        this.#writer.command({ op: 'hold', ...lost })
      } catch {
        // A conflict with a hold that exists: part of the game.
      }
    }
  }

  #query(sql: string, parameters: readonly unknown[]): Record<string, unknown>[] {
    this.#writer.begin()
    const { rows } = this.#writer.query(sql, parameters) as { rows: Record<string, unknown>[] }
    this.#writer.rollback()
    return rows
  }
}

const holdId = (number: number): string => `hld_${String(number).padStart(5, '0')}`

test(
  'any history of commands, with restarts and crashes, leaves the books of a simple model',
  { timeout: 300_000 },
  () => {
    let operations = 0
    let played = 0
    const steps = fc.array(step, { minLength: stepsPerRun, maxLength: stepsPerRun + 200, size: 'max' })
    fc.assert(
      fc.property(steps, (history) => {
        const play = new Play(played++ % 2 === 0 ? 'gather' : 'none')
        try {
          for (const one of history) play.step(one)
          play.end()
        } finally {
          operations += play.operations
          play.remove()
        }
      }),
      { numRuns: runs, endOnFailure: process.env['LEDGER_SHRINK'] === undefined },
    )
    expect(operations).toBeGreaterThan(runs * stepsPerRun * 0.85)
  },
)
