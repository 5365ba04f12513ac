import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/kernel/clock.ts'
import { newId } from '../../src/core/kernel/ids.ts'
import { createLedger, ledgerEngine } from '../../src/core/ledger/ledger.ts'
import type { Ledger } from '../../src/core/ledger/ledger.ts'
import { openStorage } from '../../src/core/storage/open.ts'
import type { OpenStorage } from '../../src/core/storage/open.ts'
import { addWallet, temporaryDirectory } from './support/ledger-fixture.ts'

const directory = temporaryDirectory()
let storage: OpenStorage
let ledger: Ledger

beforeAll(async () => {
  storage = await openStorage({ dataDir: directory.path, engine: ledgerEngine })
  ledger = createLedger({ storage, clock: systemClock })
})
afterAll(async () => {
  await storage.close()
  directory.remove()
})

const rounds = 5
const price = 1_000

for (let round = 0; round < rounds; round++) {
  test(`1 000 requests at once on a balance for 100: exactly 100 are admitted (round ${round + 1})`, async () => {
    const account = await storage.write((trx) => addWallet(trx, `racer${round}`))
    const of = { account, reference: `racer${round}`, note: null, actor: 'test', expiresAt: null, at: Date.now() }
    await ledger.grant({ op: 'grant', amount: 100 * price, ...of })

    const attempt = async (): Promise<string> => {
      const at = Date.now()
      const id = newId('hold')
      const common = { requestId: newId('request'), context: '{}', epoch: 'test', at }
      const held = await ledger.hold({ op: 'hold', id, account, min: price, max: price, ...common })
      return held.ok ? id : held.code
    }
    const outcomes = await Promise.all(Array.from({ length: 1_000 }, attempt))
    const admitted = outcomes.filter((outcome) => outcome.startsWith('hld_'))
    expect(admitted).toHaveLength(100)
    expect(new Set(outcomes.filter((outcome) => !outcome.startsWith('hld_')))).toEqual(
      new Set(['insufficient_credits']),
    )
    expect(await ledger.balance(account)).toEqual({ available: 0, held: 100 * price })

    const settled = { usage: '{}', tokens: 1, quality: 'exact', at: Date.now() } as const
    await Promise.all(
      admitted.map((hold, index) =>
        index % 10 === 0
          ? ledger.void({ op: 'void', hold, state: 'voided', at: Date.now() })
          : // Every second one claims more than it held: nothing is left to take it from.
            ledger.post({ op: 'post', hold, amount: index % 2 === 0 ? price : price * 3, ...settled }),
      ),
    )
    const { available, held } = await ledger.balance(account)
    expect(held).toBe(0)
    expect(available).toBeGreaterThanOrEqual(0)
    expect(await ledger.openHolds()).toEqual([])
    expect(await ledger.verify()).toMatchObject({ ok: true, holds_open: 0, problems: [] })
  })
}
