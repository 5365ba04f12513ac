import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpoints } from '../../src/core/endpoints/index.ts'
import { proxyRoutes } from '../../src/daemon/proxy/routes.ts'
import { createCustomer } from '../support/gateway.ts'
import { eventually, prices, type Scene, startScene, verify } from '../support/scene.ts'

/**
 * Every route that is served passes the same gates: a key, its limits, credit, the meter, the record. The list comes from the router itself; an endpoint without an
 * example here fails.
 */
let scene: Scene
let good: { key: string; keyId: string }
let poor: { key: string; keyId: string }
let limited: { key: string; keyId: string }
let keptByLimited = ''

/** Whatever is said here is all that may be called without credit. */
const kept = 'What it is about was paid for when it was made.'
const free: Readonly<Record<string, string>> = {
  'response-retrieve': kept,
  'response-delete': kept,
  'response-cancel': kept,
  'response-input-items': kept,
  'anthropic-count-tokens': 'No provider charges for counting.',
  'openai-input-tokens': 'No provider charges for counting.',
  'gemini-count-tokens': 'No provider charges for counting.',
}

interface Example {
  /** Without the model, which is added. A string is an upload. */
  readonly body: object | string
  /** What the provider says; the mock's own answer where that fits. */
  readonly answer?: object | string
  /** It is about a response that was made before. */
  readonly kept?: true
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

const aboutKept: Example = { body: {}, kept: true }

const examples: Readonly<Record<string, Example>> = {
  'response-retrieve': aboutKept,
  'response-delete': aboutKept,
  'response-cancel': aboutKept,
  'response-input-items': aboutKept,
  'openai-chat': { body: { messages } },
  'openai-responses': { body: { input: 'Say hello.' } },
  'anthropic-messages': { body: { messages, max_tokens: 10 }, provider: 'anthropic' },
  gemini: { body: { contents } },
  embeddings: { body: { input: 'a' }, answer: vectors },
  'gemini-embed': { body: { content }, answer: vectors },
  'gemini-batch-embed': {
    body: { requests: [{ model: 'models/route-gemini-batch-embed', content }] },
    answer: vectors,
  },
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

/** `of`: the response that the request is about. */
const send = async ({ method, path, id }: (typeof routes)[number], key: string | null, of = 'resp_none') => {
  const { body } = examples[id]!
  const isUpload = typeof body === 'string'
  const model = modelOf(id)
  const url = path
    .replace('{model}', model)
    .replace('{id}', of)
    .replaceAll(/\{\w+\}/g, 'any')
  const response = await fetch(`${scene.gateway.url}${url}`, {
    method,
    headers: {
      'content-type': isUpload ? `multipart/form-data; boundary=${boundary}` : 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    },
    ...(method === 'POST' && {
      body: isUpload ? upload(model) : JSON.stringify({ ...body, ...(!id.startsWith('gemini') && { model }) }),
    }),
  })
  const text = await response.text()
  return { status: response.status, text, id: response.headers.get('x-gateway-request-id') ?? '' }
}

let keptCount = 0
/** Has a response made that its provider keeps. The mock answers whatever is asked of it later with all that any of these calls wants. */
const keep = async (key: string): Promise<string> => {
  const id = `resp_${keptCount++}`
  const usage = { input_tokens: 3, output_tokens: 1, total_tokens: 4 }
  const message = { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content: [] }
  const response = {
    id,
    object: 'response',
    created_at: 1,
    status: 'completed',
    model: 'real-kept',
    output: [message],
    usage,
  }
  await scene.provider.script('*', { chunks: [JSON.stringify({ ...response, deleted: true, data: [] })] })
  const body = JSON.stringify({ model: 'kept', input: 'Say hello.', store: true })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
  const made = await fetch(`${scene.gateway.url}/v1/responses`, { method: 'POST', headers, body })
  expect({ status: made.status, text: await made.text() }).toMatchObject({ status: 200 })
  return id
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
    await provider.script(`real-${modelOf(id)}`, {
      ...(answer !== undefined && { chunks: [typeof answer === 'string' ? answer : JSON.stringify(answer)] }),
      ...(contentType !== undefined && { headers: { 'content-type': contentType } }),
    })
  }
  await gateway.call('providers.add', {
    name: 'keeping',
    kind: 'openai',
    base_url: provider.url,
    secret: 'sk-provider-0123456789',
  })
  await gateway.call('models.create', { name: 'kept', targets: [{ provider: 'keeping', model: 'real-kept' }], prices })
  // The one request of its minute.
  keptByLimited = await keep(limited.key)
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

describe.each(routes)('$method $path', (route) => {
  const { id } = route
  const isKept = examples[id]?.kept === true
  const isFree = free[id] !== undefined

  test('401 without a key', async () => {
    expect((await send(route, null)).status).toBe(401)
  })

  test('429 when the key has had its requests', async () => {
    const { status, text } = await send(route, limited.key, keptByLimited)
    expect({ status, text }).toMatchObject({ status: 429 })
  })

  test(isFree ? 'no word about credit' : '402 without credit', async () => {
    const { status, text } = await send(route, poor.key)
    // Nobody without credit has had anything made.
    expect({ status, text }).toMatchObject({ status: isKept ? 404 : isFree ? 200 : 402 })
  })

  test('one answer, one record', async () => {
    const about = isKept ? await keep(good.key) : undefined
    const { status, text, id: request } = await send(route, good.key, about)
    expect({ status, text }).toMatchObject({ status: 200 })
    const row = await eventually(() =>
      scene.gateway.call<{ usage_quality: string }>('requests.show', { request }).catch(() => undefined),
    )
    const model = isKept ? 'kept' : modelOf(id)
    expect(row).toMatchObject({ id: request, client_protocol: id, status: 200, model })
    expect(row.usage_quality === 'none').toBe(isFree)
  })
})

test('there are exactly as many records as requests, none of a stranger, and no hold is open', async () => {
  const sent = new Map([
    [good.keyId, routes.length + keptCount - 1],
    [poor.keyId, routes.length],
    [limited.keyId, routes.length + 1],
  ])
  for (const [key, count] of sent) {
    const { data: rows } = await eventually(async () => {
      const list = await records(key)
      return list.data.length >= count ? list : undefined
    })
    expect(rows).toHaveLength(count)
  }
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})

test('whatever was refused was not sent to the provider', async () => {
  const asked = routes.filter(({ id }) => free[id] === undefined || examples[id]?.kept)
  expect(await scene.provider.log()).toHaveLength(asked.length + keptCount)
})
