import { lstatSync } from 'node:fs'
import Database from 'better-sqlite3'
import { GatewayError } from '../kernel/errors.ts'
import { applicationIds } from './connection.ts'
import type { DatabaseName } from './connection.ts'
import { migrations } from './migrations/index.ts'
import type { Migrations } from './migrations/index.ts'
import { fromSqlite, sqliteCode } from './sqlite-errors.ts'

export interface Inspection {
  readonly schemaVersion: number
  /** Ids of migrations that have not run. */
  readonly pending: readonly string[]
  readonly bytes: number
}

/** Reading every page takes about a second per gigabyte; larger files are checked by `db check`, not at every start. */
const quickCheckLimit = 256 * 1024 * 1024

/**
 * Looks at an existing file without writing to it and throws `database_refused` unless it is a sound database of ours that this version can read. Nothing opens
 * the file but SQLite itself: closing a second descriptor would drop the locks of a connection in the same process.
 */
export const inspectFile = (name: DatabaseName, file: string, busyMs: number, known = migrations): Inspection => {
  const bytes = assertRegularFile(file)
  const db = openForInspection(file, busyMs)
  try {
    return inspectDatabase(db, name, file, bytes, known)
  } catch (error) {
    throw refusal(error, file)
  } finally {
    db.close()
  }
}

const refuse = (
  file: string,
  why: string,
  hint = 'The file was left as it is. Restore a backup, or move it away to begin with an empty one.',
): never => {
  throw new GatewayError('database_refused', `${file} ${why}`, { hint })
}

const assertRegularFile = (file: string): number => {
  const entry = lstatSync(file)
  if (entry.isSymbolicLink())
    refuse(
      file,
      'is a symbolic link; SQLite would keep its log beside the wrong file. Point --data at the real directory.',
    )
  if (!entry.isFile()) refuse(file, 'is not a regular file.')
  if (entry.nlink > 1 && stillLinked(file))
    refuse(file, 'has more than one name (hard link); two names would have two logs.')
  if (entry.size === 0) refuse(file, 'is empty (zero bytes), so what it held is gone.')
  return entry.size
}

/** A first start in another process gives the file its second name for a moment; that is not what is refused here. */
const stillLinked = (file: string): boolean => {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  for (let i = 0; i < 20; i++) {
    if (lstatSync(file).nlink === 1) return false
    Atomics.wait(cell, 0, 0, 10)
  }
  return true
}

const openForInspection = (file: string, busyMs: number): Database.Database => {
  try {
    return new Database(file, { readonly: true, fileMustExist: true, timeout: busyMs })
  } catch (error) {
    throw refusal(error, file)
  }
}

const refusal = (error: unknown, file: string): unknown => {
  const code = sqliteCode(error)
  if (code === null) return error
  const options = { cause: error }
  if (code === 'SQLITE_CANTOPEN' || code.startsWith('SQLITE_READONLY') || code === 'SQLITE_PERM') {
    return new GatewayError('permission_denied', `${file} cannot be opened. Check owner and mode.`, {}, options)
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_IOERR')) return fromSqlite(error)
  const hint = 'Restore the last backup. The file was left as it is.'
  const why = code === 'SQLITE_NOTADB' ? 'is not a database.' : 'is damaged.'
  return new GatewayError('database_refused', `${file} ${why}`, { hint }, options)
}

const inspectDatabase = (
  db: Database.Database,
  name: DatabaseName,
  file: string,
  bytes: number,
  all: Migrations,
): Inspection => {
  const owner = db.pragma('application_id', { simple: true })
  if (owner !== applicationIds[name]) refuse(file, `was not made by this program (application id ${String(owner)}).`)
  const schemaVersion = db.pragma('user_version', { simple: true }) as number
  const known = all[name]
  if (schemaVersion > known.length) {
    refuse(
      file,
      `has schema ${schemaVersion}; this version of the program knows ${known.length}.`,
      'Start the newer version of the program.',
    )
  }
  if (schemaVersion < 1) refuse(file, 'has no schema.')
  const applied = db.prepare<[], string>('select id from migrations order by id').pluck().all()
  const expected = known.slice(0, schemaVersion).map(({ id }) => id)
  if (applied.join() !== expected.join())
    refuse(file, `has seen other migrations (${applied.join(', ')}) than this program knows.`)
  if (bytes <= quickCheckLimit) {
    const verdict = db.pragma('quick_check(1)', { simple: true })
    if (verdict !== 'ok') refuse(file, `is damaged: ${String(verdict).slice(0, 200)}.`, 'Restore the last backup.')
  }
  if (schemaVersion === known.length) {
    const difference = schemaDifferences(db, name, all)[0]
    if (difference)
      refuse(
        file,
        `has a changed schema: ${difference}.`,
        'Restore a backup, or undo the change with the sqlite3 shell.',
      )
  }
  return { schemaVersion, pending: known.slice(schemaVersion).map(({ id }) => id), bytes }
}

/** What differs from the schema that the migrations make: tables, indexes and triggers that are missing, changed or added. */
export const schemaDifferences = (db: Database.Database, name: DatabaseName, known = migrations): string[] => {
  const fresh = new Database(':memory:')
  try {
    for (const migration of known[name]) for (const sql of migration.sqlite) fresh.exec(sql)
    const expected = schemaOf(fresh)
    const found = schemaOf(db)
    const differences: string[] = []
    for (const [object, sql] of expected) {
      if (!found.has(object)) differences.push(`${object} is missing`)
      else if (found.get(object) !== sql) differences.push(`${object} was changed`)
    }
    for (const object of found.keys()) if (!expected.has(object)) differences.push(`${object} does not belong there`)
    return differences
  } finally {
    fresh.close()
  }
}

const schemaOf = (db: Database.Database): Map<string, string | null> => {
  const sql = `select type || ' ' || name as object, sql from sqlite_schema where name not like 'sqlite\\_stat%' escape '\\'`
  const rows = db.prepare<[], { object: string; sql: string | null }>(sql).all()
  return new Map(rows.map((row) => [row.object, row.sql]))
}
