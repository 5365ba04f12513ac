import { describe, expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../../test/support/recordings.ts'
import { embeddings } from './embeddings.ts'
import { geminiBatchEmbed, geminiEmbed } from './gemini-client.ts'
import { toBase64 } from './vectors.ts'

const place = { model: 'models/shadow' }
const content = (text: string) => ({ parts: [{ text }] })
const batchAsk = (kind: string, more: object = {}) =>
  sideRoad(
    geminiBatchEmbed,
    { requests: ['a', 'b'].map((text) => ({ model: 'models/shadow', content: content(text), ...more })) },
    { kind, place },
  )

describe('OpenAI’s embeddings of a Gemini model', () => {
  const ask = (more: object = {}) =>
    sideRoad(embeddings, { model: 'shadow', input: ['a', 'b'], ...more }, { kind: 'gemini' })

  test('texts go as a batch and vectors come in the format that was asked for', () => {
    const road = ask({ dimensions: 2, encoding_format: 'base64' })
    expect(road.path).toBe('/models/real-model:batchEmbedContents')
    expect(sentBody(road)).toEqual({
      requests: ['a', 'b'].map((text) => ({
        model: 'models/real-model',
        content: content(text),
        outputDimensionality: 2,
      })),
    })
    const told = { embeddings: [{ values: [0.5, 0.25] }, { values: [1, 2] }], usageMetadata: { promptTokenCount: 7 } }
    const { json, observed } = answered(road, told)
    expect(json).toMatchObject({ object: 'list', model: 'shadow', usage: { prompt_tokens: 7, total_tokens: 7 } })
    expect(json['data']).toEqual(
      [
        [0.5, 0.25],
        [1, 2],
      ].map((values, index) => ({ object: 'embedding', index, embedding: toBase64(values) })),
    )
    expect(observed).toMatchObject({ usage: { input: { uncached: 7 } }, complete: true })
    expect(answered(ask(), { ...told, usageMetadata: undefined }).observed).toMatchObject({ estimated: true })
    expect(() => answered(ask(), { embeddings: [{ values: [1] }] })).toThrow('one vector for each text')
  })

  test('lists of tokens are refused with their place', () => {
    expect(() => ask({ input: [[1, 2]] })).toThrow(
      expect.objectContaining({ status: 400, code: 'unsupported_parameter' }),
    )
  })
})

describe('Gemini’s embeddings', () => {
  test('of a Gemini model pass, with its name', () => {
    const road = batchAsk('gemini', { taskType: 'RETRIEVAL_QUERY' })
    expect(road.path).toBe('/models/real-model:batchEmbedContents')
    expect(sentBody(road)).toEqual({
      requests: ['a', 'b'].map((text) => ({
        model: 'models/real-model',
        content: content(text),
        taskType: 'RETRIEVAL_QUERY',
      })),
    })
    const one = sideRoad(geminiEmbed, { content: content('a') }, { kind: 'gemini', place })
    expect(one.path).toBe('/models/real-model:embedContent')
    expect(sentBody(one)).toEqual({ content: content('a') })
    const { json, observed } = answered(one, { embedding: { values: [1] } })
    expect(json).toEqual({ embedding: { values: [1] } })
    expect(observed).toMatchObject({ complete: true, estimated: true })
  })

  test('of an OpenAI-like model cross', () => {
    const road = batchAsk('openai', { taskType: 'RETRIEVAL_QUERY', outputDimensionality: 2 })
    expect(sentBody(road)).toEqual({ model: 'real-model', input: ['a', 'b'], dimensions: 2 })
    expect(road.warnings.map(({ path }) => path)).toEqual(['requests[0].taskType', 'requests[1].taskType'])
    const data = [[1, 2], toBase64([3, 4])].map((embedding, index) => ({ object: 'embedding', index, embedding }))
    const { json } = answered(road, { data, usage: { prompt_tokens: 5, total_tokens: 5 } })
    expect(json).toEqual({
      embeddings: [{ values: [1, 2] }, { values: [3, 4] }],
      usageMetadata: { promptTokenCount: 5 },
    })
    const one = sideRoad(geminiEmbed, { content: content('a') }, { kind: 'openai', place })
    expect(answered(one, { data: [{ embedding: [1] }], usage: { prompt_tokens: 5 } }).json).toMatchObject({
      embedding: { values: [1] },
    })
  })

  test.each([
    ['no requests', geminiBatchEmbed, {}],
    ['no content', geminiEmbed, {}],
    ['no parts', geminiEmbed, { content: { parts: [] } }],
  ])('%s: 400', (_, endpoint, body) => {
    expect(() => endpoint.inspect(Buffer.from(JSON.stringify(body)), place)).toThrow(
      expect.objectContaining({ status: 400 }),
    )
  })

  test('of another model than the path’s are refused', () => {
    const of = (...models: unknown[]) => ({ requests: models.map((model) => ({ model, content: content('a') })) })
    const inspect = (body: object) => geminiBatchEmbed.inspect(Buffer.from(JSON.stringify(body)), place)
    expect(inspect(of('models/shadow', 'shadow', null, 'publishers/google/models/shadow')).model).toBe('shadow')
    for (const other of ['models/other', 'other', 'models/', 5])
      expect(() => inspect(of('models/shadow', other))).toThrow(
        expect.objectContaining({
          status: 400,
          details: expect.objectContaining({ param: 'requests[1].model' }) as unknown,
        }),
      )
    const single = Buffer.from(JSON.stringify({ model: 'models/other', content: content('a') }))
    expect(() => geminiEmbed.inspect(single, place)).toThrow(expect.objectContaining({ status: 400 }))
  })

  test('images have no embeddings at an OpenAI-like provider', () => {
    const body = { content: { parts: [{ inlineData: { mimeType: 'image/png', data: '' } }] } }
    expect(() => sideRoad(geminiEmbed, body, { kind: 'openai', place })).toThrow(
      expect.objectContaining({ code: 'unsupported_parameter' }),
    )
    expect(() => sideRoad(geminiEmbed, body, { kind: 'anthropic', place })).toThrow(
      expect.objectContaining({ code: 'unsupported_endpoint' }),
    )
  })
})

test.skipIf(!recordingsPresent)('recordings of Google’s API are read', () => {
  let read = 0
  for (const { id, request, response } of readRecordingsIn('gemini-embed')) {
    const [first] = (request?.json?.['requests'] ?? []) as unknown as readonly { model: string }[]
    if (!request || !first) continue
    const road = sideRoad(geminiBatchEmbed, request.json, { kind: 'gemini', place: { model: first.model } })
    const bytes = Buffer.from(JSON.stringify(response.json))
    read++
    if (response.status !== 200)
      expect(road.decodeError(response.status, () => undefined, bytes).class, id).toBe('model-not-found')
    else expect(road.unary(bytes).observed, id).toMatchObject({ complete: true, usage: { input: { uncached: 261 } } })
  }
  expect(read).toBe(2)
})
