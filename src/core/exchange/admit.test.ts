import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { createSealer } from '../kernel/secrets.ts'
import { describe, expect, test } from 'vitest'
import type { ResolvedModel, Target } from '../catalog/resolved.ts'
import { systemClock } from '../kernel/clock.ts'
import type { KeyPrincipal } from '../keys/verdict.ts'
import type { HoldCommand, HoldResult } from '../ledger/commands.ts'
import { decideHold } from '../ledger/decide.ts'
import { unpackContext } from '../ledger/hold-context.ts'
import { createLimiter } from '../limits/limiter.ts'
import { createRouting } from '../routing/routing.ts'
import { endpointById } from '../endpoints/index.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'
import { admit, type AdmitDeps } from './admit.ts'
import type { Call } from './call.ts'
import { measureRequest } from './measure.ts'

const target = (speaks: ProtocolId): Target => ({
  id: 'tgt_1',
  model: 'real',
  weight: 1,
  priority: 0,
  provider: {
    id: 'prv_1',
    name: 'p',
    kind: {
      id: 'k',
      title: 'K',
      speaks: [speaks],
      baseUrl: null,
      keyless: true,
      headers: () => ({}),
      forwardHeaders: [],
      auth: 'none',
      docs: '',
    },
    baseUrl: 'http://127.0.0.1:9/v1',
    speaks: [speaks],
    allowPrivate: [],
    timeoutMs: null,
    quirks: quirksOf([]),
    settings: {},
    keys: [],
  },
})
/** One nano-credit for a token of the prompt, two for one of the answer. */
const price = {
  input: 1_000_000,
  output: 2_000_000,
  cachedInput: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  reasoning: 0,
  request: 0,
}
const model = (settings: Partial<ResolvedModel> = {}): ResolvedModel => ({
  id: 'mdl_1',
  name: 'm',
  free: false,
  contextWindow: null,
  maxOutputTokens: null,
  defaults: {},
  caps: {},
  crossing: { strict: false, dropUnsupportedTools: false },
  createdAt: 0,
  strategy: 'priority',
  priceAt: () => ({ id: 'prc_1', price }),
  targets: [],
  ...settings,
})

/** A wallet and a quota in memory, decided on as the ledger does. */
const createBooks = (credits: number) => {
  const wallet = { credits_posted: credits, debits_posted: 0, debits_pending: 0 }
  const use = { credits: 0, tokens: 0, requests: 0, credits_pending: 0, tokens_pending: 0 }
  const holds: HoldCommand[] = []
  const hold = async (command: HoldCommand): Promise<HoldResult> => {
    const result = decideHold(wallet, command, command.quota, use)
    if (!result.ok) return result
    wallet.debits_pending += result.held
    use.tokens_pending += result.tokens
    holds.push(command)
    return result
  }
  return { wallet, use, holds, hold }
}

interface Setting {
  readonly credits?: number
  readonly tokens?: number
  readonly model?: Partial<ResolvedModel>
  readonly protocol?: ProtocolId
}

const open = ({ credits = 1e9, tokens, model: settings, protocol = 'openai-chat' }: Setting) => {
  const books = createBooks(credits)
  const deps: AdmitDeps = {
    catalog: { resolve: () => model({ targets: [target(protocol)], ...settings }), list: () => [] },
    limiter: createLimiter({ clock: systemClock }),
    hold: books.hold,
    routing: createRouting({ clock: systemClock, random: Math.random, deadlineMs: 60_000 }),
    responses: { note() {}, find: () => Promise.reject(new Error('nothing may be looked for')) },
    defaultReserveTokens: 16_384,
    sealer: createSealer(Buffer.alloc(32), 'test'),
    epoch: 'e',
  }
  const principal: KeyPrincipal = {
    keyId: 'key_1',
    userId: 'usr_1',
    accountId: 'acc_1',
    models: null,
    allowIps: null,
    quota: tokens === undefined ? null : { period: 'day', credits: null, tokens, requests: null },
    requestsPerMinute: null,
    tokensPerMinute: null,
    concurrency: null,
    expiresAt: null,
  }
  const send = async (more: object = {}) => {
    const call: Call = {
      id: 'req_1',
      requestId: 'mine',
      clientRequestId: 'mine',
      endpoint: endpointById(protocol),
      place: {},
      principal,
      body: Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }], ...more })),
      headers: {},
      receivedAt: Date.UTC(2026, 0, 1),
      startedAt: 0,
      client: undefined as unknown as Call['client'],
    }
    const admission = await admit(call, deps, {})
    return { ...admission, sent: JSON.parse(admission.body.toString()) as Record<string, unknown> }
  }
  return { books, send }
}

describe('a quota of tokens that is smaller than the reserve', () => {
  test('lets a request without a limit of its own through, limited to what is left', async () => {
    const { books, send } = open({ tokens: 1_000 })
    const { estimatedInputTokens, sent } = await send()
    expect(sent['max_completion_tokens'] ?? sent['max_tokens']).toBe(1_000 - estimatedInputTokens)
    expect(books.use.tokens_pending).toBe(1_000)
  })

  test('is divided among the answers asked for', async () => {
    const { send } = open({ tokens: 1_000 })
    const { estimatedInputTokens, sent } = await send({ n: 3 })
    expect(sent['max_completion_tokens'] ?? sent['max_tokens']).toBe(Math.floor((1_000 - estimatedInputTokens) / 3))
  })

  test('limits the answers of a free model too', async () => {
    const { send } = open({ tokens: 1_000, model: { free: true, priceAt: () => null } })
    const { estimatedInputTokens, sent } = await send()
    expect(sent['max_completion_tokens'] ?? sent['max_tokens']).toBe(1_000 - estimatedInputTokens)
  })

  test('gives way to what the credit pays for when that is less', async () => {
    const { send } = open({ tokens: 1_000, credits: 400 })
    const { sent, held } = await send()
    expect(held).toBe(400)
    expect(Number(sent['max_completion_tokens'] ?? sent['max_tokens'])).toBeLessThan(200)
  })

  test('refuses the length that a client fixed, and says how much is left; used up, it says that', async () => {
    const { books, send } = open({ tokens: 1_000 })
    await expect(send({ max_tokens: 2_000 })).rejects.toMatchObject({
      code: 'quota_exceeded',
      message: expect.stringMatching(/1000 tokens per day\) is not enough .* needs 20\d\d\./u) as string,
    })
    expect(books.holds).toEqual([])
    await send()
    await expect(send()).rejects.toMatchObject({
      code: 'quota_exceeded',
      message: expect.stringContaining('is used up') as string,
    })
  })
})

describe('tools that the provider runs', () => {
  const tools = [{ type: 'web_search_20250305', name: 'web_search' }]
  const parallel = async (setting: Setting) => {
    const { books, send } = open({ protocol: 'anthropic-messages', ...setting })
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => send({ max_tokens: 1_000, tools })))
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as object] : []))
    for (const error of refused) expect(error).toMatchObject({ code: 'insufficient_credits', status: 402 })
    return { books, refused: refused.length }
  }

  test('a small balance pays for none of 20 parallel searches, whose results it could not pay', async () => {
    const { books, refused } = await parallel({ credits: 100_000 })
    expect([refused, books.holds.length]).toEqual([20, 0])
  })

  test('as many searches run as the balance pays at full length', async () => {
    const { books, refused } = await parallel({ credits: 3 * 202_000 + 1 })
    expect([refused, books.holds.map(({ max }) => max)]).toEqual([17, [202_000, 202_000, 202_000]])
  })

  test('what they may return is bounded by the window of the model', async () => {
    const { books, refused } = await parallel({ credits: 100_000, model: { contextWindow: 8_000 } })
    expect([refused, books.holds[0]?.max]).toEqual([10, 10_000])
  })

  test('the dry run holds the same', async () => {
    const body = Buffer.from(
      JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'a' }], max_tokens: 1, tools }),
    )
    expect(measureRequest('anthropic-messages', body, model())).toMatchObject({ hostedTools: true, hasTools: true })
  })
})

test('a hold remembers the id that the client gave its request', async () => {
  const { books, send } = open({})
  await send()
  expect(unpackContext(books.holds[0]!.context)).toMatchObject({ clientRequestId: 'mine' })
})

test('without a quota of tokens a free model is not limited', async () => {
  const { send } = open({ model: { free: true, priceAt: () => null } })
  const { sent } = await send()
  expect(sent).not.toHaveProperty('max_tokens')
  expect(sent).not.toHaveProperty('max_completion_tokens')
})

test('an image is estimated as one and held by its bytes', async () => {
  const { books, send } = open({ credits: 1e9 })
  const url = `data:image/png;base64,iVBORw0KGgo${'A'.repeat(1_000_000)}`
  const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
  const { estimatedInputTokens, facts } = await send({ messages, max_tokens: 10 })
  expect(estimatedInputTokens).toBe(765 + 6)
  expect(unpackContext(books.holds[0]!.context)).toMatchObject({ estimatedInputTokens })
  expect(books.holds[0]!.min).toBeGreaterThanOrEqual(facts.scanned.bytes.length)
})

test('an estimate is at most what is held for the prompt', async () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }
  const messages = [{ role: 'user', content: Array.from({ length: 20 }, () => image) }]
  const { estimatedInputTokens, facts } = await open({}).send({ messages })
  expect(estimatedInputTokens).toBe(facts.scanned.bytes.length)
})
