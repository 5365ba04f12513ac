import { copyFileSync, readFileSync, readdirSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LedgerCommand } from '../../src/core/ledger/commands.ts'
import { createEngine } from '../../src/core/ledger/engine.ts'
import type { CreateEngine } from '../../src/core/storage/engine.ts'
import type { WriterDatabases } from '../../src/core/storage/writer-databases.ts'
import { addWallets, badRows, dump, openWriter, runBatch, temporaryDirectory } from './support/ledger-fixture.ts'

const at = 1_000
const grant: LedgerCommand = {
  op: 'grant',
  account: 'acc_a',
  amount: 1_000,
  reference: 'g',
  note: null,
  actor: 'test',
  expiresAt: null,
  at,
}
const hold = (id: string, max = 100): LedgerCommand => {
  const of = { account: 'acc_a', requestId: `req_${id}`, context: '{}', epoch: 'e' }
  return { op: 'hold', id, min: 1, max, ...of, at }
}
const post = (id: string, amount = 60): LedgerCommand => {
  return { op: 'post', hold: id, amount, usage: '{}', tokens: 1, quality: 'exact', at }
}

let directories: ReturnType<typeof temporaryDirectory>[]
let writers: WriterDatabases[]
beforeEach(() => {
  directories = [temporaryDirectory()]
  writers = []
})
afterEach(() => {
  for (const writer of writers) writer.close()
  for (const directory of directories) directory.remove()
})

const open = (path: string, ...more: [CreateEngine?, ((fd: number, bytes: Buffer, from: number) => number)?]) => {
  const writer = openWriter(path, more[0], 'gather', more[1])
  writers.push(writer)
  return writer
}
/** The files as a kill -9 leaves them, in a place of their own. */
const crashed = (path: string): string => {
  const copy = temporaryDirectory()
  directories.push(copy)
  for (const file of readdirSync(path)) {
    if (!file.endsWith('-shm')) copyFileSync(join(path, file), join(copy.path, file))
  }
  return copy.path
}
const fund = (writer: WriterDatabases): void => {
  addWallets(writer, ['a'])
  writer.batch(JSON.stringify([grant]), true)
}
const states = (path: string): unknown[] =>
  dump(path)['holds']!.map((row) => {
    const { id, state, posted } = row as { id: string; state: string; posted: number }
    return [id, state, posted]
  })

describe('a start runs what was answered and not committed', () => {
  test('once, also when the journal is still there at the next start', () => {
    const first = open(directories[0]!.path)
    fund(first)
    runBatch(first, [hold('hld_1'), hold('hld_2')])
    runBatch(first, [post('hld_1'), hold('hld_3', 5_000)])
    const path = crashed(directories[0]!.path)
    const journal = readFileSync(join(path, 'ledger.journal'))
    expect(journal.length).toBeGreaterThan(0)
    expect(states(path)).toEqual([])
    const expected = [
      ['hld_1', 'posted', 60],
      ['hld_2', 'open', 0],
      ['hld_3', 'open', 0],
    ]
    open(path)
    expect(states(path)).toEqual(expected)
    const once = dump(path)
    const again = crashed(path)
    writeFileSync(join(again, 'ledger.journal'), journal)
    open(again)
    expect(dump(again)).toEqual(once)
    expect(badRows(again)).toEqual([])
  })

  test('what is torn at the end was never answered', () => {
    const first = open(directories[0]!.path)
    fund(first)
    runBatch(first, [hold('hld_1')])
    runBatch(first, [hold('hld_2')])
    const path = crashed(directories[0]!.path)
    const journal = readFileSync(join(path, 'ledger.journal'))
    writeFileSync(join(path, 'ledger.journal'), journal.subarray(0, -5))
    const next = open(path)
    expect(states(path)).toEqual([['hld_1', 'open', 0]])
    // What comes after the torn end is kept like anything else.
    runBatch(next, [hold('hld_3')])
    const later = crashed(path)
    open(later)
    expect(states(later)).toEqual([
      ['hld_1', 'open', 0],
      ['hld_3', 'open', 0],
    ])
    expect(badRows(later)).toEqual([])
  })

  test('a transfer that is run again has the id that was answered', () => {
    const first = open(directories[0]!.path)
    addWallets(first, ['a'])
    const [answer] = runBatch(first, [grant])
    const path = crashed(directories[0]!.path)
    open(path)
    expect(dump(path)['transfers']).toMatchObject([{ id: (answer as { id: string }).id }])
  })
})

describe('a commit that fails', () => {
  test.each([1, 2, 3])('loses nothing of what was answered; its commands run again (%d failures)', (failures) => {
    let left = 0
    const breaking: CreateEngine = (host) => {
      const engine = createEngine(host)
      return {
        ...engine,
        flush() {
          engine.flush()
          if (left-- > 0) throw Object.assign(new Error('no commit'), { code: 'SQLITE_IOERR' })
        },
      }
    }
    const { path } = directories[0]!
    const writer = open(path, breaking)
    fund(writer)
    runBatch(writer, [hold('hld_1'), hold('hld_2', 300)])
    runBatch(writer, [post('hld_1')])
    left = failures
    for (let i = 0; i < failures; i++) expect(() => writer.catchUp()).toThrow('no commit')
    expect(states(path)).toEqual([])
    // The next command finds the books as they were answered.
    expect(runBatch(writer, [post('hld_1', 99), hold('hld_3', 5_000)])).toEqual([
      { state: 'posted', first: false, posted: 60, writtenOff: 0 },
      { ok: true, held: 640, tokens: 0 },
    ])
    writer.catchUp()
    expect(states(path)).toEqual([
      ['hld_1', 'posted', 60],
      ['hld_2', 'open', 0],
      ['hld_3', 'open', 0],
    ])
    expect(badRows(path)).toEqual([])
  })
})

describe('a journal that cannot be written', () => {
  test('is passed by: the batch is committed at once, and what was answered before stays', () => {
    let full = false
    const { path } = directories[0]!
    const writer = open(path, undefined, (fd, bytes, from) => {
      if (!full) return writeSync(fd, bytes, from)
      if (from > 0) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
      return writeSync(fd, bytes, from, 7)
    })
    fund(writer)
    runBatch(writer, [hold('hld_1')])
    full = true
    expect(runBatch(writer, [post('hld_1'), hold('hld_2')])).toMatchObject([{ posted: 60, first: true }, { ok: true }])
    const there = [
      ['hld_1', 'posted', 60],
      ['hld_2', 'open', 0],
    ]
    expect(states(path)).toEqual(there)
    full = false
    runBatch(writer, [post('hld_2', 10)])
    const later = crashed(path)
    open(later)
    expect(states(later)).toEqual([there[0], ['hld_2', 'posted', 10]])
    expect(badRows(later)).toEqual([])
  })
})

test('a journal that has grown large is emptied under load, and everything goes on', () => {
  const { path } = directories[0]!
  const writer = open(path)
  fund(writer)
  const context = JSON.stringify('x'.repeat(1024 * 1024))
  const ids = Array.from({ length: 20 }, (_, index) => `hld_${String(index).padStart(2, '0')}`)
  for (const id of ids.slice(0, 17)) runBatch(writer, [{ ...hold(id, 1), context } as LedgerCommand])
  expect(statSync(join(path, 'ledger.journal')).size).toBeGreaterThan(16 * 1024 * 1024)
  writer.catchUp()
  expect(statSync(join(path, 'ledger.journal')).size).toBe(0)
  for (const id of ids.slice(17)) runBatch(writer, [hold(id, 1)])
  const later = crashed(path)
  open(later)
  expect(states(later)).toEqual(ids.map((id) => [id, 'open', 0]))
  expect(badRows(later)).toEqual([])
})

test('a hold that its table would refuse is refused before anything is kept', () => {
  const { path } = directories[0]!
  const writer = open(path)
  fund(writer)
  const bad = [
    { ...hold('hld_1'), context: null },
    { ...hold('hld_1'), epoch: 7 },
    { ...hold('hld_1'), at: 0.5 },
    { ...hold('hld_1'), requestId: undefined },
  ] as unknown as LedgerCommand[]
  expect(runBatch(writer, bad)).toEqual(bad.map(() => ({ refused: 'internal_error' })))
  const wrong = [
    { ...post('hld_2'), quality: 'good' },
    { ...post('hld_2'), usage: {} },
    { op: 'void', hold: 'hld_2', state: 'open', at },
  ] as unknown as LedgerCommand[]
  runBatch(writer, [hold('hld_2')])
  expect(runBatch(writer, wrong)).toEqual(wrong.map(() => ({ refused: 'internal_error' })))
  expect(runBatch(writer, [post('hld_2')])).toMatchObject([{ first: true, posted: 60 }])
  writer.catchUp()
  expect(states(path)).toEqual([['hld_2', 'posted', 60]])
  expect(badRows(path)).toEqual([])
})
