import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { GatewayError } from '../kernel/errors.ts'
import type { Config } from './config.ts'
import { databasePath, masterKeyPath, prepareDataDir } from './data-dir.ts'
import { readSmallFile } from './small-file.ts'
import { decodeMasterKey } from './values.ts'

/**
 * The 32 bytes that seal provider keys: from the configuration, or from `master.key`, which is made when there is no database yet. An existing database without
 * its key is refused: a new key would open nothing that the old one sealed.
 */
export const loadMasterKey = (config: Pick<Config, 'dataDir' | 'masterKey'>): Buffer => {
  if (config.masterKey !== null) {
    const key = decodeMasterKey(config.masterKey)
    if (!key) throw new GatewayError('configuration_invalid', 'GATEWAY_MASTER_KEY must be 32 bytes in hex or base64.')
    return key
  }
  const path = masterKeyPath(config.dataDir)
  if (!existsSync(path)) {
    prepareDataDir(config.dataDir)
    create(path, databasePath(config.dataDir))
  }
  const { text, mode } = readSmallFile(path, 1024)
  if ((mode & 0o077) !== 0)
    throw new GatewayError('configuration_invalid', `${path} can be read by others.`, { hint: `chmod 600 ${path}` })
  const key = decodeMasterKey(text.trim())
  if (!key)
    throw new GatewayError('configuration_invalid', `${path} does not hold 32 bytes in hex or base64.`, {
      hint: 'Restore it from a backup.',
    })
  return key
}

const create = (path: string, database: string): void => {
  if (existsSync(database)) {
    if (!isSqlite(database))
      throw new GatewayError('database_refused', `${database} is not a database of this program.`, {
        hint: 'Name another directory with --data, or restore a backup.',
      })
    throw new GatewayError('configuration_invalid', `${path} is missing, but ${database} was made with one.`, {
      hint: 'Restore master.key from a backup, or set GATEWAY_MASTER_KEY to the key the database was made with.',
    })
  }
  // Written beside and linked into place: another process starting now sees the whole key or none, and whoever links first wins.
  const draft = `${path}.${process.pid}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(32).toString('hex')}\n`)
    fsyncSync(file)
    linkSync(draft, path)
  } catch (error) {
    if (!existsSync(path)) throw error
  } finally {
    closeSync(file)
    rmSync(draft, { force: true })
  }
}

const isSqlite = (path: string): boolean => {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(16)
    return readSync(file, head, 0, 16, 0) === 16 && head.toString('latin1') === 'SQLite format 3\0'
  } finally {
    closeSync(file)
  }
}
