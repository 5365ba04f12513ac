import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, post, prices, type Scene, startScene, verify } from '../support/scene.ts'

/** Side endpoints with the official SDKs against the running daemon, in front of a provider that answers as recorded ones do. */
let scene: Scene
let openai: OpenAI
let anthropic: Anthropic
let google: GoogleGenAI

const script = (model: string, answer: object | string, more: object = {}) =>
  scene.provider.script(`real-${model}`, {
    chunks: [typeof answer === 'string' ? answer : JSON.stringify(answer)],
    ...more,
  })
interface Row {
  readonly client_protocol: string
  readonly status: number
  readonly usage_quality: string
  readonly cost: string
}
const lastRow = (id: string): Promise<Row> =>
  eventually(async () => scene.gateway.call<Row>('requests.show', { request: id }).catch(() => undefined))

beforeAll(async () => {
  scene = await startScene()
  const { gateway, key } = scene
  for (const name of ['embed', 'old', 'mod', 'rank', 'image', 'count-openai']) await scene.model(name, 'openai')
  await scene.model('count', 'anthropic')
  await scene.model('count-broken', 'anthropic')
  const secret = 'AIza-provider-0123456789'
  await gateway.call('providers.add', { name: 'google', kind: 'gemini', base_url: scene.provider.url, secret })
  for (const name of ['embed-google', 'count-google'])
    await gateway.call('models.create', { name, targets: [{ provider: 'google', model: `real-${name}` }], prices })
  await gateway.call('providers.add', { name: 'real-openai', kind: 'openai', base_url: scene.provider.url, secret })
  await gateway.call('models.create', {
    name: 'count-responses',
    targets: [{ provider: 'real-openai', model: 'real-count-responses' }],
    prices,
  })
  google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: gateway.url } })
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
  anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 })
}, 60_000)
afterAll(() => scene.close())

describe('embeddings', () => {
  const vector = [0.5, -0.25, 0.125]
  const answer = (embedding: unknown) => ({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding }],
    model: 'real-embed',
    usage: { prompt_tokens: 4, total_tokens: 4 },
  })

  test('the SDK, which asks for base64 on its own, reads the numbers of a provider that knows nothing else', async () => {
    await script('embed', answer(vector))
    const { data, response } = await openai.embeddings.create({ model: 'embed', input: 'hello' }).withResponse()
    expect(data.data[0]?.embedding).toEqual(vector)
    expect(data.model).toBe('embed')
    expect(response.headers.get('x-gateway-cost')).toBe('0.000004')
    const [asked] = (await scene.provider.log()).filter(({ model }) => model === 'real-embed')
    expect(asked).toMatchObject({ path: '/v1/embeddings' })
    expect(JSON.parse(asked!.body)).toEqual({ model: 'real-embed', input: 'hello' })
    expect(await lastRow(response.headers.get('x-gateway-request-id')!)).toMatchObject({
      client_protocol: 'embeddings',
      status: 200,
      usage_quality: 'exact',
    })
  })

  test('and numbers when they were asked for and base64 came', async () => {
    await script('embed', answer(Buffer.from(Float32Array.from(vector).buffer).toString('base64')))
    const { data } = await openai.embeddings.create({ model: 'embed', input: [1, 2], encoding_format: 'float' })
    expect(data[0]?.embedding).toEqual(vector)
  })

  test('a provider that speaks another protocol has none: 400', async () => {
    await expect(openai.embeddings.create({ model: 'count', input: 'a' })).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_endpoint',
    })
  })
})

describe('completions', () => {
  test('whole, with the limit that was held', async () => {
    const choices = [{ text: ' world', index: 0, logprobs: null, finish_reason: 'stop' }]
    const usage = { prompt_tokens: 2, completion_tokens: 1, total_tokens: 3 }
    await script('old', { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'real-old', choices, usage })
    const answer = await openai.completions.create({ model: 'old', prompt: 'hello' })
    expect(answer).toMatchObject({ model: 'old', choices, usage })
    expect(JSON.parse((await scene.provider.log()).at(-1)!.body)).toMatchObject({ max_tokens: 16 })
  })

  test('as a stream', async () => {
    const chunk = (text: string, finish: string | null, more = '') =>
      `data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"real-old","choices":[{"text":"${text}","index":0,"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]${more}}\n\n`
    const usage =
      'data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"real-old","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2,"total_tokens":4}}\n\n'
    await scene.provider.script('real-old', {
      chunks: [chunk('Hel', null), chunk('lo', 'stop'), usage, 'data: [DONE]\n\n'],
    })
    let text = ''
    const { data: stream, response } = await openai.completions
      .create({ model: 'old', prompt: 'x', stream: true })
      .withResponse()
    for await (const part of stream) {
      expect(part.model).toBe('old')
      expect(part.usage ?? null).toBeNull()
      text += part.choices[0]?.text ?? ''
    }
    expect(text).toBe('Hello')
    expect(await lastRow(response.headers.get('x-gateway-request-id')!)).toMatchObject({
      client_protocol: 'completions',
      usage_quality: 'exact',
      cost: '0.000006',
    })
  })
})

test('moderations are charged by our own count', async () => {
  const results = [{ flagged: false, categories: {}, category_scores: {} }]
  await script('mod', { id: 'modr-1', model: 'real-mod', results })
  const { data, response } = await openai.moderations.create({ model: 'mod', input: 'twelve chars' }).withResponse()
  expect(data).toMatchObject({ model: 'mod', results })
  expect(await lastRow(response.headers.get('x-gateway-request-id')!)).toMatchObject({
    client_protocol: 'moderations',
    usage_quality: 'estimated',
    cost: '0.000003',
  })
})

test('reranking', async () => {
  const results = [{ index: 1, relevance_score: 0.9 }]
  await script('rank', { model: 'real-rank', results, usage: { total_tokens: 12 } })
  const body = { model: 'rank', query: 'a', documents: ['b', 'c'], top_n: 1 }
  const { status, text, headers } = await post(scene.gateway, '/v1/rerank', scene.key, body)
  expect({ status, body: JSON.parse(text) }).toMatchObject({ status: 200, body: { model: 'rank', results } })
  expect(headers.get('x-gateway-cost')).toBe('0.000012')
})

describe('images', () => {
  const usage = {
    input_tokens: 10,
    output_tokens: 1056,
    total_tokens: 1066,
    input_tokens_details: { text_tokens: 10, image_tokens: 0 },
  }

  test('whole', async () => {
    await script('image', { created: 1, data: [{ b64_json: 'AA==' }], usage })
    const { data, response } = await openai.images.generate({ model: 'image', prompt: 'a cat' }).withResponse()
    expect(data.data?.[0]?.b64_json).toBe('AA==')
    expect(response.headers.get('x-gateway-cost')).toBe('0.002122')
  })

  test('as a stream of previews', async () => {
    const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
    await scene.provider.script('real-image', {
      chunks: [
        event('image_generation.partial_image', { b64_json: 'A'.repeat(300_000), partial_image_index: 0 }),
        event('image_generation.completed', { b64_json: 'B'.repeat(300_000), usage }),
      ],
    })
    const { data: stream, response } = await openai.images
      .generate({ model: 'image', prompt: 'a cat', stream: true, partial_images: 1 })
      .withResponse()
    const types: string[] = []
    for await (const part of stream) types.push(part.type)
    expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    expect(await lastRow(response.headers.get('x-gateway-request-id')!)).toMatchObject({
      client_protocol: 'image-generations',
      usage_quality: 'exact',
      cost: '0.002122',
    })
  })
})

describe('counting', () => {
  const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }]

  test('by the provider where it can', async () => {
    await script('count', { input_tokens: 14 })
    const { data, response } = await anthropic.messages.countTokens({ model: 'count', messages }).withResponse()
    expect(data.input_tokens).toBe(14)
    expect(response.headers.get('x-gateway-estimated')).toBeNull()
    expect(response.headers.get('x-gateway-cost')).toBe('0')
    expect((await scene.provider.log()).at(-1)).toMatchObject({ path: '/v1/messages/count_tokens' })
    expect(await lastRow(response.headers.get('x-gateway-request-id')!)).toMatchObject({
      client_protocol: 'anthropic-count-tokens',
      status: 200,
      cost: '0',
      usage_quality: 'none',
    })
  })

  test('by the gateway where it cannot, without a word to the provider', async () => {
    const before = (await scene.provider.log()).length
    const { data, response } = await anthropic.messages.countTokens({ model: 'count-openai', messages }).withResponse()
    expect(data.input_tokens).toBeGreaterThan(7)
    expect(data.input_tokens).toBeLessThan(25)
    expect(response.headers.get('x-gateway-estimated')).toBe('true')
    expect(await scene.provider.log()).toHaveLength(before)
  })

  test.each([
    [
      'does not know the path',
      { status: 404, chunks: ['{"type":"error","error":{"type":"not_found_error","message":"x"}}'] },
    ],
    ['fails', { status: 500, chunks: ['oops'] }],
    ['breaks off', { fault: { kind: 'reset' as const } }],
    ['answers with something else', { chunks: ['<html></html>'] }],
  ])('and when the provider %s', async (_, behaviour) => {
    await scene.provider.script('real-count-broken', behaviour)
    const counted = await anthropic.messages.countTokens({ model: 'count-broken', messages }).withResponse()
    expect(counted.data.input_tokens).toBeGreaterThan(7)
    expect(counted.response.headers.get('x-gateway-estimated')).toBe('true')
  })

  test('what the client did wrong it is told', async () => {
    const error = { type: 'invalid_request_error', message: 'messages: too odd' }
    await scene.provider.script('real-count-broken', {
      status: 400,
      chunks: [JSON.stringify({ type: 'error', error })],
    })
    await expect(anthropic.messages.countTokens({ model: 'count-broken', messages })).rejects.toMatchObject({
      status: 400,
    })
  })
})

describe('counting for the Responses API', () => {
  const tool = {
    type: 'function' as const,
    name: 'get_weather',
    strict: true,
    parameters: { type: 'object', properties: {}, required: [], additionalProperties: false },
  }
  const ask = { input: 'What is the weather in Paris?', tools: [tool] }

  test('by OpenAI', async () => {
    await scene.provider.script('real-count-responses', {
      chunks: ['{"object":"response.input_tokens","input_tokens":51}'],
    })
    expect(await openai.responses.inputTokens.count({ model: 'count-responses', ...ask })).toMatchObject({
      input_tokens: 51,
    })
    const asked = (await scene.provider.log()).at(-1)
    expect(asked?.path).toBe('/v1/responses/input_tokens')
    expect(JSON.parse(asked!.body)).toEqual({ model: 'real-count-responses', ...ask })
  })

  test('by OpenAI for Anthropic’s client', async () => {
    const messages = [{ role: 'user' as const, content: 'Hello' }]
    expect((await anthropic.messages.countTokens({ model: 'count-responses', messages })).input_tokens).toBe(51)
    const asked = JSON.parse((await scene.provider.log()).at(-1)!.body) as Record<string, unknown>
    expect(Object.keys(asked).filter((name) => name === 'max_output_tokens' || name === 'stream')).toEqual([])
  })

  test('by the gateway elsewhere', async () => {
    const counted = await openai.responses.inputTokens.count({ model: 'count-openai', ...ask })
    expect(counted.input_tokens).toBeGreaterThan(20)
    expect(counted.input_tokens).toBeLessThan(80)
  })
})

describe('Google’s SDK', () => {
  const vectors = (...values: number[][]) => ({
    embeddings: values.map((one) => ({ values: one })),
    usageMetadata: { promptTokenCount: 6 },
  })

  test('embeddings of a Gemini model, and of one behind OpenAI’s protocol', async () => {
    await scene.provider.script('*', { chunks: [JSON.stringify(vectors([0.5, 1], [2, 3]))] })
    const same = await google.models.embedContent({ model: 'embed-google', contents: ['a', 'b'] })
    expect(same.embeddings?.map(({ values }) => values)).toEqual([
      [0.5, 1],
      [2, 3],
    ])
    expect((await scene.provider.log()).at(-1)?.path).toBe('/v1/models/real-embed-google:batchEmbedContents')
    const data = [
      [1, 2],
      [3, 4],
    ].map((embedding, index) => ({ object: 'embedding', index, embedding }))
    await script('embed', { object: 'list', data, model: 'real-embed', usage: { prompt_tokens: 4, total_tokens: 4 } })
    const other = await google.models.embedContent({ model: 'embed', contents: ['a', 'b'] })
    expect(other.embeddings?.map(({ values }) => values)).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  test('OpenAI’s SDK has embeddings of a Gemini model', async () => {
    await scene.provider.script('*', { chunks: [JSON.stringify(vectors([0.5, 0.25]))] })
    const { data, usage } = await openai.embeddings.create({ model: 'embed-google', input: 'a' })
    expect({ vector: data[0]?.embedding, usage }).toEqual({
      vector: [0.5, 0.25],
      usage: { prompt_tokens: 6, total_tokens: 6 },
    })
  })

  test('counts by Gemini, and by the gateway', async () => {
    await scene.provider.script('*', {
      chunks: ['{"totalTokens":5,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}]}'],
    })
    expect(await google.models.countTokens({ model: 'count-google', contents: 'Hello, world!' })).toMatchObject({
      totalTokens: 5,
    })
    const asked = (await scene.provider.log()).at(-1)
    expect(asked?.path).toBe('/v1/models/real-count-google:countTokens')
    expect(JSON.parse(asked!.body)).toMatchObject({ generateContentRequest: { model: 'models/real-count-google' } })
    const local = await google.models.countTokens({ model: 'count-openai', contents: 'Hello, world!' })
    expect(local.totalTokens).toBeGreaterThan(3)
  })

  test('a request of Anthropic’s client is counted by Gemini in Gemini’s words', async () => {
    await scene.provider.script('*', { chunks: ['{"totalTokens":9}'] })
    const messages = [{ role: 'user' as const, content: 'Hello' }]
    const counted = await anthropic.messages.countTokens({ model: 'count-google', system: 'Be brief.', messages })
    expect(counted.input_tokens).toBe(9)
    const { generateContentRequest } = JSON.parse((await scene.provider.log()).at(-1)!.body) as Record<string, object>
    expect(generateContentRequest).toMatchObject({ contents: [{ parts: [{ text: 'Hello' }] }] })
  })
})

test('the simulated provider has embeddings and counts', async () => {
  await scene.gateway.call('providers.add', { name: 'sim', kind: 'simulated' })
  await scene.gateway.call('models.create', { name: 'sim', targets: [{ provider: 'sim', model: 'sim-fast' }], prices })
  const { data, usage } = await openai.embeddings.create({ model: 'sim', input: ['a cat', 'a dog'], dimensions: 8 })
  expect(data.map(({ embedding }) => embedding.length)).toEqual([8, 8])
  expect(usage.prompt_tokens).toBe(4)
  const messages = [{ role: 'user' as const, content: 'Hello' }]
  const { data: counted, response } = await anthropic.messages.countTokens({ model: 'sim', messages }).withResponse()
  expect(counted.input_tokens).toBeGreaterThan(0)
  expect(response.headers.get('x-gateway-estimated')).toBeNull()
})

test('the books are right', async () => {
  await eventually(async () => ((await verify(scene.gateway)).holds_open === 0 ? true : undefined))
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})
