import { afterEach, describe, expect, test } from 'vitest'
import type { LedgerCommand } from '../../src/core/ledger/commands.ts'
import { createEngine } from '../../src/core/ledger/engine.ts'
import type { CreateEngine, EngineDatabase } from '../../src/core/storage/engine.ts'
import type { WriterDatabases } from '../../src/core/storage/writer-databases.ts'
import { addWallets, badRows, dump, openWriter, runBatch, temporaryDirectory } from './support/ledger-fixture.ts'

/** A ledger whose statements break on command: the n-th from now, once or for ever. */
const createBreakable = () => {
  let left = Number.POSITIVE_INFINITY
  let forEver = false
  let broke = false
  const strike = (): void => {
    left -= 1
    if (left === 0 || (forEver && left < 0)) {
      broke = true
      throw new Error('injected')
    }
  }
  const wrap = (db: EngineDatabase): EngineDatabase => ({
    prepare(sql) {
      const statement = db.prepare(sql)
      return {
        get: (...parameters) => (strike(), statement.get(...parameters)),
        all: (...parameters) => (strike(), statement.all(...parameters)),
        run: (...parameters) => (strike(), statement.run(...parameters)),
      }
    },
  })
  const engine: CreateEngine = (host) => createEngine({ ...host, gateway: wrap(host.gateway) })
  return {
    engine,
    breakAt(n: number, always: boolean): void {
      left = n
      forEver = always
      broke = false
    },
    mend(): void {
      left = Number.POSITIVE_INFINITY
    },
    get broke() {
      return broke
    },
  }
}

const at = 5_000
const quota = {
  counter: 'key_1:total',
  keyId: 'key_1',
  credits: 10_000,
  tokens: 10_000,
  requests: 100,
  claimTokens: 5,
  minTokens: 5,
}
const of = { account: 'acc_a', note: null, actor: 'test' }
const resolved = { usage: '{}', tokens: 3, quality: 'exact', at } as const
const hold = (id: string): LedgerCommand => ({
  op: 'hold',
  id,
  account: 'acc_a',
  requestId: `req_${id}`,
  min: 10,
  max: 100,
  context: '{}',
  epoch: 'e',
  quota,
  at,
})

/** Every way money moves; each needs what stands before it. `CHARGE` and `LOT` are replaced by what the database made. */
const path: readonly LedgerCommand[] = [
  { op: 'grant', ...of, amount: 500, reference: 'g1', expiresAt: null, at: 1 },
  { op: 'grant', ...of, amount: 200, reference: 'g2', expiresAt: 2_000, at: 1 },
  { op: 'grant', ...of, amount: 70, reference: 'g3', expiresAt: 9_000, at: 1 },
  { op: 'adjust', ...of, amount: 40, reference: 'a1', note: '', at: 1 },
  { op: 'adjust', ...of, amount: -30, reference: 'a2', note: '', at: 1 },
  hold('hld_1'),
  hold('hld_2'),
  { op: 'post', hold: 'hld_1', amount: 60, ...resolved },
  { op: 'post', hold: 'hld_2', amount: 5_000, ...resolved },
  { op: 'grant', ...of, amount: 300, reference: 'g4', expiresAt: 10_000, at },
  hold('hld_3'),
  { op: 'void', hold: 'hld_3', state: 'voided', at },
  { op: 'reverse', transfer: 'CHARGE', note: null, actor: 'test', at },
  { op: 'expire_lot', lot: 'LOT', at: 20_000 },
]

const directory = temporaryDirectory()
const writers: WriterDatabases[] = []
afterEach(() => {
  for (const writer of writers.splice(0)) writer.close()
  directory.remove()
})

const query = (writer: WriterDatabases, sql: string): string => {
  writer.begin()
  const { rows } = writer.query(sql, []) as { rows: { id: string }[] }
  writer.rollback()
  return rows[0]!.id
}

const concrete = (writer: WriterDatabases, command: LedgerCommand): LedgerCommand => {
  if (command.op === 'reverse') {
    return { ...command, transfer: query(writer, `select id from transfers where reference = 'charge:hld_1'`) }
  }
  if (command.op === 'expire_lot')
    return { ...command, lot: query(writer, `select id from grant_lots where closed_at is null`) }
  return command
}

describe('a command that breaks at any of its statements has done nothing and can be repeated', () => {
  const ways = [
    { name: 'the statement breaks once', always: false },
    { name: 'the statement breaks for ever, then is mended', always: true },
  ]
  test.each(ways)('$name', ({ always }) => {
    const breakable = createBreakable()
    const writer = openWriter(directory.path, breakable.engine)
    writers.push(writer)
    addWallets(writer, ['a'])
    let struck = 0
    for (const [index, template] of path.entries()) {
      const command = concrete(writer, template)
      const before = dump(directory.path)
      for (let n = 1; n < 50; n++) {
        breakable.breakAt(n, always)
        let thrown = false
        try {
          runBatch(writer, [command])
        } catch {
          thrown = true
        }
        breakable.mend()
        if (!breakable.broke) break
        struck += 1
        expect(thrown, `${index} ${command.op} at statement ${n}`).toBe(true)
        expect(dump(directory.path)).toEqual(before)
      }
      const done = dump(directory.path)
      expect(done).not.toEqual(before)
      // It is in now; repeating it three times changes nothing.
      for (let i = 0; i < 3; i++) runBatch(writer, [command])
      expect(dump(directory.path), `${index} ${command.op} repeated`).toEqual(done)
      expect(badRows(directory.path)).toEqual([])
    }
    expect(struck).toBeGreaterThan(60)
  })

  test('a broken command does not spoil the others of its batch', () => {
    const breakable = createBreakable()
    const writer = openWriter(directory.path, breakable.engine)
    writers.push(writer)
    addWallets(writer, ['a'])
    const batch = path.slice(0, 12)
    for (let n = 1; n < 200; n++) {
      breakable.breakAt(n, false)
      // The batch is rolled back as a whole and then run command by command: a statement that breaks once breaks nothing for good.
      const answers = runBatch(writer, batch)
      breakable.mend()
      expect(answers.filter((answer) => typeof answer === 'object' && answer !== null && 'refused' in answer)).toEqual(
        [],
      )
      expect(badRows(directory.path)).toEqual([])
      if (!breakable.broke) return
    }
    throw new Error('never came to an end')
  })
})
