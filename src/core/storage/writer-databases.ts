import { join } from 'node:path'
import { GatewayError } from '../kernel/errors.ts'
import { createStatementCache, databaseFiles, openConnection, runQuery } from './connection.ts'
import { createCheckpointer } from './checkpointer.ts'
import { engineDatabase } from './engine-database.ts'
import type { CreateEngine } from './engine.ts'
import type { Outcome } from './messages.ts'
import { createRecordLog } from './record-log.ts'
import { isStorageTrouble, sqliteCode } from './sqlite-errors.ts'
import { toThreadError } from './thread-errors.ts'
import { createWalSync } from './wal-sync.ts'

export interface WriterDatabasesOptions {
  readonly dataDir: string
  readonly busyMs: number
  readonly createEngine: CreateEngine | null
  /** Told when nothing may be written any more. */
  fail(error: unknown): void
}

/** Both writing connections and everything that happens on them. Synchronous: one call is one step. */
export interface WriterDatabases {
  /** All commands in one transaction; a refused one does not touch the others. `durable`: on disk before this returns. */
  batch(commands: readonly unknown[], durable: boolean): Outcome[]
  begin(): void
  inTransaction(): boolean
  query(sql: string, parameters: readonly unknown[]): unknown
  /** One command inside the open transaction. */
  command(command: unknown): unknown
  commit(): void
  /** Does nothing when no transaction is open. */
  rollback(): void
  writeRecords(): void
  /** What may happen after the caller has its answer. */
  afterReply(): void
  close(): void
}

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
  const walSync = createWalSync(`${gatewayFile}-wal`, options.fail)
  const checkpointer = createCheckpointer([gateway, usage], options.fail)
  let staged: unknown[] = []
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
  const transaction = (commands: readonly unknown[]): Outcome[] => {
    begin.run()
    try {
      const outcomes = commands.map((command): Outcome => {
        try {
          return { value: run(command) }
        } catch (error) {
          if (error instanceof GatewayError) return { error: toThreadError(error) }
          throw error
        }
      })
      finish()
      return outcomes
    } catch (error) {
      rollback()
      throw error
    }
  }

  return {
    batch(commands, durable) {
      setLevel(durable)
      try {
        return transaction(commands)
      } catch (error) {
        // One more attempt: what was settled must get in before what is new fills the disk again.
        if (sqliteCode(error) === 'SQLITE_FULL') {
          checkpointer.makeRoom()
          return transaction(commands)
        }
        if (commands.length === 1 || isStorageTrouble(error)) throw error
      }
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
    writeRecords: () => records.write(),
    afterReply: () => records.schedule(),
    close() {
      rollback()
      records.close()
      checkpointer.close()
      walSync.close()
      usage.close()
      gateway.close()
    },
  }
}
