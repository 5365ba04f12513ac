import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { decodeStream } from '../../support/recordings.ts'
import { eventually, prices, type Scene, startScene } from '../../support/scene.ts'
import { chat, named } from '../support/lines.ts'
import {
  begun,
  calls,
  events,
  exhausted,
  providers,
  refusals,
  spoken,
  type Spoken,
  sse,
} from '../support/provider-streams.ts'

/** Cases of the protocols reference, part 16, that are about HTTP: a running gateway between a client's connection and a provider's. */
let scene: Scene
const secret = 'sk-provider-0123456789'
beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_IDLE_TIMEOUT: '5s' } })
  const base_url = scene.provider.url
  await scene.gateway.call('providers.add', { name: 'google', kind: 'gemini', base_url, secret })
  await scene.gateway.call('providers.add', {
    name: 'responses',
    kind: 'openai',
    base_url,
    secret,
    speaks: ['openai-responses'],
  })
  await scene.gateway.call('providers.add', { name: 'chat', kind: 'openai', base_url, secret, speaks: ['openai-chat'] })
}, 60_000)
afterAll(() => scene.close())

let made = 0
/** A model of its own for one test, with what the provider does when it is asked. */
const model = async (provider: Spoken, behaviour: Parameters<Scene['provider']['script']>[1]): Promise<string> => {
  const name = `m${made++}`
  await scene.gateway.call('models.create', {
    name,
    targets: [{ provider: providers[provider], model: `real-${name}` }],
    prices,
  })
  // Gemini tells the model in the path, where the mock does not look.
  await scene.provider.script(provider === 'gemini' ? '*' : `real-${name}`, behaviour)
  return name
}

const clients = protocols.map(({ id }) => id)

interface Heard {
  readonly status: number
  readonly text: string
  /** The connection broke before the message ended. */
  readonly broken: boolean
}

const ask = (client: ProtocolId, name: string): Promise<Heard> =>
  new Promise((resolve, reject) => {
    const { path, body } = calls[client]!(name)
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${scene.key}` }
    const call = request(scene.gateway.url + path, { method: 'POST', headers, agent: false }, (response) => {
      let text = ''
      const done = (broken: boolean) => resolve({ status: response.statusCode ?? 0, text, broken })
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => done(false))
      response.on('error', () => done(true))
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })

describe('a refusal inside a 200', () => {
  test.each(clients.flatMap((client) => spoken.map((provider) => [client, provider] as const)))(
    'case 23: is an error of its own status for a client of %s, from a provider of %s',
    async (client, provider) => {
      const name = await model(provider, { chunks: events(refusals[provider]), headers: sse })
      const { status, text } = await ask(client, name)
      expect({ status, text }).toMatchObject({ status: 503 })
      expect(text).toContain('error')
      expect(text).not.toMatch(/end_turn|"finish_reason":"stop"|"finishReason":"STOP"|response\.completed/)
    },
  )
})

/** A stream that shows its beginning and then an error its client can read, and nothing that looks like an end. */
const expectBrokenOff = (client: ProtocolId, { status, text, broken }: Heard): void => {
  expect(status).toBe(200)
  const told = decodeStream(protocolById(client), [Buffer.from(text)])
  expect(told.some((event) => event.type === 'block-delta' && event.delta.kind === 'text')).toBe(true)
  expect(told.some(({ type }) => type === 'finish')).toBe(false)
  expect(text).not.toMatch(/\[DONE\]|message_stop|response\.completed/)
  // Clients of Gemini take a clean end for a whole answer whatever stands in front of it.
  expect(broken).toBe(protocolById(client).breaksAfterStreamError === true)
  const last = text
    .trimEnd()
    .split(/\r?\n\r?\n/)
    .at(-1)!
  switch (client) {
    case 'openai-chat':
      expect(last).toMatch(/^data: \{"error":\{/)
      break
    case 'anthropic-messages':
      expect(last).toMatch(/^event: error\ndata: \{"type":"error","error":\{"type":"\w+","message":/)
      break
    case 'openai-responses':
      expect(text).toMatch(/event: error\ndata: \{"type":"error"/)
      expect(last).toMatch(/^event: response\.failed\n/)
      break
    case 'gemini':
      expect(last).toMatch(/^data: \{"error":\{"code":\d+,/)
      break
    case 'bedrock-converse':
      throw new Error('no client speaks it')
  }
}

describe('a provider that is gone in the middle', () => {
  test.each(clients.flatMap((client) => spoken.map((provider) => [client, provider] as const)))(
    'case 24: is an error and no end for a client of %s, from a provider of %s',
    async (client, provider) => {
      const chunks = begun[provider]
      const afterBytes = chunks.join('').length
      // The last byte is out before the connection is reset: what was told arrives.
      const name = await model(provider, {
        chunks: [...chunks, ' '],
        headers: sse,
        chunkDelayMs: 30,
        fault: { kind: 'reset', afterBytes },
      })
      expectBrokenOff(client, await ask(client, name))
    },
  )
})

describe('a provider that fails in the middle', () => {
  test.each(clients.flatMap((client) => spoken.map((provider) => [client, provider] as const)))(
    'case 25: is told in the words of a client of %s, from a provider of %s',
    async (client, provider) => {
      const last =
        provider === 'openai-responses'
          ? events(named({ ...exhausted, sequence_number: 4 }))
          : events(refusals[provider])
      const name = await model(provider, { chunks: [...begun[provider], ...last], headers: sse })
      expectBrokenOff(client, await ask(client, name))
    },
  )
})

describe('signs of life', () => {
  const frames = events(
    chat.stream(chat.delta({ role: 'assistant', content: 'a' }), chat.delta({ content: 'b' }), chat.delta({}, 'stop')),
  )
  test.each(clients)('case 29: a client of %s gets whole blocks, comments between them at most', async (client) => {
    const chunks = frames.flatMap((frame) => [': OPENROUTER PROCESSING\n\n', frame.slice(0, 20), frame.slice(20)])
    const name = await model('openai-chat', { chunks, headers: sse })
    const { status, text } = await ask(client, name)
    expect(status).toBe(200)
    const blocks = text.split(/\r?\n\r?\n/).filter((block) => block !== '')
    for (const block of blocks) expect(block).toMatch(/^(?:: [^\n]*|(?:event: [^\n]+\n)?data: [^\n]+)$/)
    // Other protocols' clients are spared them.
    if (client !== 'openai-chat') expect(text).not.toContain('PROCESSING')
    const told = decodeStream(protocolById(client), [Buffer.from(text)])
    expect(told.some(({ type }) => type === 'finish')).toBe(true)
  })
})

test('case 49: the name of an uploaded file stays', async () => {
  const name = await model('openai-chat', {
    chunks: ['{"text":"Hello."}'],
    headers: { 'content-type': 'application/json' },
  })
  const form = new FormData()
  form.set('model', name)
  form.set('file', new Blob([Buffer.alloc(2000, 1)], { type: 'audio/mpeg' }), 'Gespräch 1.mp3')
  const response = await fetch(`${scene.gateway.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.key}` },
    body: form,
  })
  expect(await response.text()).toContain('Hello.')
  expect((await scene.provider.log()).at(-1)?.body).toContain('filename="Gespräch 1.mp3"')
})

describe('a client that has left', () => {
  const leave = async (name: string): Promise<() => Promise<readonly { outcome: string }[]>> => {
    const attempts = async () => (await scene.provider.log()).filter((attempt) => attempt.model === `real-${name}`)
    const { path, body } = calls['openai-chat']!(name)
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${scene.key}` }
    const call = request(scene.gateway.url + path, { method: 'POST', headers, agent: false })
    call.on('error', () => {})
    call.end(JSON.stringify(body))
    await eventually(async () => ((await attempts()).length > 0 ? true : undefined))
    call.destroy()
    return attempts
  }
  /** The record is written when all is over. */
  const over = (name: string) =>
    eventually(
      async () => (await scene.gateway.call<{ data: unknown[] }>('requests.list', { model: name, limit: 1 })).data[0],
    )

  test('case 52: nobody is asked again for it, though the provider said when to', async () => {
    const busy = {
      status: 503,
      headers: { 'retry-after': '1' },
      chunks: ['{"error":{"message":"busy"}}'],
      delayMs: 300,
    }
    const name = await model('openai-chat', [{ ...busy, times: 1 }, { text: 'late' }])
    const attempts = await leave(name)
    await over(name)
    expect(await attempts()).toHaveLength(1)
  })

  test('case 52: an answer that has begun is stopped', async () => {
    const name = await model('openai-chat', { text: 'word '.repeat(500), chunkDelayMs: 20 })
    const attempts = await leave(name)
    await over(name)
    await eventually(async () => ((await attempts())[0]?.outcome === 'closed' ? true : undefined))
    expect(await attempts()).toHaveLength(1)
  })
})
