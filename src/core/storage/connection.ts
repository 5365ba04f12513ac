import Database from 'better-sqlite3'
import { GatewayError } from '../kernel/errors.ts'
import { busyTimeoutMs } from './limits.ts'
import { assertSafeParameters, assertSafeRow } from './safe-integers.ts'

/** "TGat" and "TGus": who made a file. Written with the first migration, checked before anything else is read. */
export const applicationIds = { gateway: 0x54476174, usage: 0x54477573 } as const
export type DatabaseName = keyof typeof applicationIds
export const databaseFiles = { gateway: 'gateway.db', usage: 'usage.db' } as const satisfies Record<
  DatabaseName,
  string
>

/** Versions before this may corrupt a database when a write meets a checkpoint (SQLite's WAL-reset bug, 2026-03). */
const leastVersion = [3, 51, 3] as const

const assertVersion = (db: Database.Database): void => {
  const text = db.prepare<[], string>('select sqlite_version()').pluck().get()!
  const parts = text.split('.').map(Number)
  for (const [i, least] of leastVersion.entries()) {
    if (parts[i]! > least) return
    if (parts[i]! < least) {
      throw new GatewayError(
        'database_refused',
        `SQLite ${text} is too old; ${leastVersion.join('.')} or newer is needed.`,
      )
    }
  }
}

export interface ConnectionOptions {
  readonly readonly?: boolean
  readonly busyMs?: number
}

/** Opens an existing file. Every pragma that matters is set here, on every connection, also where a build's default happens to agree. */
export const openConnection = (file: string, options: ConnectionOptions = {}): Database.Database => {
  const readonly = options.readonly ?? false
  const busyMs = options.busyMs ?? busyTimeoutMs
  const db = new Database(file, { readonly, fileMustExist: true, timeout: busyMs })
  try {
    db.pragma(`busy_timeout = ${busyMs}`)
    assertVersion(db)
    if (readonly) {
      db.pragma('query_only = on')
    } else {
      const mode = db.pragma('journal_mode = wal', { simple: true })
      if (mode !== 'wal') {
        const message = `${file} cannot use write-ahead logging (journal mode ${String(mode)}). Is it on a network file system?`
        throw new GatewayError('database_refused', message)
      }
      db.pragma('wal_autocheckpoint = 0')
      db.pragma('journal_size_limit = 67108864')
    }
    db.pragma('synchronous = full')
    db.pragma('foreign_keys = on')
    db.pragma('trusted_schema = off')
    db.pragma('temp_store = memory')
    db.pragma('cache_size = -16000')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Prepared statements by their text; preparing costs ten times what running does. */
export interface StatementCache {
  get(sql: string): Database.Statement
}

export const createStatementCache = (db: Database.Database, size = 500): StatementCache => {
  const statements = new Map<string, Database.Statement>()
  return {
    get(sql) {
      const known = statements.get(sql)
      if (known) return known
      const made = db.prepare(sql)
      if (statements.size >= size) statements.delete(statements.keys().next().value!)
      statements.set(sql, made)
      return made
    },
  }
}

export interface QueryResult {
  readonly rows: unknown[]
  /** Rows changed; null for statements that return rows. */
  readonly changes: number | null
}

export const runQuery = (cache: StatementCache, sql: string, parameters: readonly unknown[]): QueryResult => {
  assertSafeParameters(parameters)
  const statement = cache.get(sql)
  if (statement.reader) {
    const rows = statement.all(...parameters)
    for (const row of rows) assertSafeRow(row)
    return { rows, changes: null }
  }
  return { rows: [], changes: statement.run(...parameters).changes }
}
