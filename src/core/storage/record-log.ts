import type Database from 'better-sqlite3'
import { isFatalCode, isStorageTrouble, sqliteCode } from './sqlite-errors.ts'

const delayMs = 10
const retryMs = 1_000
const batchRows = 256
/** Rows kept while the request log cannot be written. Beyond this the oldest are dropped: money does not depend on them. */
const maxRows = 100_000

export interface RecordLog {
  /** Rows whose money is committed. */
  add(rows: readonly unknown[]): void
  /** Writes now if there is much, else soon. */
  schedule(): void
  /** Writes everything; throws if that fails (the rows are kept). */
  write(): void
  close(): void
}

/** Write-behind of the request log: many rows in one transaction, after the callers have their answers. */
export const createRecordLog = (
  db: Database.Database,
  insert: (rows: readonly unknown[]) => void,
  fail: (error: unknown) => void,
): RecordLog => {
  let rows: unknown[] = []
  let timer: NodeJS.Timeout | null = null
  const begin = db.prepare('begin immediate')
  const commit = db.prepare('commit')

  const write = (): void => {
    if (rows.length === 0) return
    try {
      begin.run()
      insert(rows)
      commit.run()
      rows = []
    } catch (error) {
      if (db.inTransaction) db.exec('rollback')
      throw error
    }
  }
  /** One of the rows cannot be stored: it must not hold up the others. */
  const writeOneByOne = (): void => {
    const all = rows
    for (const [index, row] of all.entries()) {
      rows = [row]
      try {
        write()
      } catch (error) {
        if (isStorageTrouble(error)) {
          rows = all.slice(index)
          timer ??= setTimeout(attempt, retryMs)
          return
        }
        process.emitWarning(`a row for the request log was refused: ${String(error)}`)
      }
    }
    rows = []
  }
  const attempt = (): void => {
    timer = null
    try {
      write()
    } catch (error) {
      if (isFatal(error)) fail(error)
      else if (isStorageTrouble(error)) {
        if (rows.length > maxRows) rows = rows.slice(-maxRows)
        timer ??= setTimeout(attempt, retryMs)
      } else writeOneByOne()
    }
  }
  return {
    add(more) {
      for (const row of more) rows.push(row)
    },
    schedule() {
      if (rows.length === 0 || timer !== null) return
      if (rows.length >= batchRows) attempt()
      else timer = setTimeout(attempt, delayMs)
    },
    write,
    close() {
      if (timer !== null) clearTimeout(timer)
      attempt()
      if (timer !== null) clearTimeout(timer)
    },
  }
}

const isFatal = (error: unknown): boolean => {
  const code = sqliteCode(error)
  return code !== null && isFatalCode(code)
}
