import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { GatewayError } from '../kernel/errors.ts'
import { openStorage } from './open.ts'
import type { OpenStorage, StorageOptions } from './open.ts'

const engine = new URL('../../../test/ledger/support/echo-engine.ts', import.meta.url)
const open: OpenStorage[] = []
let dataDir: string

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tollgate-storage-'))
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((storage) => storage.terminate()))
  rmSync(dataDir, { recursive: true, force: true })
})

const start = async (options: Partial<StorageOptions> = {}): Promise<OpenStorage> => {
  const storage = await openStorage({ dataDir, engine, ...options })
  open.push(storage)
  return storage
}

const note = (id: string, output = 'o') => ({ id, input_hash: 'h', output, created_at: 1 })
const notes = async (storage: OpenStorage): Promise<string[]> =>
  (await storage.read.selectFrom('idempotency').select('id').orderBy('id').execute()).map(({ id }) => id)

describe('write transactions', () => {
  test('what was committed is read at once, and is there after a crash', async () => {
    const storage = await start()
    await storage.write(({ db }) => db.insertInto('idempotency').values(note('a')).execute())
    expect(await notes(storage)).toEqual(['a'])
    await storage.terminate()
    expect(await notes(await start())).toEqual(['a'])
  })

  test('a throw inside undoes everything', async () => {
    const storage = await start()
    const work = storage.write(async ({ db, touch }) => {
      await db.insertInto('idempotency').values(note('a')).execute()
      await touch('keys')
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await notes(storage)).toEqual([])
  })

  test('they exclude each other and batches', async () => {
    const storage = await start()
    const order: string[] = []
    const write = (name: string) =>
      storage.write(async ({ db }) => {
        order.push(`${name} begins`)
        await db.insertInto('idempotency').values(note(name)).execute()
        await db.selectFrom('idempotency').selectAll().execute()
        order.push(`${name} ends`)
      })
    const batch = storage.submit('echo').then(() => order.push('batch'))
    await Promise.all([write('a'), write('b'), batch, write('c')])
    const whole = order.filter((entry) => entry !== 'batch')
    expect(whole).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  })

  test('one that stays open too long is undone and the next one goes on', async () => {
    const storage = await start({ maxTransactionMs: 50 })
    const slow = storage.write(async ({ db }) => {
      await db.insertInto('idempotency').values(note('slow')).execute()
      await storage.submit('echo')
    })
    await expect(slow).rejects.toMatchObject({ code: 'storage_unavailable' })
    await storage.write(({ db }) => db.insertInto('idempotency').values(note('next')).execute())
    expect(await notes(storage)).toEqual(['next'])
  })

  test('a duplicate and a broken reference have their own errors', async () => {
    const storage = await start()
    const insert = () => storage.write(({ db }) => db.insertInto('idempotency').values(note('a')).execute())
    await insert()
    await expect(insert()).rejects.toMatchObject({ code: 'already_exists' })
    const orphan = { id: 'acc_1', kind: 'user', owner_id: 'usr_none' } as const
    const empty = { debits_posted: 0, credits_posted: 0, debits_pending: 0, has_expiring: 0 } as const
    const work = storage.write(({ db }) =>
      db
        .insertInto('accounts')
        .values({ ...orphan, ...empty })
        .execute(),
    )
    await expect(work).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('integers', () => {
  test('a stored number beyond 2^53 is an error, never another number', async () => {
    const storage = await start()
    await expect(sql`select 9007199254740993 as n`.execute(storage.read)).rejects.toMatchObject({
      code: 'internal_error',
    })
    expect((await sql`select 9007199254740991 as n`.execute(storage.read)).rows).toEqual([
      { n: Number.MAX_SAFE_INTEGER },
    ])
  })

  test('what cannot be stored exactly is not stored', async () => {
    const storage = await start()
    for (const created_at of [Number.NaN, 2 ** 53, 1.5]) {
      const work = storage.write(({ db }) =>
        db
          .insertInto('idempotency')
          .values({ ...note('a'), created_at })
          .execute(),
      )
      await expect(work).rejects.toMatchObject({ code: 'internal_error' })
    }
    expect(await notes(storage)).toEqual([])
  })
})

test('the reading side cannot write', async () => {
  const storage = await start()
  await expect(storage.read.insertInto('idempotency').values(note('a')).execute()).rejects.toMatchObject({
    code: 'storage_unavailable',
  })
  expect(await notes(storage)).toEqual([])
})

describe('batches', () => {
  test('a refused command does not touch the others, a broken one neither', async () => {
    const storage = await start()
    const results = await Promise.allSettled(
      ['echo 1', 'refuse', 'echo 2', 'break', 'echo 3'].map((command) => storage.submit(command)),
    )
    expect(results.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as GatewayError).code))).toEqual([
      'echo 1',
      'not_found',
      'echo 2',
      'internal_error',
      'echo 3',
    ])
  })

  test('inside a write transaction they are undone with it', async () => {
    const storage = await start()
    const work = storage.write(async (trx) => {
      expect(await trx.submit('write x')).toBe('write x')
      await expect(trx.submit('break')).rejects.toMatchObject({ code: 'internal_error' })
      await trx.submit('write y')
      throw new Error('no')
    })
    await expect(work).rejects.toThrow('no')
    expect(await notes(storage)).toEqual([])
    await storage.write((trx) => trx.submit('write z'))
    expect(await notes(storage)).toEqual(['z'])
  })
})

describe('trouble', () => {
  test('another process that holds the lock: busy after a bounded wait, then work goes on', async () => {
    const storage = await start({ busyMs: 50 })
    const other = new Database(join(dataDir, 'gateway.db'))
    other.exec('begin immediate')
    await expect(storage.submit('write a')).rejects.toMatchObject({ code: 'database_busy', retry: true })
    const work = storage.write(({ db }) => db.insertInto('idempotency').values(note('b')).execute())
    await expect(work).rejects.toMatchObject({ code: 'database_busy' })
    other.exec('rollback')
    other.close()
    await storage.submit('write c')
    expect(await notes(storage)).toEqual(['c'])
  })

  test('a full disk: nothing is written, reading goes on, writing resumes when there is space', async () => {
    const storage = await start()
    const limit = (pages: number) => storage.write(({ db }) => sql.raw(`pragma max_page_count = ${pages}`).execute(db))
    await limit(1)
    const fill = (id: string) =>
      storage.write(({ db }) =>
        db
          .insertInto('idempotency')
          .values(note(id, 'x'.repeat(50_000)))
          .execute(),
      )
    await expect(fill('a')).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringContaining('full') as string,
    })
    await expect(storage.submit('fill b')).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(await notes(storage)).toEqual([])
    await limit(1_000_000)
    await fill('c')
    await storage.submit('fill d')
    expect(await notes(storage)).toEqual(['c', 'd'])
  })

  test('when the writer dies, callers hear it at once and so does whoever watches', async () => {
    const storage = await start()
    const fatal = vi.fn<(error: GatewayError) => void>()
    storage.onFatal(fatal)
    await expect(storage.submit('die')).rejects.toMatchObject({ code: 'storage_unavailable' })
    await expect(storage.submit('echo')).rejects.toMatchObject({ code: 'storage_unavailable' })
    await expect(storage.write(async () => undefined)).rejects.toMatchObject({ code: 'storage_unavailable' })
    expect(fatal).toHaveBeenCalledOnce()
    await storage.close()
  })

  test('a failed fsync is the end: the kernel would not report it twice', async () => {
    const storage = await start()
    const told = new Promise<GatewayError>((resolve) => storage.onFatal(resolve))
    await expect(storage.submit('fsync fails')).rejects.toMatchObject({ code: 'storage_unavailable' })
    await told
    await expect(storage.submit('echo')).rejects.toMatchObject({ code: 'storage_unavailable' })
  })
})

test('a change is heard in the process that made it and, within a second, in others', async () => {
  const [mine, others] = [await start(), await start()]
  const heard = { mine: 0, others: 0 }
  const first = { mine: Promise.withResolvers<void>(), others: Promise.withResolvers<void>() }
  const second = { mine: Promise.withResolvers<number>(), others: Promise.withResolvers<number>() }
  const listen = (name: 'mine' | 'others', storage: OpenStorage) =>
    storage.watch('keys', () => {
      heard[name] += 1
      if (heard[name] === 1) first[name].resolve()
      else second[name].resolve(performance.now())
    })
  listen('mine', mine)
  listen('others', others)
  await Promise.all([first.mine.promise, first.others.promise])
  const started = performance.now()
  await mine.write(({ touch }) => touch('keys'))
  expect((await second.mine.promise) - started).toBeLessThan(300)
  expect((await second.others.promise) - started).toBeLessThan(1_000)
})

test('a closed database is one file without a log beside it', async () => {
  const storage = await start()
  await storage.write(({ db }) => db.insertInto('idempotency').values(note('a')).execute())
  await storage.close()
  expect(statSync(join(dataDir, 'gateway.db-wal'), { throwIfNoEntry: false })).toBeUndefined()
})

const strace = (() => {
  try {
    execFileSync('strace', ['-f', '-e', 'trace=fsync', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

test.skipIf(!strace)(
  'every durable write is synced to disk before it is acknowledged (counted with strace)',
  async () => {
    const script = `
    import { openStorage } from '${new URL('open.ts', import.meta.url).href}'
    const storage = await openStorage({ dataDir: process.argv[2], engine: new URL('${engine.href}') })
    for (let i = 0; i < 25; i++) await storage.submit('write a' + i, { durable: true })
    for (let i = 0; i < 25; i++) await storage.write((trx) => trx.submit('write b' + i))
    await storage.terminate()`
    const log = join(dataDir, 'strace.log')
    const file = join(dataDir, 'durable.mts')
    writeFileSync(file, script)
    const traced = ['-f', '-y', '-e', 'trace=fsync,fdatasync', '-o', log, process.execPath, file, dataDir]
    const child = spawn('strace', traced, { stdio: 'inherit' })
    expect((await once(child, 'exit'))[0]).toBe(0)
    const syncs = readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('/gateway.db-wal>'))
    expect(syncs.length).toBeGreaterThanOrEqual(50)
  },
)
