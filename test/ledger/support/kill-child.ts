/**
 * A writer to be killed: opens storage in the directory given, works with many lanes and prints one line for every answer it has received. The lines are the
 * acknowledged set of the kill test: each must be in the database afterwards.
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../../../src/core/kernel/clock.ts'
import { newId } from '../../../src/core/kernel/ids.ts'
import { packContext } from '../../../src/core/ledger/hold-context.ts'
import { createLedger, ledgerEngine } from '../../../src/core/ledger/ledger.ts'
import { requestValues } from '../../../src/core/ledger/request-row.ts'
import { openStorage } from '../../../src/core/storage/open.ts'
import type { RequestsTable } from '../../../src/core/storage/schema.ts'

const dataDir = process.argv[2]!
const epoch = process.argv[3]!
const storage = await openStorage({ dataDir, engine: ledgerEngine })
const ledger = createLedger({ storage, clock: systemClock })
// Written before anything else happens: what was printed is with the parent even if the next instruction never runs. A busy parent may leave the pipe full.
const say = (line: string): void => {
  const bytes = Buffer.from(`${line}\n`)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') throw error
    }
  }
}

const context = packContext({
  userId: 'usr_a',
  keyId: 'key_a',
  model: 'm',
  modelId: 'mdl_a',
  priceId: null,
  price: { input: 1e6, output: 1e6, cachedInput: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0, request: 0 },
  clientProtocol: 'openai-chat',
  clientRequestId: null,
  stream: false,
  estimatedInputTokens: 7,
})
const record: Omit<RequestsTable, 'id' | 'hold_id' | 'at'> = {
  user_id: 'usr_a',
  key_id: 'key_a',
  model: 'm',
  model_id: 'mdl_a',
  provider_id: null,
  provider_key_id: null,
  target_model: null,
  client_protocol: 'openai-chat',
  provider_protocol: null,
  stream: 0,
  status: 200,
  error_code: null,
  finish: 'stop',
  duration_ms: 1,
  first_byte_ms: null,
  input_uncached: 1,
  input_cache_read: 0,
  input_cache_write_5m: 0,
  input_cache_write_1h: 0,
  output_visible: 1,
  output_reasoning: 0,
  cost: 0,
  written_off: 0,
  held: 100,
  price_id: null,
  quality: 'exact',
  upstream_id: null,
  client_request_id: null,
  attempts: '[]',
  warnings: '[]',
}
const usage = JSON.stringify({
  input: { uncached: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 1, reasoning: 0 },
})

const lane = async (number: number): Promise<void> => {
  for (let i = 0; i < 1_000_000; i++) {
    const at = Date.now()
    const hold = newId('hold', at)
    const request = newId('request', at)
    const held = await ledger.hold({
      op: 'hold',
      id: hold,
      account: 'acc_a',
      requestId: request,
      min: 1,
      max: 100,
      context,
      epoch,
      at,
    })
    if (!held.ok) throw new Error(held.code)
    say(`hold ${hold}`)
    if (i % 7 === 3) {
      await ledger.void({ op: 'void', hold, state: 'voided', at })
      say(`voided ${hold}`)
    } else {
      const row = requestValues({ ...record, id: request, hold_id: hold, at })
      await ledger.post({
        op: 'post',
        hold,
        amount: 40 + (i % 90),
        usage,
        tokens: 2,
        quality: 'exact',
        record: row,
        at,
      })
      say(`posted ${hold}`)
    }
    if (i % 20 === number) {
      const reference = newId('grant')
      await ledger.grant({
        op: 'grant',
        account: 'acc_a',
        amount: 1_000,
        reference,
        note: null,
        actor: 'test',
        expiresAt: null,
        at,
      })
      say(`granted ${reference}`)
    }
  }
}
say('ready')
await Promise.all(Array.from({ length: 16 }, (_, number) => lane(number)))
