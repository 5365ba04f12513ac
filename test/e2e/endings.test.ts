import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  chatBody,
  chatPath,
  eventually,
  messagesBody,
  messagesPath,
  post,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** Whatever ends an exchange, it is settled once, and the books agree with what the provider did. */
let scene: Scene
beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_IDLE_TIMEOUT: '1s', GATEWAY_FIRST_BYTE_TIMEOUT: '2s' } })
}, 60_000)
afterAll(() => scene.close())

interface Logged {
  id: string
  status: number
  error_code: string | null
  usage_quality: string
  cost: string
  usage?: unknown
}

const newest = (model: string): Promise<Logged> =>
  eventually(async () => (await scene.gateway.call<{ data: Logged[] }>('requests.list', { model, limit: 1 })).data[0])

const protocols = [
  ['openai', chatPath, chatBody],
  ['anthropic', messagesPath, messagesBody],
] as const

/** Starts a streamed request and leaves after `bytes` bytes of the answer (0: as soon as the request is sent). */
const leaveAfter = (path: string, body: object, bytes: number, arrived: () => Promise<unknown>): Promise<void> =>
  new Promise((resolve, reject) => {
    const call = request(scene.gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.key}` },
    })
    const leave = (): void => {
      call.destroy()
      resolve()
    }
    call.on('response', (response) => {
      let seen = 0
      response.on('data', (chunk: Buffer) => {
        seen += chunk.length
        if (seen >= bytes) leave()
      })
      response.on('error', () => {})
      response.on('close', leave)
    })
    call.on('error', () => {})
    call.end(JSON.stringify(body))
    if (bytes === 0) arrived().then(leave, reject)
  })

const attempts = async (model: string): Promise<readonly { outcome: string }[]> =>
  (await scene.provider.log()).filter((attempt) => attempt.model === `real-${model}`)

describe.each(protocols)('%s provider', (protocol, path, bodyOf) => {
  test('a client that leaves in the middle of a stream pays for what was delivered, and the provider is stopped', async () => {
    const model = `${protocol}-leave`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { text: 'word '.repeat(500), chunkDelayMs: 5 })
    await leaveAfter(path, bodyOf(model, { stream: true, max_tokens: 1000 }), 1500, async () => {})
    const logged = await newest(model)
    expect(logged).toMatchObject({ status: 499, error_code: 'client_closed', usage_quality: 'estimated' })
    expect(Number(logged.cost)).toBeGreaterThan(0)
    await eventually(async () => ((await attempts(model))[0]?.outcome === 'closed' ? true : undefined))
  })

  test('a client that leaves before the first byte of a stream does not get its prompt for nothing', async () => {
    const model = `${protocol}-early`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { delayMs: 300, text: 'word '.repeat(50), chunkDelayMs: 5 })
    const arrived = () => eventually(async () => ((await attempts(model)).length > 0 ? true : undefined))
    await leaveAfter(path, bodyOf(model, { stream: true, max_tokens: 1000 }), 0, arrived)
    const logged = await newest(model)
    expect(logged).toMatchObject({ status: 499, usage_quality: 'estimated' })
    expect(Number(logged.cost)).toBeGreaterThan(0)
  })

  test('a client that leaves during a unary call pays what the provider reports', async () => {
    const model = `${protocol}-unary`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { delayMs: 200, usage: { input: 1000, output: 500 } })
    const arrived = () => eventually(async () => ((await attempts(model)).length > 0 ? true : undefined))
    await leaveAfter(path, bodyOf(model, { max_tokens: 1000 }), 0, arrived)
    expect(await newest(model)).toMatchObject({ status: 499, usage_quality: 'exact', cost: '0.002' })
  })

  test.each([
    ['resets the connection', { kind: 'reset', afterBytes: 900 } as const, 'upstream_disconnected'],
    ['ends without its mark', { kind: 'end', afterBytes: 900 } as const, 'upstream_disconnected'],
    ['falls silent', { kind: 'hang', afterBytes: 900 } as const, 'upstream_timeout'],
  ])(
    'a provider that %s in the middle of a stream ends it with an error, and what was delivered is charged',
    async (what, fault, code) => {
      const model = `${protocol}-${fault.kind}`
      await scene.model(model, protocol)
      await scene.provider.script(`real-${model}`, { text: 'word '.repeat(100), fault })
      const answer = await post(scene.gateway, path, scene.key, bodyOf(model, { stream: true, max_tokens: 1000 }))
      expect(answer.status).toBe(200)
      expect(answer.text).toContain('word')
      expect(answer.text).not.toMatch(/\[DONE\]|message_stop|"finish_reason":"stop"/)
      expect(answer.text.trimEnd().split('\n').at(-1)).toMatch(/^data: \{.*error/)
      expect(await newest(model)).toMatchObject({ error_code: code, usage_quality: 'estimated' })
    },
  )

  test('a provider that never reports usage is charged for by what it delivered, flagged', async () => {
    const model = `${protocol}-silent`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { text: 'four words of text', usage: null })
    const answer = await post(scene.gateway, path, scene.key, bodyOf(model, { stream: true, max_tokens: 100 }))
    expect(answer.status).toBe(200)
    expect(await newest(model)).toMatchObject({ status: 200, usage_quality: 'estimated' })
  })

  test('a provider that claims more than the hold never drives a balance below zero', async () => {
    const model = `${protocol}-greedy`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { usage: { input: 10, output: 2_000_000_000 } })
    const answer = await post(scene.gateway, path, scene.key, bodyOf(model, { max_tokens: 10 }))
    expect(answer.status).toBe(200)
    const balance = await scene.gateway.call<{ available: string }>('credits.balance', { user: scene.userId })
    expect(Number(balance.available)).toBeGreaterThanOrEqual(0)
    await scene.gateway.call('credits.grant', { user: scene.userId, amount: '1000' })
  })

  test('the cost is the arithmetic of the usage, told in the header and in the receipt', async () => {
    const model = `${protocol}-exact`
    await scene.model(model, protocol)
    await scene.provider.script(`real-${model}`, { usage: { input: 123, output: 45 } })
    const answer = await post(scene.gateway, path, scene.key, bodyOf(model, { max_tokens: 100 }))
    expect(answer.headers.get('x-gateway-cost')).toBe('0.000213')
    const id = answer.headers.get('x-gateway-request-id')!
    const receipt = await eventually(() =>
      scene.gateway.call('requests.explain', { request: id }).catch(() => undefined),
    )
    expect(JSON.stringify(receipt)).toContain('0.000213')
  })
})

test('a connection that breaks behind the finish mark takes nothing from clients of other protocols', async () => {
  await scene.model('torn', 'openai')
  const said = (fields: object) => `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, ...fields }] })}\n\n`
  const chunks = [said({ delta: { content: 'Whole.' } }), said({ delta: {}, finish_reason: 'stop' })]
  await scene.provider.script('real-torn', { chunks, fault: { kind: 'reset', afterBytes: chunks.join('').length } })
  const messages = await post(scene.gateway, messagesPath, scene.key, messagesBody('torn', { stream: true }))
  expect(messages.text).toMatch(/Whole\..*"stop_reason":"end_turn".*event: message_stop/s)
  const contents = [{ role: 'user', parts: [{ text: 'Say hello.' }] }]
  const gemini = (query: string) =>
    post(scene.gateway, `/v1beta/models/torn:streamGenerateContent${query}`, scene.key, { contents })
  expect((await gemini('?alt=sse')).text).toMatch(/"Whole".*"\.".*"finishReason":"STOP"/s)
  expect(JSON.parse((await gemini('')).text)).toMatchObject([{}, { candidates: [{ finishReason: 'STOP' }] }])
})

test('1 000 clients that vanish leave no call at the provider and no hold', async () => {
  await scene.model('vanish', 'openai')
  await scene.provider.script('real-vanish', { text: 'word '.repeat(2000), chunkDelayMs: 20 })
  const body = chatBody('vanish', { stream: true, max_tokens: 4000 })
  await Promise.all(Array.from({ length: 1000 }, () => leaveAfter(chatPath, body, 300, async () => {})))
  await eventually(async () => ((await verify(scene.gateway)).holds_open === 0 ? true : undefined), 20_000)
  await eventually(
    async () => ((await attempts('vanish')).every(({ outcome }) => outcome !== 'answering') ? true : undefined),
    20_000,
  )
}, 90_000)

test('the ledger is clean after all of it', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})
