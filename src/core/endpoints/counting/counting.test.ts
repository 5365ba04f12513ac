import { afterAll, describe, expect, test } from 'vitest'
import { sentBody, sideRoad } from '../../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent } from '../../../../test/support/recordings.ts'
import { protocols } from '../../protocols/index.ts'
import { countingEndpoints } from './counting.ts'
import { createTokenCounter } from './token-counter.ts'

const counter = createTokenCounter()
afterAll(() => counter.close())

const anthropic = countingEndpoints.find(({ id }) => id === 'anthropic-count-tokens')!
const body = {
  model: 'shadow',
  system: 'Be brief.',
  messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
  tools: [{ name: 'get_weather', description: 'Weather', input_schema: { type: 'object', properties: {} } }],
}
const local = async (request: object, kind = 'openai-compatible') => {
  const answer = await sideRoad(anthropic, request, { kind }).local!.answer(counter.count)
  return { answer, tokens: (JSON.parse(answer.body.toString()) as { input_tokens: number }).input_tokens }
}

test('a provider with a counter of the client’s protocol is asked, with the fields it takes', () => {
  const road = sideRoad(anthropic, { ...body, temperature: 1, stream: false }, { kind: 'anthropic', model: 'claude' })
  expect(road).toMatchObject({ path: '/messages/count_tokens', straight: true, local: { only: false } })
  expect(sentBody(road)).toEqual({ ...body, model: 'claude' })
  const { body: bytes, observed, headers } = road.unary(Buffer.from('{"input_tokens":14,"context_management":{}}'))
  expect(JSON.parse(bytes.toString())).toEqual({ input_tokens: 14 })
  expect(observed).toEqual({ deliveredChars: 0, complete: true })
  expect(headers).toBeUndefined()
  expect(() => road.unary(Buffer.from('{"count":1}'))).toThrow('no count')
})

test('a provider without one is not asked, and no other vendor either', async () => {
  for (const kind of ['openai-compatible', 'mistral', 'groq'])
    expect(sideRoad(anthropic, body, { kind }).local, kind).toMatchObject({ only: true })
  const { answer } = await local(body)
  expect(answer.headers).toEqual(['x-gateway-estimated', 'true'])
  expect(answer.observed).toEqual({ deliveredChars: 0, complete: true })
})

test('instructions, messages, tools and images are counted', async () => {
  const { tokens } = await local(body)
  const { tools: _, ...plain } = body
  expect((await local(plain)).tokens).toBeLessThan(tokens - 15)
  const { system: __, ...less } = plain
  expect((await local(less)).tokens).toBeLessThan((await local(plain)).tokens)
  const png = Buffer.alloc(24)
  png.writeUInt32BE(0x89504e47, 0)
  png.writeUInt32BE(1024, 16)
  png.writeUInt32BE(768, 20)
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png.toString('base64') } }
  const withImage = {
    ...less,
    messages: [{ role: 'user', content: [image, { type: 'text', text: 'What is the weather in Paris?' }] }],
  }
  const base = (await local(less)).tokens
  expect((await local(withImage)).tokens - base).toBe(85 + 170 * 4)
  expect((await local(withImage, 'anthropic-compatible')).tokens - base).toBe(Math.ceil((1024 * 768) / 750))
})

test('Gemini’s clients are told tokens of text only where nothing else was counted', async () => {
  const endpoint = countingEndpoints.find(({ id }) => id === 'gemini-count-tokens')!
  const count = async (...parts: object[]) => {
    const request = { contents: [{ role: 'user', parts }] }
    const road = sideRoad(endpoint, request, { kind: 'openai-compatible', place: { model: 'shadow' } })
    return JSON.parse(String((await road.local!.answer(counter.count)).body)) as { totalTokens: number }
  }
  const plain = await count({ text: 'hi' })
  expect(plain).toEqual({
    totalTokens: plain.totalTokens,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: plain.totalTokens }],
  })
  const seen = await count({ text: 'hi' }, { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } })
  expect(Object.keys(seen)).toEqual(['totalTokens'])
  expect(seen.totalTokens).toBeGreaterThan(plain.totalTokens)
})

test('what is no request is refused', () => {
  for (const wrong of [{ model: 'm' }, { model: 'm', messages: [] }, { messages: body.messages }])
    expect(() => sideRoad(anthropic, wrong, { kind: 'anthropic' })).toThrow(expect.objectContaining({ status: 400 }))
})

test('each protocol that has such a call has its endpoint, free of charge', () => {
  const ids: Readonly<Record<string, string>> = {
    'anthropic-messages': 'anthropic-count-tokens',
    'openai-responses': 'openai-input-tokens',
    gemini: 'gemini-count-tokens',
  }
  for (const { id } of protocols) {
    const endpoint = countingEndpoints.find(({ errors }) => errors.id === id)
    expect(endpoint?.id, id).toBe(ids[id])
    if (endpoint) expect(endpoint.free).toBeDefined()
  }
})

describe.skipIf(!recordingsPresent)('recordings', () => {
  test('a local count of what Anthropic counted is near it, tools and all', async () => {
    let checked = 0
    for (const { id, request, response } of readRecordingsIn('anthropic-count-tokens')) {
      const told = response.json?.['input_tokens']
      if (typeof told !== 'number' || JSON.stringify(request?.json).includes('ELIDED')) continue
      const { tokens } = await local({ ...request?.json, model: 'shadow' })
      checked++
      // Another tokenizer, and Anthropic's own words around tools (some 300 to 600 tokens).
      expect(tokens, `${id}: ${tokens} of ${told}`).toBeGreaterThan(told * 0.05)
      expect(tokens, `${id}: ${tokens} of ${told}`).toBeLessThan(told * 1.5 + 20)
    }
    expect(checked).toBeGreaterThan(2)
  })
})
