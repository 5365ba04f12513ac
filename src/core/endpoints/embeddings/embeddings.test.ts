import { describe, expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../../test/support/recordings.ts'
import { embeddings } from './embeddings.ts'
import { toBase64, toFloats } from './vectors.ts'

const vector = [0.5, -0.25, 0.125]
const answer = (embedding: unknown, usage: unknown = { prompt_tokens: 3, total_tokens: 3 }) => ({
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding }],
  model: 'real-model',
  ...(usage !== null && { usage }),
})
const ask = (more: object = {}, kind = 'openai') =>
  sideRoad(embeddings, { model: 'shadow', input: 'hi', ...more }, { kind })

describe('the client gets the format it asked for', () => {
  const base64 = toBase64(vector)!
  test.each([
    ['numbers for base64', 'base64', vector, base64],
    ['base64 for numbers', 'float', base64, vector],
    ['base64 when nothing was asked', undefined, base64, vector],
    ['the right one', 'base64', base64, base64],
  ])('provider answers %s', (_, encoding_format, given, wanted) => {
    const { json } = answered(ask({ encoding_format }), answer(given))
    expect(json).toMatchObject({ model: 'shadow', data: [{ index: 0, embedding: wanted }] })
  })

  test('an answer in the right format keeps its bytes but for the name', () => {
    const text = '{"model": "real-model",  "data":[{"embedding":[1e-3, 0.50],"index":0}], "usage":{"prompt_tokens":3}}'
    const { body } = ask().unary(Buffer.from(text))
    expect(body.toString()).toBe(text.replace('real-model', 'shadow'))
  })

  test('bytes that are no float32 vector, or not of the width asked for, are left alone', () => {
    const int8 = Buffer.from([0x7f, 0x80, 0xff, 0x7f]).toString('base64')
    expect(answered(ask(), answer(int8)).json).toMatchObject({ data: [{ embedding: int8 }] })
    expect(answered(ask({ dimensions: 12 }), answer(base64)).json).toMatchObject({ data: [{ embedding: base64 }] })
    expect(toFloats('AAA=', undefined)).toBeUndefined()
  })

  test.each([
    ['openai', { encoding_format: 'base64' }],
    ['openai-compatible', {}],
    ['openrouter', {}],
  ])('%s is asked in words it knows', (kind, told) => {
    expect(sentBody(ask({ encoding_format: 'base64' }, kind))).toEqual({ model: 'real-model', input: 'hi', ...told })
    expect(answered(ask({ encoding_format: 'base64' }, kind), answer(vector)).json).toMatchObject({
      data: [{ embedding: base64 }],
    })
  })

  test('an answer without vectors is none', () => {
    for (const data of [[], null, {}, undefined]) expect(() => answered(ask(), { data, usage: {} })).toThrow('no data')
  })

  test.each([['float'], ['base64'], ['base64_int8']])(
    '%s: an answer without a vector for each input is none',
    (format) => {
      const inputs = (input: unknown) => ask({ input, encoding_format: format }, 'openai-compatible')
      const given = answer(vector)
      const twice = { ...given, data: [...given.data, ...given.data] }
      expect(() => answered(inputs(['a', 'b']), given)).toThrow('one vector for each')
      expect(() => answered(inputs('a'), twice)).toThrow('one vector for each')
      expect(() => answered(inputs([1, 2]), given)).not.toThrow()
      expect(() => answered(inputs([[1, 2], 'b']), twice)).not.toThrow()
    },
  )

  test('a format that OpenAI does not have is refused, and what is no word everywhere', () => {
    const wrong = expect.objectContaining({
      status: 400,
      details: expect.objectContaining({ param: 'encoding_format' }) as object,
    })
    expect(() => ask({ encoding_format: 'hex' })).toThrow(wrong)
    expect(() => ask({ encoding_format: 5 }, 'openai-compatible')).toThrow(wrong)
  })

  test('a format of the provider itself passes through', () => {
    const road = ask({ encoding_format: 'base64_int8' }, 'openai-compatible')
    expect(answered(road, answer('fw==')).json).toMatchObject({ data: [{ embedding: 'fw==' }] })
    expect(sentBody(road)).toMatchObject({ encoding_format: 'base64_int8' })
  })
})

describe('what it costs', () => {
  test('the provider tells it', () => {
    const { observed } = answered(ask(), answer(vector))
    expect(observed).toMatchObject({ usage: { input: { uncached: 3 }, output: { visible: 0 } }, complete: true })
    expect(observed.estimated).toBeUndefined()
  })

  test.each([[null], [{ prompt_tokens: 0, total_tokens: 0 }], [{ prompt_tokens: -4 }]])(
    'counted by us where it says %j',
    (usage) => {
      const road = ask({ input: ['twelve chars', [1, 2, 3]] })
      const { data, ...rest } = answer(vector, usage)
      expect(answered(road, { ...rest, data: [...data, ...data] }).observed).toMatchObject({
        usage: { input: { uncached: 6 } },
        estimated: true,
        complete: true,
      })
    },
  )
})

describe('requests', () => {
  test.each([
    ['no input', {}],
    ['an empty text', { input: '' }],
    ['no texts', { input: [] }],
    ['2049 texts', { input: Array.from({ length: 2049 }, () => 'a') }],
    ['nested lists', { input: [[[1]]] }],
    ['texts among tokens', { input: [1, 'a'] }],
    ['a fraction as token', { input: [1.5] }],
    ['a number', { input: 5 }],
    ['dimensions of 0', { input: 'a', dimensions: 0 }],
  ])('%s: 400', (_, body) => {
    expect(() => embeddings.inspect(Buffer.from(JSON.stringify({ model: 'm', ...body })), {})).toThrow(
      expect.objectContaining({ status: 400 }),
    )
  })

  test.each([['a text'], [['a', 'b']], [[1, 2, 3]], [[[1, 2], [3]]]])('%j passes', (input) => {
    expect(sentBody(ask({ input }))).toEqual({ model: 'real-model', input })
  })

  test('a provider without embeddings is said to have none', () => {
    expect(() => ask({}, 'anthropic')).toThrow(expect.objectContaining({ code: 'unsupported_endpoint', status: 400 }))
  })

  test('a path that the provider does not have is no missing model', () => {
    const road = ask({}, 'openai-compatible')
    const told = (text: string) => road.decodeError(404, () => undefined, Buffer.from(text))
    expect(told('<html>404 Not Found</html>')).toMatchObject({ class: 'client', message: /no such endpoint/ })
    expect(told('{"error":{"code":"model_not_found","message":"no"}}').class).toBe('model-not-found')
  })
})

describe.skipIf(!recordingsPresent)('recordings', () => {
  const recordings = readRecordingsIn('openai-embeddings')
  test('each answer is read: the name masked, the usage exact', () => {
    expect(recordings.length).toBeGreaterThan(4)
    for (const { id, request, response } of recordings) {
      const asked = { input: 'x', ...request?.json, model: 'shadow' }
      const road = sideRoad(embeddings, asked, { kind: 'openai-compatible' })
      const bytes = Buffer.from(JSON.stringify(response.json))
      if (response.status !== 200) {
        expect(road.decodeError(response.status, () => undefined, bytes).class, id).toBe('model-not-found')
        continue
      }
      const { json, observed } = answered(road, response.json)
      expect(json['model'], id).toBe('shadow')
      const told = response.json?.['usage'] as { prompt_tokens: number }
      expect(observed, id).toMatchObject({ complete: true, usage: { input: { uncached: told.prompt_tokens } } })
    }
  })
})
