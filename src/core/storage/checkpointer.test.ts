import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, expect, test, vi } from 'vitest'
import { createCheckpointer } from './checkpointer.ts'
import { openConnection } from './connection.ts'
import { moveLog } from './move-log.ts'

const directory = mkdtempSync(join(tmpdir(), 'tollgate-checkpointer-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const megabyte = 1024 * 1024
let number = 0
const open = (): Database.Database => {
  const file = join(directory, `${number++}.db`)
  new Database(file).close()
  const db = openConnection(file)
  db.exec('create table t (bytes blob)')
  return db
}
const write = (db: Database.Database, megabytes: number): void => {
  db.prepare('insert into t values (zeroblob(?))').run(megabytes * megabyte)
}
const logBytes = (db: Database.Database): number => statSync(`${db.name}-wal`).size
const url = new URL('./checkpoint-thread.ts', import.meta.url)
const broken = new URL('data:text/javascript,throw new Error("no thread")')

const fail = (error: unknown): void => {
  throw error
}

test.each([
  ['another thread', url],
  ['this thread', null],
  ['a thread that cannot start, which is then done without', broken],
])('a log is moved into its database by %s while it is written', { timeout: 120_000 }, async (_, thread) => {
  const db = open()
  const checkpointer = createCheckpointer([db], { thread, busyMs: 1_000, fail })
  await vi.waitFor(
    () => {
      write(db, 5)
      checkpointer.wrote()
      expect(statSync(db.name).size).toBeGreaterThan(4 * megabyte)
    },
    { timeout: 50_000, interval: 100 },
  )
  // The thread may be at it still, and a log that is being moved cannot be cut.
  await vi.waitFor(
    () => {
      checkpointer.makeRoom()
      expect(logBytes(db)).toBe(0)
    },
    { timeout: 50_000 },
  )
  // Too little for the thread to look at: only the close moves it.
  write(db, 1)
  expect(logBytes(db)).toBeGreaterThan(0)
  checkpointer.close()
  expect(logBytes(db)).toBe(0)
  db.close()
})

test('a log that is written all the time starts over instead of growing for ever', async () => {
  const db = open()
  const checkpointer = createCheckpointer([db], { thread: url, busyMs: 1_000, fail })
  let written = 0
  await vi.waitFor(
    () => {
      write(db, 8)
      written += 8
      checkpointer.wrote()
      expect(written).toBeGreaterThan(64)
      expect(moveLog(db, Number.POSITIVE_INFINITY).bytes).toBeLessThan(32 * megabyte)
    },
    { timeout: 50_000, interval: 50 },
  )
  checkpointer.close()
  db.close()
})
