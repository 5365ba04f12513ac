import Anthropic from '@anthropic-ai/sdk'
import AnthropicNext from 'anthropic-sdk-1'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Scene, startScene, verify } from '../support/scene.ts'

/**
 * The official SDKs against the running daemon: each client protocol to each provider protocol, unary, streaming, tools and errors. The provider is the simulated one, so
 * that answers follow from the request.
 */
let scene: Scene
let openai: OpenAI
const anthropics: { version: string; client: Anthropic }[] = []

const models = ['sim-openai', 'sim-anthropic'] as const

beforeAll(async () => {
  scene = await startScene()
  const { gateway, key } = scene
  await gateway.call('providers.add', { name: 'simo', kind: 'simulated', speaks: ['openai-chat'] })
  await gateway.call('providers.add', { name: 'sima', kind: 'simulated', speaks: ['anthropic-messages'] })
  for (const [name, provider] of [
    ['sim-openai', 'simo'],
    ['sim-anthropic', 'sima'],
  ] as const) {
    const prices = { input: '1', output: '2' }
    await gateway.call('models.create', { name, targets: [{ provider, model: 'sim-fast' }], prices })
    await gateway.call('models.create', { name: `${name}-tools`, targets: [{ provider, model: 'sim-tools' }], prices })
    await gateway.call('models.create', {
      name: `${name}-429`,
      targets: [{ provider, model: 'sim-error-429' }],
      prices,
    })
    await gateway.call('models.create', {
      name: `${name}-midway`,
      targets: [{ provider, model: 'sim-error-after-3' }],
      prices,
    })
    await gateway.call('models.create', {
      name: `${name}-cut`,
      targets: [{ provider, model: 'sim-cut-after-3' }],
      prices,
    })
  }
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 })
  anthropics.push({ version: '0.x', client: new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 }) })
  anthropics.push({
    version: '1.x',
    client: new AnthropicNext({ baseURL: gateway.url, apiKey: key, maxRetries: 0 }) as unknown as Anthropic,
  })
}, 60_000)
afterAll(() => scene.close())

const weather = {
  name: 'get_weather',
  description: 'The weather in a city.',
  schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
}

describe.each(models)('openai SDK → %s', (model) => {
  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Say hello to Ada.' },
  ]

  test('unary', async () => {
    const answer = await openai.chat.completions.create({ model, messages })
    expect(answer.model).toBe(model)
    expect(answer.choices[0]?.message.content?.length).toBeGreaterThan(0)
    expect(answer.choices[0]?.finish_reason).toBe('stop')
    expect(answer.usage?.total_tokens).toBe((answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0))
    expect(answer._request_id).toMatch(/^req_/)
  })

  test('streaming through the strict helper, with usage', async () => {
    const stream = openai.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
    const whole = await stream.finalChatCompletion()
    expect(whole.choices[0]?.message.content?.length).toBeGreaterThan(0)
    expect(whole.usage?.completion_tokens).toBeGreaterThan(0)
  })

  test('without include_usage no usage is seen', async () => {
    const stream = await openai.chat.completions.create({ model, messages, stream: true })
    let text = ''
    for await (const chunk of stream) {
      expect(chunk.usage ?? null).toBeNull()
      expect(chunk.choices).toHaveLength(1)
      expect(chunk.model).toBe(model)
      text += chunk.choices[0]?.delta.content ?? ''
    }
    expect(text.length).toBeGreaterThan(0)
  })

  test.each([false, true])('a tool call and its result, stream: %s', async (stream) => {
    const tools = [
      {
        type: 'function' as const,
        function: { name: weather.name, description: weather.description, parameters: weather.schema },
      },
    ]
    const ask = {
      model: `${model}-tools`,
      messages: [{ role: 'user' as const, content: 'What is the weather in Paris?' }],
      tools,
    }
    const first = stream
      ? await openai.chat.completions.stream(ask).finalChatCompletion()
      : await openai.chat.completions.create(ask)
    const choice = first.choices[0]
    expect(choice?.finish_reason).toBe('tool_calls')
    const call = choice?.message.tool_calls?.[0]
    if (call?.type !== 'function') throw new Error('a function call is expected')
    expect(call.function.name).toBe('get_weather')
    expect(JSON.parse(call.function.arguments)).toBeTypeOf('object')
    const second = await openai.chat.completions.create({
      ...ask,
      messages: [...ask.messages, choice!.message, { role: 'tool', tool_call_id: call.id, content: 'Sunny, 21 °C' }],
    })
    expect(second.choices[0]?.message.content?.length).toBeGreaterThan(0)
  })

  test('an error of the provider is an APIError of the right class', async () => {
    await expect(openai.chat.completions.create({ model: `${model}-429`, messages })).rejects.toMatchObject({
      status: 503,
      code: 'upstream_unavailable',
    })
  })

  test.each(['midway', 'cut'])('a stream that breaks (%s) never looks finished', async (how) => {
    const stream = await openai.chat.completions.create({ model: `${model}-${how}`, messages, stream: true })
    let seen = 0
    await expect(
      (async () => {
        for await (const chunk of stream) seen += chunk.choices.length
      })(),
    ).rejects.toBeInstanceOf(OpenAI.APIError)
    expect(seen).toBeGreaterThan(0)
  })
})

describe.each(['0.x', '1.x'])('@anthropic-ai/sdk %s', (version) => {
  const client = (): Anthropic => anthropics.find((each) => each.version === version)!.client
  const messages = [{ role: 'user' as const, content: 'Say hello to Ada.' }]

  describe.each(models)('→ %s', (model) => {
    test('unary', async () => {
      const answer = await client().messages.create({ model, max_tokens: 200, system: 'Be brief.', messages })
      expect(answer).toMatchObject({ type: 'message', role: 'assistant', model, stop_reason: 'end_turn' })
      expect(answer.content[0]).toMatchObject({ type: 'text' })
      expect(answer.usage.output_tokens).toBeGreaterThan(0)
    })

    test('streaming through the helper', async () => {
      const answer = await client().messages.stream({ model, max_tokens: 200, messages }).finalMessage()
      expect(answer).toMatchObject({ model, stop_reason: 'end_turn' })
      expect(answer.usage.input_tokens).toBeGreaterThan(0)
      expect(answer.usage.output_tokens).toBeGreaterThan(0)
    })

    test.each([false, true])('a tool call and its result, stream: %s', async (stream) => {
      const tools = [{ name: weather.name, description: weather.description, input_schema: weather.schema }]
      const ask = {
        model: `${model}-tools`,
        max_tokens: 300,
        messages: [{ role: 'user' as const, content: 'What is the weather in Paris?' }],
        tools,
      }
      const first = stream ? await client().messages.stream(ask).finalMessage() : await client().messages.create(ask)
      expect(first.stop_reason).toBe('tool_use')
      const call = first.content.find((block) => block.type === 'tool_use')
      if (call?.type !== 'tool_use') throw new Error('a tool_use block is expected')
      expect(call.name).toBe('get_weather')
      const second = await client().messages.create({
        ...ask,
        messages: [
          ...ask.messages,
          { role: 'assistant', content: first.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'Sunny, 21 °C' }] },
        ],
      })
      expect(second.content.length).toBeGreaterThan(0)
    })

    test('an error of the provider keeps the shape of the protocol', async () => {
      await expect(client().messages.create({ model: `${model}-429`, max_tokens: 10, messages })).rejects.toMatchObject(
        {
          status: 503,
          error: { error: { type: 'overloaded_error' } },
        },
      )
    })

    test.each(['midway', 'cut'])('a stream that breaks (%s) never looks finished', async (how) => {
      await expect(
        client()
          .messages.stream({ model: `${model}-${how}`, max_tokens: 200, messages })
          .finalMessage(),
      ).rejects.toThrow()
    })
  })
})

test('models are listed in the shape of the client, and only those', async () => {
  const list = await openai.models.list()
  expect(list.data.map(({ id }) => id)).toEqual(expect.arrayContaining([...models]))
  for (const { client } of anthropics) {
    const page = await client.models.list()
    expect(page.data.map(({ id, type }) => `${type} ${id}`)).toEqual(
      expect.arrayContaining(models.map((id) => `model ${id}`)),
    )
  }
  await expect(openai.models.retrieve('nowhere')).rejects.toMatchObject({ status: 404 })
  expect((await openai.models.retrieve('sim-openai')).id).toBe('sim-openai')
})

test('everything was settled', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
})
