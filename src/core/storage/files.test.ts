import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { daemonLock } from './lock.ts'
import { prepareDatabases } from './migrate.ts'
import { migrations } from './migrations/index.ts'
import { openStorage } from './open.ts'

let dataDir: string
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'tollgate-files-')), 'data')
})
afterEach(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }))

const gateway = (): string => join(dataDir, 'gateway.db')
const usage = (): string => join(dataDir, 'usage.db')
/** Without the logs that SQLite keeps beside them. */
const databases = (): string[] =>
  readdirSync(dataDir)
    .filter((entry) => !/\.db-(wal|shm)$/.test(entry))
    .toSorted()
const prepare = (more: Partial<Parameters<typeof prepareDatabases>[0]> = {}): void =>
  prepareDatabases({ dataDir, busyMs: 100, now: () => 1_700_000_000_000, ...more })

const refusalOf = (work: () => void): GatewayError => {
  try {
    work()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const change = (file: string, work: (db: Database.Database) => void): void => {
  const db = new Database(file)
  work(db)
  db.pragma('wal_checkpoint(truncate)')
  db.close()
}

const flip = (file: string, offset: number): void => {
  const bytes = readFileSync(file)
  bytes[offset]! ^= 0xff
  writeFileSync(file, bytes)
}

test('a first start creates both files for their owner alone, and nothing else stays behind', () => {
  prepare()
  expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  expect(statSync(gateway()).mode & 0o777).toBe(0o600)
  expect(statSync(usage()).mode & 0o777).toBe(0o600)
  expect(databases()).toEqual(['gateway.db', 'usage.db'])
})

test('what a killed first start left behind does not hinder the next', () => {
  prepare()
  const draft = `${gateway()}.new-999999999`
  renameSync(gateway(), draft)
  linkSync(draft, gateway())
  rmSync(usage())
  prepare()
  expect(databases()).toEqual(['gateway.db', 'usage.db'])
})

describe('a file that cannot be trusted with money is refused with exit 74, and left as it is', () => {
  const cases: readonly { readonly name: string; readonly says: RegExp; readonly spoil: () => void }[] = [
    { name: 'zero bytes', says: /is empty/, spoil: () => truncateSync(gateway(), 0) },
    {
      name: 'text',
      says: /is not a database/,
      spoil: () => writeFileSync(gateway(), 'hello, this is text\n'.repeat(100)),
    },
    { name: 'a few bytes', says: /was not made by this program/, spoil: () => truncateSync(gateway(), 60) },
    {
      name: "another application's database",
      says: /was not made by this program/,
      spoil() {
        rmSync(gateway())
        change(gateway(), (db) => db.exec('create table notes (text)'))
      },
    },
    {
      name: 'the other of our databases',
      says: /was not made by this program/,
      spoil: () => copyFileSync(usage(), gateway()),
    },
    {
      name: 'a newer schema',
      says: /knows \d/,
      spoil: () => change(gateway(), (db) => db.pragma('user_version = 99')),
    },
    { name: 'no schema', says: /no schema/, spoil: () => change(gateway(), (db) => db.pragma('user_version = 0')) },
    {
      name: 'other migrations',
      says: /other migrations/,
      spoil: () => change(gateway(), (db) => db.exec(`update migrations set id = '0001-else' where id like '0001%'`)),
    },
    { name: 'a broken header', says: /is not a database/, spoil: () => flip(gateway(), 3) },
    { name: 'a broken page', says: /damaged/, spoil: () => flip(gateway(), statSync(gateway()).size - 4096) },
    {
      name: 'the last pages missing',
      says: /damaged/,
      spoil: () => truncateSync(gateway(), statSync(gateway()).size - 6000),
    },
    {
      name: 'a trigger that does not belong there',
      says: /does not belong there/,
      spoil: () => change(gateway(), (db) => db.exec('create trigger gift after insert on users begin select 1; end')),
    },
    {
      name: 'a missing index',
      says: /is missing/,
      spoil: () => change(gateway(), (db) => db.exec('drop index holds_open')),
    },
    {
      name: 'a missing trigger',
      says: /is missing/,
      spoil: () => change(gateway(), (db) => db.exec('drop trigger transfers_no_update')),
    },
    { name: 'money gone, log still there', says: /is missing although/, spoil: () => rmSync(gateway()) },
    {
      name: 'a symbolic link',
      says: /symbolic link/,
      spoil() {
        renameSync(gateway(), `${gateway()}.real`)
        symlinkSync(`${gateway()}.real`, gateway())
      },
    },
    { name: 'a hard link', says: /more than one name/, spoil: () => linkSync(gateway(), `${gateway()}.twin`) },
  ]
  test.each(cases)('$name', async ({ says, spoil }) => {
    prepare()
    spoil()
    const before = existsSync(gateway()) ? readFileSync(gateway()) : null
    const error = refusalOf(prepare)
    expect(error).toMatchObject({ code: 'database_refused', exit: 74 })
    expect(error.message).toMatch(says)
    await expect(openStorage({ dataDir })).rejects.toMatchObject({ code: 'database_refused', message: error.message })
    expect(existsSync(gateway()) ? readFileSync(gateway()) : null).toEqual(before)
  })

  test('any flipped byte of the header is refused or harmless', () => {
    prepare()
    const sound = readFileSync(gateway())
    const surprises: unknown[] = []
    for (let offset = 0; offset < 100; offset++) {
      const bytes = Buffer.from(sound)
      bytes[offset]! ^= 0xff
      writeFileSync(gateway(), bytes)
      try {
        prepare()
      } catch (error) {
        if (!(error instanceof GatewayError)) surprises.push(offset, error)
      }
    }
    expect(surprises).toEqual([])
  })
})

describe('an older schema is migrated after a backup', () => {
  const next = {
    gateway: [
      ...migrations.gateway,
      { id: '9000-more', sqlite: ['create table more (id text primary key not null) strict'] },
    ],
    usage: migrations.usage,
  }

  test('the backup holds what was there before', () => {
    prepare()
    change(gateway(), (db) => db.exec(`insert into idempotency values ('x', 'h', 'o', 1)`))
    prepare({ migrations: next })
    const backups = readdirSync(join(dataDir, 'backups'))
    expect(backups).toEqual(['gateway-2023-11-14T22-13-20-000Z-before-9000-more.db'])
    const file = join(dataDir, 'backups', backups[0]!)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const backup = new Database(file, { readonly: true })
    expect(backup.pragma('user_version', { simple: true })).toBe(migrations.gateway.length)
    expect(backup.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(backup.prepare('select id from idempotency').pluck().all()).toEqual(['x'])
    backup.close()
    expect(refusalOf(prepare).message).toMatch(/knows \d/)
    prepare({ migrations: next })
    expect(readdirSync(join(dataDir, 'backups'))).toHaveLength(1)
  })

  test('a migration that fails leaves the old schema', () => {
    prepare()
    const broken = {
      ...next,
      gateway: [...next.gateway, { id: '0003-bad', sqlite: ['create table half (id text)', 'nonsense'] }],
    }
    expect(() => prepare({ migrations: broken })).toThrow(/syntax error/)
    prepare({ migrations: next })
  })
})

test('one daemon at a time: the second is told who has the directory, until the first is gone', () => {
  const first = daemonLock(dataDir)
  const error = refusalOf(() => daemonLock(dataDir))
  expect(error).toMatchObject({ code: 'database_busy', exit: 75 })
  expect(error.message).toContain(String(process.pid))
  first.release()
  daemonLock(dataDir).release()
})
