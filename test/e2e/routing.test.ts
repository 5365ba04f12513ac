import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MockProvider } from '../support/mock-provider.ts'
import { startMockProvider } from '../support/mock-provider.ts'
import { chatBody, chatPath, eventually, messagesBody, messagesPath, post, prices, verify } from '../support/scene.ts'
import { type Scene, startScene } from '../support/scene.ts'

interface Explained {
  readonly request: { readonly model: string; readonly status: number; readonly target_model: string }
  readonly attempts: readonly { provider: string; key: string; model: string; status: number | null; reason?: string }[]
  readonly cost: string
  readonly hold: { readonly state: string } | null
}

let scene: Scene
let second: MockProvider
let silent: Server

beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_CONNECT_TIMEOUT: '300ms' } })
  second = await startMockProvider()
  await scene.gateway.call('providers.add', {
    name: 'second',
    kind: 'openai-compatible',
    base_url: second.url,
    secret: 'sk-second-0123456789',
  })
  // Takes connections and says nothing: a TLS handshake with it never ends.
  silent = createServer((socket) => socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  await scene.gateway.call('providers.add', {
    name: 'silent',
    kind: 'openai-compatible',
    base_url: `https://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`,
    secret: 'sk-silent-0123456789',
  })
})
afterAll(async () => {
  await scene.close()
  await second.stop()
  silent.close()
})

const explain = (headers: Headers): Promise<Explained> =>
  eventually(() =>
    scene.gateway
      .call<Explained>('requests.explain', { request: headers.get('x-gateway-request-id')! })
      .catch(() => undefined),
  )
/** A model whose first target is the scene's provider and whose second is the other one. */
const twoTargets = (name: string, first = 'openai') =>
  scene.gateway.call('models.create', {
    name,
    targets: [`${first}/real-${name}#1`, `second/other-${name}#2`],
    prices,
  })
const asked = async (provider: MockProvider, model: string): Promise<number> =>
  (await provider.log()).filter((attempt) => attempt.model === model).length

describe('a request whose first provider fails before it answers', () => {
  test.each([
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['529', { status: 529 }],
    ['429', { status: 429, headers: { 'retry-after': '1' } }],
    ['404 of the model', { status: 404 }],
    ['an error as the first event', { chunks: ['data: {"error":{"message":"overloaded","code":503}}\n\n'] }],
  ])('with %s is answered by the second, charged once, and both are told of', async (what, behaviour) => {
    for (const stream of [false, true]) {
      if (!stream && 'chunks' in behaviour) continue
      await scene.gateway.call('provider_keys.clear_cooldowns')
      const name = `fails-${what.replaceAll(/\W/g, '-')}-${stream}`
      await twoTargets(name)
      await scene.provider.script(`real-${name}`, behaviour)
      const answer = await post(scene.gateway, chatPath, scene.key, chatBody(name, { stream, max_tokens: 50 }))
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('Hello')
      expect(answer.text).not.toContain(`other-${name}`)
      const told = await explain(answer.headers)
      expect(told.attempts.map(({ provider }) => provider)).toEqual(['openai', 'second'])
      expect(told.attempts[0]!.reason).toBeTruthy()
      expect(told.request).toMatchObject({ status: 200, target_model: `other-${name}` })
      expect(told.hold!.state).toBe('posted')
      expect(Number(told.cost)).toBe(0.00002)
    }
  })

  test('crosses to the other protocol on the way', async () => {
    await twoTargets('crosses', 'anthropic')
    await scene.provider.script('real-crosses', { status: 500 })
    const answer = await post(scene.gateway, messagesPath, scene.key, messagesBody('crosses', { stream: true }))
    expect(answer.status).toBe(200)
    expect(answer.text).toMatch(/Hello.*event: message_stop/s)
  })

  test('gets the last error when the second fails too, and pays nothing', async () => {
    await twoTargets('both')
    await scene.provider.script('real-both', { status: 500 })
    await second.script('other-both', { status: 503 })
    const answer = await post(scene.gateway, chatPath, scene.key, chatBody('both'))
    expect(answer.status).toBe(503)
    const told = await explain(answer.headers)
    expect(told.attempts.map(({ status }) => status)).toEqual([500, 503])
    expect(told).toMatchObject({ cost: '0', hold: { state: 'voided' } })
  })
})

describe('nobody else is asked', () => {
  test.each([
    ["the client's own mistake", { status: 400 }, false, 400],
    ['a body that is too large', { status: 413 }, false, 400],
    [
      'a stream that breaks after its first word',
      { text: 'One two three four five', fault: { kind: 'reset', afterBytes: 900 } },
      true,
      200,
    ],
    ['an answer that breaks in its middle', { fault: { kind: 'reset', afterBytes: 20 } }, false, 502],
    ['a connection that ends after the request was sent', { fault: { kind: 'reset' } }, false, 502],
    ['200 with something that is no answer', { chunks: ['<html>'] }, false, 502],
  ] as const)('after %s', async (what, behaviour, stream, status) => {
    const name = `once-${what.replaceAll(/\W/g, '-')}`
    await twoTargets(name)
    await scene.provider.script(`real-${name}`, behaviour)
    const answer = await post(scene.gateway, chatPath, scene.key, chatBody(name, { stream }))
    expect(answer.status).toBe(status)
    expect(await asked(second, `other-${name}`)).toBe(0)
    expect((await explain(answer.headers)).attempts).toHaveLength(1)
  })

  test('after an upload, which was sent while it came', async () => {
    await twoTargets('upload')
    await scene.provider.script('real-upload', { status: 500 })
    const form = new FormData()
    form.set('model', 'upload')
    form.set('file', new Blob(['a'.repeat(1000)]), 'a.mp3')
    const headers = { authorization: `Bearer ${scene.key}` }
    const url = `${scene.gateway.url}/v1/audio/transcriptions`
    const answer = await fetch(url, { method: 'POST', headers, body: form })
    expect(answer.status).toBe(502)
    expect(await asked(second, 'other-upload')).toBe(0)
  })

  test('after a client that left; nothing is held against the provider', async () => {
    await twoTargets('leaves')
    await scene.provider.script('real-leaves', { chunkDelayMs: 20, text: 'word '.repeat(100) })
    for (let count = 0; count < 8; count++) {
      const left = new AbortController()
      const answer = await fetch(scene.gateway.url + chatPath, {
        method: 'POST',
        headers: { authorization: `Bearer ${scene.key}`, 'content-type': 'application/json' },
        body: JSON.stringify(chatBody('leaves', { stream: true })),
        signal: left.signal,
      })
      await answer.body!.getReader().read()
      left.abort()
    }
    await eventually(async () =>
      (await scene.provider.log()).filter(({ model, outcome }) => model === 'real-leaves' && outcome === 'closed')
        .length === 8
        ? true
        : undefined,
    )
    expect(await asked(second, 'other-leaves')).toBe(0)
    const route = await scene.gateway.call('models.route', { model: 'leaves' })
    expect(route).toMatchObject({ target: { provider: 'openai' }, targets: [{ healthy: true, health: null }, {}] })
  })

  test('after a provider that took the request and is silent: it may be at work', async () => {
    await scene.gateway.call('providers.update', { provider: 'openai', timeout_ms: 200 })
    await twoTargets('silent-after')
    await scene.provider.script('real-silent-after', { fault: { kind: 'hang' } })
    const answer = await post(scene.gateway, chatPath, scene.key, chatBody('silent-after'))
    await scene.gateway.call('providers.update', { provider: 'openai', timeout_ms: 60_000 })
    expect(answer.status).toBe(504)
    expect(await asked(second, 'other-silent-after')).toBe(0)
  })
})

test('with ten keys of which three are rate-limited no client hears of it, and the three are left alone', async () => {
  await scene.gateway.call('providers.add', {
    name: 'pool',
    kind: 'openai-compatible',
    base_url: second.url,
    secret: 'sk-pool-0',
  })
  for (let key = 1; key < 10; key++)
    await scene.gateway.call('provider_keys.add', { provider: 'pool', secret: `sk-pool-${key}`, label: `k${key}` })
  const limited = ['sk-pool-2', 'sk-pool-5', 'sk-pool-7']
  for (const secret of limited)
    await second.script(`Bearer ${secret}`, { status: 429, headers: { 'retry-after': '600' } })
  await scene.gateway.call('models.create', { name: 'pooled', targets: ['pool/real-pooled'], prices })
  const statuses = new Set<number>()
  const worker = async (): Promise<void> => {
    for (let count = 0; count < 10; count++) {
      const stream = count % 2 === 0
      statuses.add(
        (await post(scene.gateway, chatPath, scene.key, chatBody('pooled', { stream, max_tokens: 20 }))).status,
      )
    }
  }
  await Promise.all(Array.from({ length: 20 }, worker))
  expect([...statuses]).toEqual([200])
  const log = (await second.log()).filter(({ model }) => model === 'real-pooled')
  const used = Map.groupBy(log, ({ headers }) => String(headers.authorization))
  expect(used.size).toBe(10)
  for (const secret of limited) expect(used.get(`Bearer ${secret}`)!.length).toBeLessThanOrEqual(20)

  const { keys } = await scene.gateway.call<{ keys: { label: string; seconds_left: number }[] }>(
    'provider_keys.cooldowns',
  )
  expect(keys.map(({ label }) => label)).toEqual(['k2', 'k5', 'k7'])
  for (const { seconds_left: left } of keys) expect(left).toBeGreaterThan(500)
  const route = await scene.gateway.call<{ targets: object[] }>('models.route', { model: 'pooled' })
  expect(route.targets).toMatchObject([
    { keys: 10, keys_ready: 7, healthy: true, health: expect.stringContaining('rate-limited') },
  ])
  expect(await scene.gateway.call('provider_keys.clear_cooldowns', { key: 'pool/k2' })).toEqual({ cleared: 1 })
  expect(await scene.gateway.call('provider_keys.clear_cooldowns')).toEqual({ cleared: 2 })
})

test('a key that is not accepted rests, the client is served, and the operator is told without the secret', async () => {
  await scene.gateway.call('providers.add', {
    name: 'stale',
    kind: 'openai-compatible',
    base_url: second.url,
    secret: 'sk-stale-0123456789',
  })
  await second.script('Bearer sk-stale-0123456789', { status: 401 })
  await twoTargets('stale', 'stale')
  for (let count = 0; count < 3; count++) {
    const answer = await post(scene.gateway, chatPath, scene.key, chatBody('stale'))
    expect(answer.status).toBe(200)
  }
  expect(await asked(second, 'real-stale')).toBe(1)
  const { keys } = await scene.gateway.call<{ keys: object[] }>('provider_keys.cooldowns')
  expect(keys).toMatchObject([{ provider: 'stale', reason: 'not accepted by the provider (401 or 403)' }])
  await eventually(async () => (scene.gateway.log().includes('upstream_auth_failed') ? true : undefined))
  expect(scene.gateway.log()).not.toContain('sk-stale')
  await scene.gateway.call('provider_keys.clear_cooldowns')
})

test('when every key of a pool is rate-limited clients are told when to come back', async () => {
  await scene.gateway.call('providers.add', {
    name: 'dry',
    kind: 'openai-compatible',
    base_url: second.url,
    secret: 'sk-dry-0',
  })
  await scene.gateway.call('provider_keys.add', { provider: 'dry', secret: 'sk-dry-1' })
  for (const secret of ['sk-dry-0', 'sk-dry-1'])
    await second.script(`Bearer ${secret}`, { status: 429, headers: { 'retry-after': '120' } })
  await scene.gateway.call('models.create', { name: 'dry', targets: ['dry/real-dry'], prices })
  const first = await post(scene.gateway, chatPath, scene.key, chatBody('dry'))
  expect(first.status).toBe(503)
  const next = await post(scene.gateway, chatPath, scene.key, chatBody('dry'))
  expect(next.status).toBe(503)
  expect(Number(next.headers.get('retry-after'))).toBeGreaterThan(100)
  expect(await asked(second, 'real-dry')).toBe(2)
})

test('a long prompt stays at its key', async () => {
  await scene.gateway.call('models.create', { name: 'sticky', targets: ['pool/real-sticky'], prices })
  const ask = (system: string, content: string) =>
    post(scene.gateway, chatPath, scene.key, {
      model: 'sticky',
      max_tokens: 10,
      messages: [
        { role: 'system', content: system.repeat(300) },
        { role: 'user', content },
      ],
    })
  for (let turn = 0; turn < 5; turn++)
    for (const agent of ['a', 'b', 'c', 'd']) await ask(`I am agent ${agent}. `, `turn ${turn}`)
  const log = (await second.log()).filter(({ model, status }) => model === 'real-sticky' && status === 200)
  const keysOf = Map.groupBy(log, ({ body }) => /agent (\w)/.exec(body)![1])
  expect([...keysOf.values()].map((rows) => new Set(rows.map(({ headers }) => headers.authorization)).size)).toEqual([
    1, 1, 1, 1,
  ])
})

test('with three targets of which one fails half the time and one cannot be connected to, 500 of 500 requests succeed and the books agree', async () => {
  await scene.gateway.call('provider_keys.clear_cooldowns')
  await scene.gateway.call('models.create', {
    name: 'three',
    targets: ['openai/real-three', 'silent/real-three', 'second/other-three'],
    strategy: 'weighted',
    prices,
  })
  await scene.provider.script(
    'real-three',
    Array.from({ length: 1000 }, (_, turn) => (turn % 2 === 0 ? { status: 500 } : {})),
  )
  const before = await scene.gateway.call<{ available: string }>('credits.balance', { user: scene.userId })
  const statuses: number[] = []
  const ids: string[] = []
  const worker = async (): Promise<void> => {
    for (let count = 0; count < 25; count++) {
      const stream = count % 2 === 0
      const answer = await post(scene.gateway, chatPath, scene.key, chatBody('three', { stream, max_tokens: 20 }))
      statuses.push(answer.status)
      if (!stream) ids.push(answer.headers.get('x-gateway-cost') ?? '')
    }
  }
  await Promise.all(Array.from({ length: 20 }, worker))
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(statuses).toHaveLength(500)
  expect(new Set(ids)).toEqual(new Set(['0.00002']))
  // 10 tokens in and 5 out for each, and nothing for what failed on the way.
  const after = await scene.gateway.call<{ available: string }>('credits.balance', { user: scene.userId })
  expect(Math.round((Number(before.available) - Number(after.available)) * 1e9)).toBe(500 * 20_000)
  const answered = [...(await scene.provider.log()), ...(await second.log())].filter(
    ({ model, status }) => status === 200 && (model === 'real-three' || model === 'other-three'),
  )
  expect(answered).toHaveLength(500)
  expect(new Set(answered.map(({ id }) => id)).size).toBe(500)
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0, problems: [] })
  const route = await scene.gateway.call<{ targets: { provider: string; healthy: boolean }[] }>('models.route', {
    model: 'three',
  })
  expect(route.targets.find(({ provider }) => provider === 'silent')).toMatchObject({ healthy: false })
})
