/**
 * What one hold and its settlement (with a row for the request log) cost, through the threads, for 1, 10, 50 and 200 exchanges at a time.
 * Run: node bench/ledger.ts [pairs]. Wall and CPU time of the whole process, in microseconds per pair.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/core/kernel/clock.ts'
import { newId } from '../src/core/kernel/ids.ts'
import type { HoldContext } from '../src/core/ledger/commands.ts'
import { packContext } from '../src/core/ledger/hold-context.ts'
import { createLedger, ledgerEngine } from '../src/core/ledger/ledger.ts'
import { requestValues } from '../src/core/ledger/request-row.ts'
import { openStorage } from '../src/core/storage/open.ts'
import type { RequestsTable } from '../src/core/storage/schema.ts'

const pairs = Number(process.argv[2] ?? 20_000)
const dataDir = mkdtempSync(join(tmpdir(), 'ledger-bench-'))
const storage = await openStorage({ dataDir, engine: ledgerEngine })
const ledger = createLedger({ storage, clock: systemClock })
const accounts: string[] = []

await storage.write(async ({ db }) => {
  for (let i = 0; i < 20; i++) {
    const user = newId('user')
    const account = newId('account')
    accounts.push(account)
    const times = { created_at: 0, updated_at: 0 }
    const nobody = { name: null, role: 'user', status: 'active', status_reason: null, password_hash: null } as const
    await db
      .insertInto('users')
      .values({ id: user, email: `${i}@example.test`, ...nobody, ...times })
      .execute()
    const empty = { debits_posted: 0, credits_posted: 0, debits_pending: 0, has_expiring: 0 } as const
    await db
      .insertInto('accounts')
      .values({ id: account, kind: 'user', owner_id: user, ...empty })
      .execute()
  }
})
for (const account of accounts) {
  await ledger.grant({
    op: 'grant',
    account,
    amount: 1e15,
    reference: account,
    note: null,
    actor: 'bench',
    expiresAt: null,
    at: Date.now(),
  })
}

const context: HoldContext = {
  userId: newId('user'),
  keyId: newId('key'),
  model: 'house-fast',
  modelId: newId('model'),
  priceId: newId('price'),
  price: {
    input: 25e8,
    output: 1e10,
    cachedInput: 25e7,
    cacheWrite5m: 3e9,
    cacheWrite1h: 5e9,
    reasoning: 1e10,
    request: 0,
  },
  clientProtocol: 'openai-chat',
  clientRequestId: null,
  stream: false,
  estimatedInputTokens: 120,
}
const usage = JSON.stringify({
  input: { uncached: 120, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 40, reasoning: 0 },
})

const recordOf = (id: string, hold: string, at: number): RequestsTable => ({
  id,
  hold_id: hold,
  at,
  user_id: context.userId,
  key_id: context.keyId,
  model: context.model,
  model_id: context.modelId,
  provider_id: 'prv_01k00000000000000000000000',
  provider_key_id: 'pvk_01k00000000000000000000000',
  target_model: 'some-real-model-2026-01-01',
  client_protocol: 'openai-chat',
  provider_protocol: 'openai-chat',
  stream: 0,
  status: 200,
  error_code: null,
  finish: 'stop',
  duration_ms: 12,
  first_byte_ms: 8,
  input_uncached: 120,
  input_cache_read: 0,
  input_cache_write_5m: 0,
  input_cache_write_1h: 0,
  output_visible: 40,
  output_reasoning: 0,
  cost: 0,
  written_off: 0,
  held: 41_000_000,
  price_id: context.priceId,
  quality: 'exact',
  upstream_id: 'chatcmpl-0123456789',
  client_request_id: null,
  attempts: '[{"provider":"openai","model":"some-real-model-2026-01-01","status":200}]',
  warnings: '[]',
})

const one = async (n: number): Promise<void> => {
  const at = Date.now()
  const id = newId('hold', at)
  const requestId = newId('request', at)
  const account = accounts[n % accounts.length]!
  const json = packContext(context)
  await ledger.hold({
    op: 'hold',
    id,
    account,
    requestId,
    min: 1_000_000,
    max: 41_000_000,
    context: json,
    epoch: 'bench',
    at,
  })
  const record = requestValues(recordOf(requestId, id, at))
  await ledger.post({ op: 'post', hold: id, amount: 700_000, usage, tokens: 160, quality: 'exact', record, at })
}

const run = async (parallel: number, total: number): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < total) await one(next++)
  }
  await Promise.all(Array.from({ length: parallel }, lane))
}

await run(20, 2_000)
console.log('parallel   wall µs   cpu µs (main, all threads)   pairs/s')
for (const parallel of [1, 10, 50, 200]) {
  const total = parallel === 1 ? Math.ceil(pairs / 4) : pairs
  const cpu = process.cpuUsage()
  const main = process.threadCpuUsage()
  const started = performance.now()
  await run(parallel, total)
  const wall = ((performance.now() - started) * 1000) / total
  const all = process.cpuUsage(cpu)
  const own = process.threadCpuUsage(main)
  const each = (used: { user: number; system: number }): string => ((used.user + used.system) / total).toFixed(1)
  console.log(
    `${String(parallel).padStart(8)} ${wall.toFixed(1).padStart(9)} ${`${each(own)}, ${each(all)}`.padStart(16)} ${Math.round(
      1e6 / wall,
    )
      .toString()
      .padStart(20)}`,
  )
}
const report = await ledger.verify()
console.log(report.ok ? 'ledger verified' : report.problems.join('\n'))
await storage.close()
rmSync(dataDir, { recursive: true })
