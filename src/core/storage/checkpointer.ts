import { statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import type { ThreadError } from './messages.ts'
import { moveLog } from './move-log.ts'
import type { LogState } from './move-log.ts'
import { isFatalCode, sqliteCode } from './sqlite-errors.ts'
import { fromThreadError } from './thread-errors.ts'

const intervalMs = 250
/** So much of a log is moved at once. */
const leastBytes = 4 * 1024 * 1024
/** A log of this size starts over. It is read back in well under a second after a crash. */
const restartBytes = 64 * 1024 * 1024

export interface Checkpointer {
  /** A commit happened, no transaction is open: look at the logs soon. */
  wrote(): void
  /** The disk is full: gives back the room that the logs take, as far as their databases can take it over. */
  makeRoom(): void
  close(): void
}

export interface CheckpointThreadOptions {
  readonly files: readonly string[]
  readonly busyMs: number
  readonly leastBytes: number
}

/** Of the checkpoint thread: how a log stands. Null: it could not be looked at now. */
export type CheckpointMessage =
  | { readonly index: number; readonly state: LogState | null }
  | { readonly index: number; readonly error: ThreadError }

export interface CheckpointerOptions {
  /** Module of the checkpoint thread, started when there is something to do. Null: logs are moved in this thread. */
  readonly thread: URL | null
  readonly busyMs: number
  fail(error: unknown): void
}

/**
 * Moves the write-ahead logs into their databases while they are written. A log can only start over when all of it is moved and nobody writes, which under load is
 * never: so another thread does the work, and from some size on the writer moves the little that came meanwhile between two transactions.
 */
export const createCheckpointer = (
  databases: readonly Database.Database[],
  options: CheckpointerOptions,
): Checkpointer => {
  let timer: NodeJS.Timeout | null = null
  let worker: Worker | null = null
  let threadUrl = options.thread
  /** Logs that the other thread looks at now. */
  const looking = new Set<number>()
  /** Logs to be finished here when no transaction is open. */
  const due = new Set<number>()

  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      // A full disk or a lock: the log keeps everything, the next round tries again.
      const code = sqliteCode(error)
      if (code === null || isFatalCode(code)) options.fail(error)
    }
  }
  const receive = (message: CheckpointMessage): void => {
    looking.delete(message.index)
    if ('error' in message) options.fail(fromThreadError(message.error))
    else if (message.state && message.state.behind === 0 && message.state.bytes >= restartBytes) due.add(message.index)
  }
  const start = (url: URL): Worker => {
    const files = databases.map(({ name }) => name)
    const workerData: CheckpointThreadOptions = { files, busyMs: options.busyMs, leastBytes }
    const started = new Worker(url, { workerData })
    started.unref()
    started.on('message', receive)
    // Without it the logs are moved here, as ever.
    started.on('error', () => {
      worker = threadUrl = null
      looking.clear()
    })
    return started
  }
  const look = (): void => {
    timer = null
    for (const [index, db] of databases.entries()) {
      const size = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
      if (size < leastBytes || looking.has(index)) continue
      if (threadUrl === null) due.add(index)
      else {
        looking.add(index)
        worker ??= start(threadUrl)
        worker.postMessage(index)
      }
    }
    finish()
  }
  const finish = (): void => {
    for (const index of due) {
      const db = databases[index]!
      if (db.inTransaction) continue
      due.delete(index)
      attempt(() => moveLog(db, threadUrl === null ? leastBytes : 1))
    }
  }
  return {
    wrote() {
      finish()
      timer ??= setTimeout(look, intervalMs)
    },
    makeRoom() {
      for (const db of databases) if (!db.inTransaction) attempt(() => db.pragma('wal_checkpoint(truncate)'))
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      void worker?.terminate()
      for (const db of databases) attempt(() => db.pragma('wal_checkpoint(truncate)'))
    },
  }
}
