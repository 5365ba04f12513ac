import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { GatewayError } from '../kernel/errors.ts'
import { sqliteCode } from './sqlite-errors.ts'

export interface DaemonLock {
  release(): void
}

/**
 * Taken by the daemon for its whole life, so that one process serves a data directory and recovers its holds. The lock is an exclusive SQLite transaction on a
 * file that nothing else uses: the kernel drops it with the process, however that ends. Throws `database_busy` (exit 75) while another daemon has it.
 */
export const daemonLock = (dataDir: string): DaemonLock => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'daemon.lock')
  const db = new Database(file, { timeout: 0 })
  try {
    chmodSync(file, 0o600)
    db.exec('begin exclusive')
  } catch (error) {
    db.close()
    if (!sqliteCode(error)?.startsWith('SQLITE_BUSY')) throw error
    const pid = runningPid(dataDir)
    const message = `Another daemon${pid === null ? '' : ` (process ${pid})`} is running on ${dataDir}.`
    const hint = 'Stop it first, or give this one a data directory of its own with --data.'
    throw new GatewayError('database_busy', message, { hint }, { cause: error })
  }
  writeFileSync(pidFile(dataDir), `${process.pid}\n`, { mode: 0o600 })
  return {
    release() {
      if (db.open) db.close()
    },
  }
}

/** Whether a daemon holds the lock of this data directory now. */
export const daemonRuns = (dataDir: string): boolean => {
  if (!existsSync(join(dataDir, 'daemon.lock'))) return false
  try {
    daemonLock(dataDir).release()
    return false
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'database_busy') return true
    throw error
  }
}

const pidFile = (dataDir: string): string => join(dataDir, 'daemon.pid')

const runningPid = (dataDir: string): number | null => {
  try {
    return Number.parseInt(readFileSync(pidFile(dataDir), 'utf8'), 10) || null
  } catch {
    return null
  }
}
