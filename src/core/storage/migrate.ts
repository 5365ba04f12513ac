import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { GatewayError } from '../kernel/errors.ts'
import { applicationIds, databaseFiles, openConnection } from './connection.ts'
import type { DatabaseName } from './connection.ts'
import { migrations } from './migrations/index.ts'
import type { Migrations } from './migrations/index.ts'
import { inspectFile } from './inspect.ts'

export interface PrepareOptions {
  readonly dataDir: string
  readonly busyMs: number
  readonly now: () => number
  /** What this program knows; another list in tests of upgrades. */
  readonly migrations?: Migrations
}

/** Runs what a database has not seen yet. Each migration is one transaction with its own mark. Returns the ids that ran. */
export const migrate = (db: Database.Database, name: DatabaseName, now: number, known = migrations): string[] => {
  const ran: string[] = []
  for (const [index, migration] of known[name].entries()) {
    db.exec('begin immediate')
    try {
      // Read inside the transaction: another process may have migrated while this one waited.
      if (userVersion(db) <= index) {
        for (const sql of migration.sqlite) db.exec(sql)
        db.prepare('insert into migrations (id, applied_at) values (?, ?)').run(migration.id, now)
        if (index === 0) db.pragma(`application_id = ${applicationIds[name]}`)
        db.pragma(`user_version = ${index + 1}`)
        ran.push(migration.id)
      }
      db.exec('commit')
    } catch (error) {
      if (db.inTransaction) db.exec('rollback')
      throw error
    }
  }
  return ran
}

export const userVersion = (db: Database.Database): number => db.pragma('user_version', { simple: true }) as number

/**
 * Makes both databases of a data directory ready: creates what does not exist, refuses what is not ours or not sound, migrates what is older (after a backup).
 * Order matters: gateway.db comes first, so that a request log without money is never left behind by a crash and always means that money was lost.
 */
export const prepareDatabases = (options: PrepareOptions): void => {
  ensureDirectory(options.dataDir)
  const gateway = join(options.dataDir, databaseFiles.gateway)
  const usage = join(options.dataDir, databaseFiles.usage)
  if (!existsSync(gateway) && existsSync(usage)) {
    const message = `${gateway} is missing although ${usage} exists. Restore gateway.db from a backup, or start with an empty directory.`
    throw new GatewayError('database_refused', message)
  }
  // One time for both: a request log that began later than the ledger is known by it.
  const at = options.now()
  for (const name of ['gateway', 'usage'] as const) prepareDatabase(name, { ...options, now: () => at })
}

const prepareDatabase = (name: DatabaseName, options: PrepareOptions): void => {
  const file = join(options.dataDir, databaseFiles[name])
  removeDrafts(options.dataDir, `${databaseFiles[name]}.new-`)
  if (!existsSync(file)) createDatabase(name, file, options)
  const found = inspectFile(name, file, options.busyMs, options.migrations)
  if (found.pending.length === 0) return
  const db = openConnection(file, { busyMs: options.busyMs })
  try {
    backUp(db, name, found.pending[0]!, options)
    migrate(db, name, options.now(), options.migrations)
  } finally {
    db.close()
  }
}

const ensureDirectory = (dataDir: string): void => {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new GatewayError('permission_denied', `The data directory ${dataDir} cannot be created.`, {}, { cause })
  }
}

/** Builds the new file beside its place and links it there when it is complete: a file of that name is never half made, and never replaced. */
const createDatabase = (name: DatabaseName, file: string, options: PrepareOptions): void => {
  const draft = `${file}.new-${process.pid}`
  try {
    const fd = openSync(draft, 'wx', 0o600)
    closeSync(fd)
    const db = openConnection(draft, { busyMs: options.busyMs })
    try {
      migrate(db, name, options.now(), options.migrations)
      db.pragma('wal_checkpoint(truncate)')
    } finally {
      db.close()
    }
    chmodSync(draft, 0o600)
    linkSync(draft, file)
    syncDirectory(options.dataDir)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new GatewayError('permission_denied', `${file} cannot be created.`, {}, { cause: error })
    }
    // Another process was faster; its file is as good.
    if (code !== 'EEXIST') throw error
  } finally {
    for (const end of ['', '-wal', '-shm']) rmSync(`${draft}${end}`, { force: true })
  }
}

/** Drafts that a killed process left: those of processes that still run are theirs. */
const removeDrafts = (dataDir: string, prefix: string): void => {
  for (const entry of readdirSync(dataDir)) {
    const pid = entry.startsWith(prefix) ? Number.parseInt(entry.slice(prefix.length), 10) : Number.NaN
    if (Number.isNaN(pid) || isRunning(pid)) continue
    rmSync(join(dataDir, entry), { force: true })
  }
}

const isRunning = (pid: number): boolean => {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export const syncDirectory = (directory: string): void => {
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const backUp = (db: Database.Database, name: DatabaseName, before: string, options: PrepareOptions): void => {
  const directory = join(options.dataDir, 'backups')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const stamp = new Date(options.now()).toISOString().replaceAll(/[:.]/g, '-')
  const file = join(directory, `${name}-${stamp}-before-${before}.db`)
  db.prepare('vacuum into ?').run(file)
  chmodSync(file, 0o600)
  const fd = openSync(file, 'r')
  fsyncSync(fd)
  closeSync(fd)
  syncDirectory(directory)
  if (statSync(file).size === 0)
    throw new GatewayError('storage_unavailable', `The backup ${file} is empty; nothing was migrated.`)
}
