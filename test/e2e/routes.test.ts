import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpoints } from '../../src/core/endpoints/index.ts'
import { proxyRoutes } from '../../src/daemon/proxy/routes.ts'
import { createCustomer } from '../support/gateway.ts'
import { eventually, type Scene, startScene, verify } from '../support/scene.ts'

/**
 * Every route that is served passes the same gates: a key, its limits, credit, the meter, the record. The list comes from the router itself; an endpoint without an
 * example here fails.
 */
let scene: Scene
let good: { key: string; keyId: string }
let poor: { key: string; keyId: string }
let limited: { key: string; keyId: string }

/** Whatever is said here is all that may be called without credit. */
const free: Readonly<Record<string, string>> = {
  'anthropic-count-tokens': 'No provider charges for counting.',
  'openai-input-tokens': 'No provider charges for counting.',
  'gemini-count-tokens': 'No provider charges for counting.',
}

interface Example {
  /** Without the model, which is added. A string is an upload. */
  readonly body: object | string
  /** What the provider says; the mock's own answer where that fits. */
  readonly answer?: object | string
  /** The protocol of the provider behind the model; OpenAI's is the default. */
  readonly provider?: 'anthropic'
  readonly contentType?: string
}

const boundary = 'XyZ'
const upload = (model: string) =>
  ['model', 'prompt']
    .map(
      (name) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${name === 'model' ? model : 'a hat'}\r\n`,
    )
    .join('') +
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\nxyz\r\n--${boundary}--\r\n`

const messages = [{ role: 'user', content: 'Say hello.' }]
const contents = [{ role: 'user', parts: [{ text: 'Say hello.' }] }]
const content = { parts: [{ text: 'a' }] }
const data = [{ object: 'embedding', index: 0, embedding: [1] }]
const vectors = { object: 'list', data, usage: { prompt_tokens: 3, total_tokens: 3 } }
const images = { created: 1, data: [{ b64_json: 'AA==' }] }
const choices = [{ text: 'hello', index: 0, logprobs: null, finish_reason: 'stop' }]

const examples: Readonly<Record<string, Example>> = {
  'openai-chat': { body: { messages } },
  'openai-responses': { body: { input: 'Say hello.' } },
  'anthropic-messages': { body: { messages, max_tokens: 10 }, provider: 'anthropic' },
  gemini: { body: { contents } },
  embeddings: { body: { input: 'a' }, answer: vectors },
  'gemini-embed': { body: { content }, answer: vectors },
  'gemini-batch-embed': { body: { requests: [{ model: 'models/x', content }] }, answer: vectors },
  completions: { body: { prompt: 'a' }, answer: { object: 'text_completion', choices } },
  moderations: { body: { input: 'a' }, answer: { results: [{ flagged: false }] } },
  rerank: { body: { query: 'a', documents: ['b'] }, answer: { results: [{ index: 0, relevance_score: 1 }] } },
  'image-generations': { body: { prompt: 'a' }, answer: images },
  'image-edits': { body: 'upload', answer: images },
  'image-variations': { body: 'upload', answer: images },
  'audio-speech': { body: { input: 'a', voice: 'alloy' }, answer: 'ID3', contentType: 'audio/mpeg' },
  'audio-transcriptions': { body: 'upload', answer: { text: 'hello' } },
  'audio-translations': { body: 'upload', answer: { text: 'hello' } },
  'anthropic-count-tokens': { body: { messages } },
  'openai-input-tokens': { body: { input: 'Say hello.' } },
  'gemini-count-tokens': { body: { contents } },
}

const routes = proxyRoutes.flatMap(({ method, path, route }) =>
  route.kind === 'exchange' ? [{ method, path, id: route.endpoint.id }] : [],
)
const modelOf = (id: string): string => `route-${id}`

const send = async (path: string, id: string, key: string | null) => {
  const { body } = examples[id]!
  const isUpload = typeof body === 'string'
  const model = modelOf(id)
  const url = path.replace('{model}', model).replaceAll(/\{\w+\}/g, 'any')
  const response = await fetch(`${scene.gateway.url}${url}`, {
    method: 'POST',
    headers: {
      'content-type': isUpload ? `multipart/form-data; boundary=${boundary}` : 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    },
    body: isUpload ? upload(model) : JSON.stringify({ ...body, ...(!id.startsWith('gemini') && { model }) }),
  })
  const text = await response.text()
  return { status: response.status, text, id: response.headers.get('x-gateway-request-id') ?? '' }
}
const records = (key: string) =>
  scene.gateway.call<{ data: { id: string; model: string }[] }>('requests.list', {
    key,
    limit: 500,
  })

beforeAll(async () => {
  scene = await startScene()
  const { gateway, provider } = scene
  good = await createCustomer(gateway)
  poor = await createCustomer(gateway, { credits: '0' })
  limited = await createCustomer(gateway, { key: { rpm: 1 } })
  for (const [id, example] of Object.entries(examples)) {
    await scene.model(modelOf(id), example.provider ?? 'openai')
    const { answer, contentType } = example
    if (answer === undefined) continue
    await provider.script(`real-${modelOf(id)}`, {
      chunks: [typeof answer === 'string' ? answer : JSON.stringify(answer)],
      ...(contentType !== undefined && { headers: { 'content-type': contentType } }),
    })
  }
  // The one request of its minute.
  await send('/v1/chat/completions', 'openai-chat', limited.key)
}, 60_000)
afterAll(() => scene.close())

test('every endpoint is served somewhere and has an example', () => {
  expect(routes.length).toBeGreaterThan(20)
  for (const { id } of routes) expect(Object.keys(examples)).toContain(id)
  const served = new Set(routes.map(({ id }) => id))
  expect(endpoints.map(({ id }) => id).filter((id) => !served.has(id))).toEqual([])
})

test('only what is said to be is free, for the reason that is given', () => {
  for (const { id, free: reason } of endpoints) expect(reason, id).toBe(free[id])
})

describe.each(routes)('$method $path', ({ path, id }) => {
  test('401 without a key', async () => {
    expect((await send(path, id, null)).status).toBe(401)
  })

  test('429 when the key has had its requests', async () => {
    const { status, text } = await send(path, id, limited.key)
    expect({ status, text }).toMatchObject({ status: 429 })
  })

  test(free[id] === undefined ? '402 without credit' : 'an answer without credit', async () => {
    const { status, text } = await send(path, id, poor.key)
    expect({ status, text }).toMatchObject({ status: free[id] === undefined ? 402 : 200 })
  })

  test('one answer, one record', async () => {
    const { status, text, id: request } = await send(path, id, good.key)
    expect({ status, text }).toMatchObject({ status: 200 })
    const row = await eventually(() =>
      scene.gateway.call<{ usage_quality: string }>('requests.show', { request }).catch(() => undefined),
    )
    expect(row).toMatchObject({ id: request, client_protocol: id, status: 200, model: modelOf(id) })
    expect(row.usage_quality === 'none').toBe(free[id] !== undefined)
  })
})

test('there are exactly as many records as requests, none of a stranger, and no hold is open', async () => {
  for (const { keyId } of [good, poor]) {
    const { data: rows } = await eventually(async () => {
      const list = await records(keyId)
      return list.data.length >= routes.length ? list : undefined
    })
    expect(rows).toHaveLength(routes.length)
    const count = (ids: readonly string[]) => ids.toSorted().join()
    expect(count(rows.map((row) => row.model))).toBe(count(routes.map(({ id }) => modelOf(id))))
  }
  expect((await records(limited.keyId)).data).toHaveLength(routes.length + 1)
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})

test('whatever was refused was not sent to the provider', async () => {
  const log = await scene.provider.log()
  const paid = routes.filter(({ id }) => free[id] === undefined)
  // Once for each route by the good key, and the one request of the limited key.
  expect(log).toHaveLength(paid.length + 1)
})
