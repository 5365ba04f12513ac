import { expect, test } from 'vitest'
import {
  createCustomer,
  ensureBuilt,
  type Gateway,
  newDataDir,
  removeDataDir,
  startGateway,
} from '../support/gateway.ts'
import { startMockProvider } from '../support/mock-provider.ts'
import { chatBody, chatPath, messagesBody, messagesPath, prices, verify } from '../support/scene.ts'

/**
 * SIGKILL at random moments under load, again and again, against a provider with its own log in its own process. What was acknowledged is there, nothing is billed
 * twice, nothing that reached the provider is forgotten, the gateway is ready again within two seconds, and the ledger is clean. `GATEWAY_TEST_KILLS` sets the rounds.
 */
const rounds = Number(process.env['GATEWAY_TEST_KILLS'] ?? 50)
const parallel = 12
const readyWithinMs = 2000

interface Logged {
  id: string
  status: number
  cost: string
  usage_quality: string
}

/** A small generator with a seed, so that a failing run can be repeated. */
const random = (seed: number) => () => {
  seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296
  return seed / 4_294_967_296
}

test(`${rounds} kills under load lose nothing that was acknowledged and bill nothing twice`, async () => {
  ensureBuilt()
  const seed = Number(process.env['GATEWAY_TEST_SEED'] ?? Date.now() % 1_000_000)
  const next = random(seed)
  const provider = await startMockProvider()
  const dataDir = newDataDir()
  let gateway = await startGateway({ dataDir })
  const acknowledged = new Map<string, string>()
  const grants: string[] = []
  const readyMs: number[] = []
  try {
    await gateway.call('providers.add', {
      name: 'openai',
      kind: 'openai-compatible',
      base_url: provider.url,
      secret: 'sk-provider-1',
    })
    await gateway.call('providers.add', {
      name: 'anthropic',
      kind: 'anthropic-compatible',
      base_url: provider.url,
      secret: 'sk-provider-1',
    })
    await gateway.call('models.create', { name: 'chat', targets: [{ provider: 'openai', model: 'real-chat' }], prices })
    await gateway.call('models.create', {
      name: 'messages',
      targets: [{ provider: 'anthropic', model: 'real-messages' }],
      prices,
    })
    await provider.script('real-chat', {
      text: 'a few words of an answer',
      chunkDelayMs: 1,
      usage: { input: 20, output: 10 },
    })
    await provider.script('real-messages', {
      text: 'a few words of an answer',
      chunkDelayMs: 1,
      usage: { input: 20, output: 10 },
    })
    const { key, user } = await createCustomer(gateway, { credits: '100000' })

    for (let round = 0; round < rounds; round++) {
      let alive = true
      const load = Array.from({ length: parallel }, async (_, worker) => {
        while (alive) {
          const stream = next() < 0.5
          const chat = worker % 2 === 0
          const body = chat
            ? chatBody('chat', { stream, max_tokens: 50 })
            : messagesBody('messages', { stream, max_tokens: 50 })
          await send(gateway, chat ? chatPath : messagesPath, key, body, acknowledged)
        }
      })
      const granting = (async () => {
        for (let i = 0; alive; i++) {
          const granted = await gateway
            .call<{ id: string }>('credits.grant', { user, amount: '1', note: `round ${round}.${i}` })
            .catch(() => null)
          if (granted) grants.push(granted.id)
        }
      })()
      await new Promise((resolve) => setTimeout(resolve, 30 + next() * 170))
      await gateway.kill()
      alive = false
      await Promise.all([...load, granting])
      gateway = await startGateway({ dataDir })
      readyMs.push(gateway.startMs)
    }

    const report = await verify(gateway)
    expect(report, `seed ${seed}`).toMatchObject({ ok: true, holds_open: 0 })

    const rows = new Map<string, Logged>()
    for (let cursor: string | null = null; ;) {
      const page: { data: Logged[]; next_cursor: string | null } = await gateway.call('requests.list', {
        limit: 500,
        ...(cursor && { cursor }),
      })
      for (const row of page.data) {
        expect(rows.has(row.id), `${row.id} is logged twice`).toBe(false)
        rows.set(row.id, row)
      }
      cursor = page.next_cursor
      if (!cursor) break
    }
    for (const [id, cost] of acknowledged) {
      const row = rows.get(id)
      expect(row, `${id} was answered but is not in the log (seed ${seed})`).toBeDefined()
      expect(row?.status).toBe(200)
      if (cost) expect(row?.cost).toBe(cost)
    }
    // The provider's own log is the other side of the books: each attempt exactly one row, with a decision about its money.
    for (const attempt of await provider.log()) {
      expect(rows.has(attempt.id), `${attempt.id} reached the provider and is not in the log (seed ${seed})`).toBe(true)
    }
    const history = new Set<string>()
    for (let cursor: string | null = null; ;) {
      const page: { data: { id: string }[]; next_cursor: string | null } = await gateway.call('credits.history', {
        user,
        limit: 500,
        ...(cursor && { cursor }),
      })
      for (const { id } of page.data) history.add(id)
      cursor = page.next_cursor
      if (!cursor) break
    }
    for (const id of grants)
      expect(history.has(id), `grant ${id} was acknowledged and is gone (seed ${seed})`).toBe(true)

    const slowest = Math.max(...readyMs)
    console.log(
      `kill -9: ${rounds} rounds, ${acknowledged.size} answers and ${grants.length} grants acknowledged, ${rows.size} requests logged, ready again after ${Math.round(slowest)} ms at most, seed ${seed}`,
    )
    expect(slowest).toBeLessThan(readyWithinMs)
  } finally {
    await gateway.stop()
    await provider.stop()
    removeDataDir(dataDir)
  }
}, 600_000)

/** One request; remembers it only when its answer was whole. Unary answers also tell what they cost. */
const send = async (
  gateway: Gateway,
  path: string,
  key: string,
  body: object,
  acknowledged: Map<string, string>,
): Promise<void> => {
  try {
    const response = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    const whole = text.includes('[DONE]') || text.includes('message_stop') || !text.startsWith('data:')
    if (response.status === 200 && whole && !text.includes('event: error')) {
      acknowledged.set(response.headers.get('x-gateway-request-id')!, response.headers.get('x-gateway-cost') ?? '')
    }
  } catch {
    // The gateway was killed: this answer was never acknowledged.
  }
}
