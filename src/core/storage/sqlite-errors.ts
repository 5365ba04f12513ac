import { GatewayError } from '../kernel/errors.ts'

/** SQLite's result code of a thrown value (`SQLITE_FULL`, `SQLITE_IOERR_FSYNC`, …), or null for anything else. */
export const sqliteCode = (error: unknown): string | null => {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null
  return error.code.startsWith('SQLITE_') ? error.code : null
}

/**
 * After these nothing that SQLite says can be trusted any more. A failed fsync is among them: the kernel drops the dirty pages and the next fsync reports
 * success, so commits that follow would look durable and not be.
 */
export const isFatalCode = (code: string): boolean =>
  code === 'SQLITE_IOERR_FSYNC' ||
  code === 'SQLITE_IOERR_DIR_FSYNC' ||
  code.startsWith('SQLITE_CORRUPT') ||
  code === 'SQLITE_NOTADB'

/** The database itself is in trouble (full disk, lock, I/O), not the statement: repeating commands one by one would change nothing. */
export const isStorageTrouble = (error: unknown): boolean => {
  const code = sqliteCode(error)
  if (code !== null)
    return !code.startsWith('SQLITE_CONSTRAINT') && code !== 'SQLITE_ERROR' && code !== 'SQLITE_MISMATCH'
  return error instanceof GatewayError && (error.code === 'storage_unavailable' || error.code === 'database_busy')
}

/** What a caller may know about a failure of SQLite. Statements and file names stay in `cause`. */
export const fromSqlite = (error: unknown): GatewayError => {
  if (error instanceof GatewayError) return error
  const code = sqliteCode(error)
  const options = { cause: error }
  if (code === null || code === 'SQLITE_ERROR') return new GatewayError('internal_error', undefined, {}, options)
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return new GatewayError('already_exists', undefined, {}, options)
  }
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') {
    const message = 'Something else still refers to this, or what it refers to does not exist.'
    return new GatewayError('conflict', message, {}, options)
  }
  if (code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH') {
    return new GatewayError('internal_error', undefined, {}, options)
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new GatewayError('database_busy', undefined, { retryAfter: 1 }, options)
  }
  if (code === 'SQLITE_FULL') {
    const message = 'The disk of this gateway is full. Nothing was written; writing resumes when there is space.'
    return new GatewayError('storage_unavailable', message, { retryAfter: 5 }, options)
  }
  return new GatewayError('storage_unavailable', undefined, { retryAfter: 1 }, options)
}
