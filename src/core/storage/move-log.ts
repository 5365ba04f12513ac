import type Database from 'better-sqlite3'

/** How much a write-ahead log holds, in bytes: in all, and of that what is not in its database yet. */
export interface LogState {
  readonly bytes: number
  readonly behind: number
}

const pageSize = 4096

/** Moves a write-ahead log into its database, as far as readers allow, once at least `least` bytes of it are not there. Outside transactions. Throws as SQLite does. */
export const moveLog = (db: Database.Database, least: number): LogState => {
  const before = checkpoint(db, 'noop')
  return before.behind < least ? before : checkpoint(db, 'passive')
}

const checkpoint = (db: Database.Database, mode: 'noop' | 'passive'): LogState => {
  const [row] = db.pragma(`wal_checkpoint(${mode})`) as { readonly log: number; readonly checkpointed: number }[]
  // -1: the log is empty, or somebody else is at it.
  const frames = Math.max(0, row?.log ?? 0)
  return { bytes: frames * pageSize, behind: (frames - Math.max(0, row?.checkpointed ?? 0)) * pageSize }
}
