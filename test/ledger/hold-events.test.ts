import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LedgerCommand } from '../../src/core/ledger/commands.ts'
import type { WriterDatabases } from '../../src/core/storage/writer-databases.ts'
import { addWallets, badRows, openWriter, runBatch, runOne, temporaryDirectory } from './support/ledger-fixture.ts'

/** Everything that can happen to a hold. `reverse` gives its charge back, `repeat` settles it once more with another amount. */
const events = ['hold', 'post', 'void', 'expire', 'reverse', 'repeat'] as const
type Event = (typeof events)[number]

const held = 100
const cost = 60
const at = 1_000

const commandOf = (event: Event, hold: string, charge: string): LedgerCommand => {
  switch (event) {
    case 'hold':
      return {
        op: 'hold',
        id: hold,
        account: 'acc_a',
        requestId: `req_${hold}`,
        min: held,
        max: held,
        context: '{}',
        epoch: 'e',
        at,
      }
    case 'post':
      return { op: 'post', hold, amount: cost, usage: '{}', tokens: 1, quality: 'exact', at }
    case 'repeat':
      return { op: 'post', hold, amount: cost + 30, usage: '{}', tokens: 1, quality: 'exact', at }
    case 'void':
      return { op: 'void', hold, state: 'voided', at }
    case 'expire':
      return { op: 'void', hold, state: 'expired', at }
    case 'reverse':
      return { op: 'reverse', transfer: charge, note: null, actor: 'test', at }
  }
}

/** The same in ten lines: what each event answers and what the wallet has afterwards. */
const createModel = () => {
  let state: 'none' | 'open' | 'posted' | 'voided' | 'expired' = 'none'
  let posted = 0
  let reversed = false
  const resolve = (to: 'posted' | 'voided' | 'expired', amount: number): unknown => {
    if (state === 'none') return { refused: 'not_found' }
    const first = state === 'open'
    if (first) {
      state = to
      posted = amount
    }
    return { state, first, posted, writtenOff: 0 }
  }
  return {
    apply(event: Event): unknown {
      switch (event) {
        case 'hold':
          if (state === 'none') state = 'open'
          return { ok: true, held }
        case 'post':
          return resolve('posted', cost)
        case 'repeat':
          return resolve('posted', cost + 30)
        case 'void':
          return resolve('voided', 0)
        case 'expire':
          return resolve('expired', 0)
        case 'reverse': {
          if (state !== 'posted') return { refused: 'not_found' }
          const first = !reversed
          reversed = true
          return { first }
        }
      }
    },
    get spent() {
      return posted - (reversed ? posted : 0)
    },
    get pending() {
      return state === 'open' ? held : 0
    },
  }
}

const directory = temporaryDirectory()
let writer: WriterDatabases

beforeAll(() => {
  writer = openWriter(directory.path)
  addWallets(writer, ['a'])
  runOne(writer, {
    op: 'grant',
    account: 'acc_a',
    amount: 1e9,
    reference: 'g',
    note: null,
    actor: 'test',
    expiresAt: null,
    at,
  })
})
afterAll(() => {
  writer.close()
  directory.remove()
})

const chargeOf = (hold: string): string => {
  writer.begin()
  const result = writer.query('select id from transfers where reference = ?', [`charge:${hold}`]) as {
    rows: { id: string }[]
  }
  writer.rollback()
  return result.rows[0]?.id ?? 'txn_none'
}

const wallet = (): { available: number; pending: number } => {
  writer.begin()
  const query = `select credits_posted - debits_posted - debits_pending as available, debits_pending as pending
    from accounts where id = 'acc_a'`
  const { rows } = writer.query(query, []) as { rows: { available: number; pending: number }[] }
  writer.rollback()
  return rows[0]!
}

const sequences = (length: number): Event[][] =>
  length === 0 ? [[]] : sequences(length - 1).flatMap((head) => events.map((event) => [...head, event]))

let number = 0
const play = (sequence: readonly Event[], together: boolean): void => {
  const hold = `hld_${String(number++).padStart(6, '0')}`
  const model = createModel()
  const before = wallet()
  const answers: unknown[] = []
  if (together)
    answers.push(
      ...runBatch(
        writer,
        sequence.map((event) => commandOf(event, hold, 'txn_none')),
      ),
    )
  else for (const event of sequence) answers.push(...runBatch(writer, [commandOf(event, hold, chargeOf(hold))]))
  for (const [index, event] of sequence.entries()) {
    expect(answers[index], sequence.slice(0, index + 1).join(' ')).toMatchObject(model.apply(event) as object)
  }
  const after = wallet()
  expect(after).toEqual({
    available: before.available - model.spent - model.pending,
    pending: before.pending + model.pending,
  })
}

describe('a hold is resolved once, whatever comes after whatever', () => {
  test('all 36 ordered pairs, on a hold that exists', () => {
    for (const pair of sequences(2)) play(['hold', ...pair], false)
    expect(badRows(directory.path)).toEqual([])
  })

  test('all 216 ordered triples from nothing', () => {
    for (const triple of sequences(3)) play(triple, false)
    expect(badRows(directory.path)).toEqual([])
  })

  test('the same inside one batch', () => {
    const inBatch = sequences(3).filter((sequence) => !sequence.includes('reverse'))
    for (const triple of inBatch) play(['hold', ...triple], true)
    expect(badRows(directory.path)).toEqual([])
  })
})
