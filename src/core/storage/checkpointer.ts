import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { isFatalCode, sqliteCode } from './sqlite-errors.ts'

const intervalMs = 250
/** A log of this size is read back in well under a second after a crash. */
const checkpointBytes = 16 * 1024 * 1024

export interface Checkpointer {
  /** A commit happened: look at the logs soon. */
  wrote(): void
  /** The disk is full: gives back the room that the logs take, as far as their databases can take it over. */
  makeRoom(): void
  close(): void
}

/** Moves the write-ahead logs into their databases between batches, in the thread that writes them, so that a log can start over as soon as no reader needs it. */
export const createCheckpointer = (
  databases: readonly Database.Database[],
  fail: (error: unknown) => void,
): Checkpointer => {
  let timer: NodeJS.Timeout | null = null
  /** A checkpoint waits for the open transaction to end. */
  let due = false

  const checkpoint = (db: Database.Database, mode: 'passive' | 'truncate'): void => {
    try {
      db.pragma(`wal_checkpoint(${mode})`)
    } catch (error) {
      // A full disk or a lock: the log keeps everything, the next round tries again.
      const code = sqliteCode(error)
      if (code === null || isFatalCode(code)) fail(error)
    }
  }
  const look = (): void => {
    timer = null
    due = false
    for (const db of databases) {
      const bytes = statSync(`${db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0
      if (bytes < checkpointBytes) continue
      if (db.inTransaction) due = true
      else checkpoint(db, 'passive')
    }
  }
  return {
    wrote() {
      if (due) look()
      timer ??= setTimeout(look, intervalMs)
    },
    makeRoom() {
      for (const db of databases) if (!db.inTransaction) checkpoint(db, 'truncate')
    },
    close() {
      if (timer !== null) clearTimeout(timer)
      for (const db of databases) checkpoint(db, 'truncate')
    },
  }
}
