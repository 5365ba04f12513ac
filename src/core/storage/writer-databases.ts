import { join } from 'node:path'
import { GatewayError } from '../kernel/errors.ts'
import { createStatementCache, databaseFiles, openConnection, runQuery } from './connection.ts'
import { createCheckpointer } from './checkpointer.ts'
import { engineDatabase } from './engine-database.ts'
import type { CreateEngine } from './engine.ts'
import { openJournal } from './journal.ts'
import type { WriteBytes } from './journal.ts'
import type { JournalUse, Outcome } from './messages.ts'
import { createRecordLog } from './record-log.ts'
import { isFatalCode, isStorageTrouble, sqliteCode } from './sqlite-errors.ts'
import { toThreadError } from './thread-errors.ts'
import { createWalSync } from './wal-sync.ts'

export interface WriterDatabasesOptions {
  readonly dataDir: string
  readonly busyMs: number
  readonly journal: JournalUse
  readonly createEngine: CreateEngine | null
  /** Module of a thread that moves the write-ahead logs; absent: this one does. */
  readonly checkpointThread?: URL | null
  /** How the journal is written, for tests of disks that fill up. */
  readonly writeJournal?: WriteBytes
  /** Told when nothing may be written any more. */
  fail(error: unknown): void
}

/** Both writing connections and everything that happens on them. Synchronous: one call is one step. */
export interface WriterDatabases {
  /**
   * All commands (a JSON array) one after the other; a refused one does not touch the others. When this returns they survive the death of the process; `durable`: they
   * are on disk.
   */
  batch(commands: string, durable: boolean): Outcome[]
  begin(): void
  inTransaction(): boolean
  query(sql: string, parameters: readonly unknown[]): unknown
  /** One command inside the open transaction. */
  command(command: unknown): unknown
  commit(): void
  /** Does nothing when no transaction is open. */
  rollback(): void
  /** Makes everything that was answered visible to readers. */
  catchUp(): void
  /** What may happen after the caller has its answer. */
  afterReply(): void
  close(): void
}

/** How long answered batches may wait for the commit of their rows, how many commands, and how large their journal grows before it is emptied with an fsync. */
const gatherMs = 40
const gatherCommands = 2_000
const journalBytes = 16 * 1024 * 1024
/** Milliseconds until what was answered is on disk: in the journal, or in the write-ahead log when there is none. Rows that the journal has too may wait longer. */
const journalSyncMs = 10
const walSyncMs = 4
const gatheredSyncMs = 200

export const createWriterDatabases = (options: WriterDatabasesOptions): WriterDatabases => {
  const gatewayFile = join(options.dataDir, databaseFiles.gateway)
  const usageFile = join(options.dataDir, databaseFiles.usage)
  const gateway = openConnection(gatewayFile, { busyMs: options.busyMs })
  const usage = openConnection(usageFile, { busyMs: options.busyMs })
  // Losing the newest rows of the request log in a power cut is repaired at the next start from the holds.
  usage.pragma('synchronous = normal')
  const cache = createStatementCache(gateway)
  const begin = gateway.prepare('begin immediate')
  const commit = gateway.prepare('commit')
  const saveApplied = gateway.prepare('update journal set applied = ? where id = 1')
  const applied = (): number => gateway.prepare<[], number>('select applied from journal where id = 1').pluck().get()!
  const journalFile = join(options.dataDir, 'ledger.journal')
  const journal = options.journal === 'none' ? null : openJournal(journalFile, applied(), options.writeJournal)
  const journalSync = createWalSync(journalFile, journalSyncMs, options.fail)
  // The journal is emptied when the rows of all its batches are on disk.
  const walSync = createWalSync(
    `${gatewayFile}-wal`,
    options.journal === 'gather' ? gatheredSyncMs : walSyncMs,
    options.fail,
    () => {
      if (gathered === 0 && !lost) journal?.clear()
    },
  )
  const checkpointer = createCheckpointer([gateway, usage], {
    thread: options.checkpointThread ?? null,
    busyMs: options.busyMs,
    fail: options.fail,
  })
  let staged: unknown[] = []
  /** Commands whose rows are in the open transaction and whose batches are in the journal. */
  let gathered = 0
  /** The open transaction was lost with what it had gathered: the journal has it. */
  let lost = false
  let timer: NodeJS.Timeout | null = null
  const engine =
    options.createEngine?.({
      gateway: engineDatabase(gateway),
      usage: engineDatabase(usage),
      record: (row) => staged.push(row),
    }) ?? null
  const records = createRecordLog(usage, (rows) => engine?.writeRecords(rows), options.fail)

  let full = true
  const setLevel = (durable: boolean): void => {
    if (durable === full) return
    gateway.pragma(durable ? 'synchronous = full' : 'synchronous = normal')
    full = durable
  }
  const rollback = (): void => {
    if (gateway.inTransaction) gateway.exec('rollback')
    staged = []
    engine?.reset()
    if (gathered > 0) lost = true
    gathered = 0
  }
  const finish = (): void => {
    engine?.flush()
    commit.run()
    engine?.reset()
    if (staged.length > 0) records.add(staged)
    staged = []
    checkpointer.wrote()
    if (full) walSync.synced()
    else walSync.wrote()
  }
  const run = (command: unknown): unknown => {
    if (engine === null) throw new GatewayError('internal_error', 'storage was opened without an engine')
    return engine.run(command)
  }
  const runAll = (commands: readonly unknown[]): Outcome[] =>
    commands.map((command): Outcome => {
      try {
        return { value: run(command) }
      } catch (error) {
        if (error instanceof GatewayError) return { error: toThreadError(error) }
        throw error
      }
    })
  /** Runs what was answered but is not in the tables: after a crash, or after a transaction that could not be committed. */
  const replay = (): void => {
    if (journal && journal.size > 0) {
      begin.run()
      try {
        for (const { batch } of journal.after(applied())) runAll(JSON.parse(batch) as unknown[])
        // Also when there is nothing to run: this commit brings to disk what an earlier run committed without waiting.
        saveApplied.run(journal.last)
        finish()
      } catch (error) {
        rollback()
        lost = true
        throw error
      }
    }
    lost = false
  }
  const emptyJournal = (): void => {
    walSync.now()
    journal!.clear()
  }
  const commitGathered = (): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (lost) replay()
    if (gathered === 0) return
    try {
      saveApplied.run(journal!.last)
      finish()
      gathered = 0
    } catch (error) {
      rollback()
      throw error
    }
    if (journal!.size > journalBytes) emptyJournal()
  }
  const attemptCommit = (): void => {
    try {
      commitGathered()
      records.schedule()
    } catch (error) {
      const code = sqliteCode(error)
      if (code !== null && isFatalCode(code)) options.fail(error)
      else {
        checkpointer.makeRoom()
        timer ??= setTimeout(attemptCommit, 1_000)
      }
    }
  }
  /** Answers a batch whose rows are committed later: the journal has it from here on. */
  const gather = (text: string, commands: readonly unknown[]): Outcome[] => {
    if (commands.length === 0) return []
    if (!gateway.inTransaction) {
      setLevel(false)
      begin.run()
    }
    try {
      const outcomes = runAll(commands)
      journal!.append(text)
      gathered += commands.length
      journalSync.wrote()
      timer ??= setTimeout(attemptCommit, gatherMs)
      return outcomes
    } catch (error) {
      rollback()
      throw error
    }
  }
  const transaction = (commands: readonly unknown[]): Outcome[] => {
    commitGathered()
    begin.run()
    try {
      const outcomes = runAll(commands)
      finish()
      return outcomes
    } catch (error) {
      rollback()
      throw error
    }
  }

  if (journal) {
    setLevel(true)
    replay()
    journal.clear()
  }

  return {
    batch(text, durable) {
      const commands = JSON.parse(text) as unknown[]
      if (lost) replay()
      const gathers = options.journal === 'gather' && !durable
      try {
        if (gathers) return gather(text, commands)
        commitGathered()
        setLevel(durable)
        return transaction(commands)
      } catch (error) {
        // One more attempt: what was settled must get in before what is new fills the disk again.
        if (sqliteCode(error) === 'SQLITE_FULL') {
          checkpointer.makeRoom()
          setLevel(durable || gathers)
          return transaction(commands)
        }
        if (commands.length === 1 || isStorageTrouble(error)) throw error
      }
      // What follows is not in the journal.
      if (gathers) setLevel(true)
      // One of them broke half-way and took the others with it: give each a transaction of its own, so that only the broken one fails.
      return commands.map((command): Outcome => {
        try {
          return transaction([command])[0]!
        } catch (error) {
          if (isStorageTrouble(error)) throw error
          return { error: toThreadError(error) }
        }
      })
    },
    begin() {
      commitGathered()
      setLevel(true)
      begin.run()
    },
    inTransaction: () => gateway.inTransaction,
    query: (sql, parameters) => runQuery(cache, sql, parameters),
    command(command) {
      const kept = staged.length
      gateway.exec('savepoint command')
      try {
        const result = run(command)
        engine!.flush()
        engine!.reset()
        gateway.exec('release command')
        return result
      } catch (error) {
        engine?.reset()
        staged.length = kept
        if (gateway.inTransaction) gateway.exec('rollback to command; release command')
        throw error
      }
    },
    commit() {
      try {
        finish()
      } catch (error) {
        rollback()
        if (sqliteCode(error) === 'SQLITE_FULL') checkpointer.makeRoom()
        throw error
      }
    },
    rollback,
    catchUp() {
      // While a transaction of somebody else is open, everything before it is committed.
      if (gathered > 0 || lost) commitGathered()
      records.write()
    },
    afterReply() {
      if (gathered >= gatherCommands) attemptCommit()
      records.schedule()
    },
    close() {
      if (gathered > 0) attemptCommit()
      if (timer !== null) clearTimeout(timer)
      rollback()
      records.close()
      checkpointer.close()
      // Synced again: the other thread may have been at the log, and then the last checkpoint has brought nothing to disk.
      if (!lost && journal && journal.size > 0) emptyJournal()
      walSync.close()
      journalSync.close()
      journal?.close()
      usage.close()
      gateway.close()
    },
  }
}
