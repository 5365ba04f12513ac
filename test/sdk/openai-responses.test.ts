import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { modelOver, providerProtocols, question, type SimScene, startSimScene, weather } from './sim-scene.ts'

let scene: SimScene
let openai: OpenAI

beforeAll(async () => {
  scene = await startSimScene()
  openai = new OpenAI({ baseURL: `${scene.gateway.url}/v1`, apiKey: scene.key, maxRetries: 0 })
}, 60_000)
afterAll(() => scene?.close())

const tools = [
  {
    type: 'function' as const,
    name: weather.name,
    description: weather.description,
    parameters: weather.schema,
    strict: false,
  },
]

describe.each(providerProtocols)('openai SDK, Responses → %s', (protocol) => {
  const model = modelOver(protocol)
  const ask = { model, instructions: 'Be brief.', input: 'Say hello to Ada.' }

  test('a whole answer', async () => {
    const answer = await openai.responses.create(ask)
    expect(answer).toMatchObject({ object: 'response', status: 'completed', model, error: null })
    expect(answer.output_text).toContain('Ada')
    expect(answer.usage!.total_tokens).toBe(answer.usage!.input_tokens + answer.usage!.output_tokens)
    expect(answer._request_id).toMatch(/^req_/)
  })

  test('streaming through the strict helper, to the same answer', async () => {
    const whole = await openai.responses.create(ask)
    const streamed = await openai.responses.stream(ask).finalResponse()
    expect(streamed.status).toBe('completed')
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage).toEqual(whole.usage)
  })

  test.each([false, true])('a tool call and its result, stream: %s', async (stream) => {
    const asking = { model: modelOver(protocol, 'tools'), input: question, tools }
    const first = stream ? await openai.responses.stream(asking).finalResponse() : await openai.responses.create(asking)
    const call = first.output.find((item) => item.type === 'function_call')
    if (call?.type !== 'function_call') throw new Error('a call is expected')
    expect(call.name).toBe(weather.name)
    expect(JSON.parse(call.arguments)).toHaveProperty('city')
    const second = await openai.responses.create({
      ...asking,
      input: [
        { role: 'user', content: question },
        ...first.output.map((item) => ({ ...item, parsed_arguments: undefined })),
        { type: 'function_call_output', call_id: call.call_id, output: 'Sunny, 21 °C' },
      ] as OpenAI.Responses.ResponseInput,
    })
    expect(second.output_text).toContain('Sunny')
  })

  test('structured output', async () => {
    const answer = await openai.responses.parse({
      ...ask,
      text: { format: { type: 'json_schema', name: 'weather', schema: weather.schema, strict: true } },
    })
    expect(answer.output_parsed).toHaveProperty('city')
  })

  test('a limit that cuts the answer is an incomplete response, streamed or not', async () => {
    const short = { ...ask, max_output_tokens: 16 }
    const whole = await openai.responses.create(short)
    const streamed = await openai.responses.stream(short).finalResponse()
    for (const answer of [whole, streamed])
      expect(answer).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
  })

  test('an error of the provider is an APIError with our code', async () => {
    await expect(openai.responses.create({ ...ask, model: modelOver(protocol, 'limited') })).rejects.toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
    })
  })

  test.each(['midway', 'cut'] as const)('a stream that breaks (%s) ends failed and never completed', async (how) => {
    const types: string[] = []
    let error: unknown
    try {
      for await (const event of await openai.responses.create({
        ...ask,
        model: modelOver(protocol, how),
        stream: true,
      }))
        types.push(event.type)
    } catch (thrown) {
      error = thrown
    }
    expect(types).toContain('response.output_text.delta')
    expect(types).not.toContain('response.completed')
    expect(error instanceof OpenAI.APIError || types.includes('response.failed')).toBe(true)
  })
})

test('a WebSocket is told to fall back to HTTP', async () => {
  const response = await fetch(`${scene.gateway.url}/v1/responses`, {
    headers: { authorization: `Bearer ${scene.key}` },
  })
  expect(response.status).toBe(426)
  await response.text()
})
