import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/kernel/clock.ts'
import { createLedger, ledgerEngine } from '../../src/core/ledger/ledger.ts'
import { openStorage } from '../../src/core/storage/open.ts'
import { addWallet, temporaryDirectory } from './support/ledger-fixture.ts'

const rounds = Number(process.env['KILL_ROUNDS'] ?? 20)
const child = join(import.meta.dirname, 'support/kill-child.ts')
const directory = temporaryDirectory()

beforeAll(async () => {
  const storage = await openStorage({ dataDir: directory.path, engine: ledgerEngine })
  await storage.write((trx) => addWallet(trx, 'a'))
  const of = { account: 'acc_a', reference: 'first', note: null, actor: 'test', expiresAt: null, at: 1 }
  await storage.submit({ op: 'grant', amount: 1_000_000_000, ...of }, { durable: true })
  await storage.close()
})
afterAll(() => directory.remove())

/** Lets a writer work for `ms` and kills it where it stands. Returns what it was told is done. */
const killAfter = async (ms: number, epoch: string): Promise<Set<string>> => {
  const writer = spawn(process.execPath, [child, directory.path, epoch], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged = new Set<string>()
  const lines = createInterface({ input: writer.stdout })
  lines.on('line', (line) => {
    if (line === 'ready') setTimeout(() => writer.kill('SIGKILL'), ms)
    else acknowledged.add(line)
  })
  await Promise.all([once(writer, 'exit'), once(lines, 'close')])
  return acknowledged
}

test(
  `kill -9 in the middle of work, ${rounds} times: what was acknowledged is there, once, and the books balance`,
  { timeout: 300_000 },
  async () => {
    let total = 0
    for (let round = 0; round < rounds; round++) {
      const acknowledged = await killAfter(5 + ((round * 37) % 180), `run-${round}`)
      total += acknowledged.size
      const started = performance.now()
      const storage = await openStorage({ dataDir: directory.path, engine: ledgerEngine })
      expect(performance.now() - started).toBeLessThan(2_000)
      const ledger = createLedger({ storage, clock: systemClock })
      const states = new Map(
        (await storage.read.selectFrom('holds').select(['id', 'state']).execute()).map((row) => [row.id, row.state]),
      )
      const references = new Set(
        (await storage.read.selectFrom('transfers').select('reference').execute()).map((row) => row.reference),
      )
      const isThere = (line: string): boolean => {
        const [what, id] = line.split(' ') as [string, string]
        if (what === 'granted') return references.has(`grant:${id}`)
        return what === 'hold' ? states.has(id) : states.get(id) === what
      }
      expect([...acknowledged].filter((line) => !isThere(line))).toEqual([])
      expect((await ledger.verify()).problems).toEqual([])

      const policy = (['charge-estimate', 'charge-hold', 'release'] as const)[round % 3]!
      const open = [...states.values()].filter((state) => state === 'open').length
      const recovered = await ledger.recoverHolds({ policy, epoch: 'checker', chargeFor: () => 7 })
      expect(recovered.charged + recovered.released).toBe(open)
      expect((await ledger.verify()).problems).toEqual([])
      expect(await ledger.openHolds()).toEqual([])

      // Every settled hold has its row in the request log, and the log adds up to the ledger.
      const spent = await storage.read
        .selectFrom('holds')
        .select(({ fn }) => [fn.sum<number>('posted').as('posted'), fn.countAll<number>().as('holds')])
        .executeTakeFirstOrThrow()
      const logged = await storage.usage
        .selectFrom('requests')
        .select(({ fn }) => [fn.sum<number>('cost').as('posted'), fn.countAll<number>().as('holds')])
        .executeTakeFirstOrThrow()
      expect(logged).toEqual(spent)
      await storage.close()
    }
    expect(total).toBeGreaterThan(rounds * 20)
  },
)
