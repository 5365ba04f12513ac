import Anthropic from '@anthropic-ai/sdk'
import { readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../kernel/clock.ts'
import { scriptOf, simulatedModelNames, simulatedModels } from './models.ts'
import { pieces } from './reply.ts'
import { sample } from './sample.ts'
import { startSimulated } from './server.ts'
import type { Simulated } from './server.ts'

let simulated: Simulated
let openai: OpenAI
let anthropic: Anthropic

beforeAll(async () => {
  simulated = await startSimulated({ clock: systemClock })
  openai = new OpenAI({ apiKey: 'any', baseURL: simulated.url, maxRetries: 0 })
  anthropic = new Anthropic({ apiKey: 'any', baseURL: simulated.url.replace('/v1', ''), maxRetries: 0 })
})
afterAll(() => simulated.close())

const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${simulated.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })

const hello = [{ role: 'user', content: 'Hello there' }] as const
const weather = {
  name: 'get_weather',
  schema: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] }, days: { type: 'integer', minimum: 3 } },
    required: ['city'],
  },
} as const
const openAiTool = { type: 'function', function: { name: weather.name, parameters: weather.schema } } as const
const anthropicTool = { name: weather.name, input_schema: { ...weather.schema, required: ['city'] } } as const

describe('OpenAI chat completions', () => {
  test('the same request gives the same answer, which quotes the prompt', async () => {
    const ask = () => openai.chat.completions.create({ model: 'sim-fast', messages: [...hello] })
    const [first, second] = [await ask(), await ask()]
    expect(first.choices[0]!.message.content).toContain('You wrote: “Hello there”.')
    expect({ ...second, created: 0 }).toEqual({ ...first, created: 0 })
    expect(first.usage!.completion_tokens).toBe(pieces(first.choices[0]!.message.content!).length)
    expect(first.usage!.total_tokens).toBe(first.usage!.prompt_tokens + first.usage!.completion_tokens)
  })

  test('a stream joined is the whole answer, and the strict helper of the SDK accepts it', async () => {
    const request = { model: 'sim-fast', messages: [...hello] }
    const whole = await openai.chat.completions.create(request)
    const streamed = await openai.chat.completions
      .stream({ ...request, stream_options: { include_usage: true } })
      .finalChatCompletion()
    expect(streamed.choices[0]!.message.content).toBe(whole.choices[0]!.message.content)
    expect(streamed.choices[0]!.finish_reason).toBe('stop')
    expect(streamed.usage).toEqual(whole.usage)
  })

  test('usage is streamed only to those who asked', async () => {
    const text = await (await post('/chat/completions', { model: 'sim-fast', messages: hello, stream: true })).text()
    expect(text).not.toContain('usage')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('a tool is called with arguments of its schema, whole and streamed, and its result is answered', async () => {
    const request = { model: 'sim-tools', messages: [{ role: 'user', content: 'Oslo' } as const], tools: [openAiTool] }
    const whole = await openai.chat.completions.create(request)
    const streamed = await openai.chat.completions.stream(request).finalChatCompletion()
    const [call] = whole.choices[0]!.message.tool_calls!
    expect(whole.choices[0]!.finish_reason).toBe('tool_calls')
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } })
    expect(JSON.parse((call as { function: { arguments: string } }).function.arguments)).toEqual({
      city: 'Oslo',
      unit: 'c',
      days: 3,
    })
    expect(streamed.choices[0]!.message.tool_calls).toMatchObject([call!])
    const result = { role: 'tool', tool_call_id: call!.id, content: '12 degrees' } as const
    const after = await openai.chat.completions.create({
      ...request,
      messages: [...request.messages, whole.choices[0]!.message, result],
    })
    expect(after.choices[0]!.message.content).toContain('12 degrees')
  })

  test.each([
    ['none', 'use a tool', 'stop'],
    ['auto', 'hello', 'stop'],
    ['auto', 'use a tool', 'tool_calls'],
    ['required', 'hello', 'tool_calls'],
  ] as const)('tool_choice %s with the prompt "%s" ends with %s', async (tool_choice, content, finish) => {
    const answer = await openai.chat.completions.create({
      model: 'sim-fast',
      messages: [{ role: 'user', content }],
      tools: [openAiTool],
      tool_choice,
    })
    expect(answer.choices[0]!.finish_reason).toBe(finish)
  })

  test('limits, stop words, several choices and JSON schemas are obeyed', async () => {
    const ask = async (more: object) =>
      (await (
        await post('/chat/completions', { model: 'sim-fast', messages: hello, ...more })
      ).json()) as OpenAI.ChatCompletion
    const short = await ask({ max_tokens: 4 })
    expect([short.choices[0]!.finish_reason, short.usage!.completion_tokens]).toEqual(['length', 4])
    expect((await ask({ stop: 'there' })).choices[0]!.message.content).toBe('You wrote: “Hello ')
    expect((await ask({ n: 3 })).choices.map(({ index }) => index)).toEqual([0, 1, 2])
    const json = await ask({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: weather.schema } },
    })
    expect(JSON.parse(json.choices[0]!.message.content!)).toEqual({ city: 'Hello there', unit: 'c', days: 3 })
    expect((await ask({ model: 'sim-long-500' })).usage!.completion_tokens).toBe(500)
    expect((await ask({ model: 'sim-no-usage' })).usage).toBeUndefined()
    expect((await ask({ model: 'sim-refuse' })).choices[0]!.finish_reason).toBe('content_filter')
    const cached = (await ask({ model: 'sim-cache' })).usage!
    expect(cached.prompt_tokens_details!.cached_tokens).toBe(Math.floor(cached.prompt_tokens / 2))
    expect((await ask({ model: 'sim-think' })).usage!.completion_tokens_details!.reasoning_tokens).toBeGreaterThan(0)
  })
})

describe('Anthropic messages', () => {
  const request = { model: 'sim-fast', max_tokens: 1000, messages: [...hello] }

  test('a stream joined is the whole answer', async () => {
    const whole = await anthropic.messages.create(request)
    const streamed = await anthropic.messages.stream(request).finalMessage()
    expect(whole.content).toEqual([
      { type: 'text', text: expect.stringContaining('You wrote: “Hello there”.') as string },
    ])
    expect(streamed.content).toEqual(whole.content)
    expect(streamed.stop_reason).toBe('end_turn')
    expect(streamed.usage).toMatchObject({
      input_tokens: whole.usage.input_tokens,
      output_tokens: whole.usage.output_tokens,
    })
  })

  test('thinking comes first, signed, when the request or the model asks for it', async () => {
    const streamed = await anthropic.messages.stream({ ...request, model: 'sim-think' }).finalMessage()
    expect(streamed.content.map(({ type }) => type)).toEqual(['thinking', 'text'])
    expect(streamed.content[0]).toMatchObject({ signature: expect.stringMatching(/^[A-Za-z0-9+/=]+$/) as string })
    const asked = await anthropic.messages.create({
      ...request,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      max_tokens: 2000,
    })
    expect(asked.content[0]!.type).toBe('thinking')
  })

  test('a tool is called with arguments of its schema, whole and streamed, and its result is answered', async () => {
    const tools = {
      ...request,
      model: 'sim-tools',
      tools: [{ ...anthropicTool, input_schema: { ...anthropicTool.input_schema, required: ['city'] } }],
    }
    const whole = await anthropic.messages.create(tools)
    const streamed = await anthropic.messages.stream(tools).finalMessage()
    expect(whole.stop_reason).toBe('tool_use')
    expect(whole.content[0]).toMatchObject({
      type: 'tool_use',
      name: 'get_weather',
      input: { city: 'Hello there', unit: 'c', days: 3 },
    })
    expect(streamed.content).toMatchObject(whole.content)
    const id = (whole.content[0] as { id: string }).id
    const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: '12 degrees' }] } as const
    const messages = [
      ...tools.messages,
      { role: 'assistant', content: whole.content } as const,
      { ...result, content: [...result.content] },
    ]
    const after = await anthropic.messages.create({ ...tools, messages })
    expect(after.content[0]).toMatchObject({ text: expect.stringContaining('12 degrees') as string })
  })

  test('counts the tokens that an answer reports as input', async () => {
    const counted = await anthropic.messages.countTokens({
      model: 'sim-fast',
      messages: [...hello],
      system: 'Be kind.',
    })
    const answer = await anthropic.messages.create({ ...request, system: 'Be kind.' })
    expect(counted.input_tokens).toBe(answer.usage.input_tokens)
  })
})

describe('faults', () => {
  test.each([
    ['/chat/completions', 400, 'invalid_request_error'],
    ['/chat/completions', 429, 'requests'],
    ['/chat/completions', 503, 'server_error'],
    ['/messages', 429, 'rate_limit_error'],
    ['/messages', 529, 'overloaded_error'],
  ])('%s answers sim-error-%i as its protocol does', async (path, status, type) => {
    const response = await post(path, { model: `sim-error-${status}`, max_tokens: 9, messages: hello })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { type } })
    expect(response.headers.has('retry-after')).toBe(status === 429 || status >= 503)
  })

  test.each(['/chat/completions', '/messages'])(
    '%s: three tokens come before each scripted end, and no end mark',
    async (path) => {
      const stream = (model: string): Promise<Response> =>
        post(path, { model, max_tokens: 99, messages: hello, stream: true })
      const tokens = (text: string): number => text.match(/text_delta|"delta":\{"content":"[^"]/g)?.length ?? 0
      const cut = await (await stream('sim-cut-after-3')).text()
      expect(tokens(cut)).toBe(3)
      expect(cut).not.toMatch(/\[DONE\]|message_stop/)
      const error = await (await stream('sim-error-after-3')).text()
      expect(tokens(error)).toBe(3)
      expect(error.trimEnd().split('\n').at(-1)).toContain('"error":{')
      const reset = await stream('sim-reset-after-3')
      await expect(reset.text()).rejects.toThrow('terminated')
    },
  )

  test('a hanging model answers nothing until the caller leaves', async () => {
    const leave = new AbortController()
    const call = fetch(`${simulated.url}/messages`, {
      method: 'POST',
      body: JSON.stringify({ model: 'sim-hang', messages: hello, stream: true }),
      signal: leave.signal,
    })
    setTimeout(() => leave.abort(), 50)
    await expect(call).rejects.toThrow('aborted')
  })

  test.each([
    ['/chat/completions', '{', 400],
    ['/chat/completions', '[]', 400],
    ['/messages', '{"model":"sim-1"}', 400],
    ['/messages', '{"messages":[{}]}', 400],
    ['/messages', '{"model":"other","messages":[{}]}', 404],
    ['/messages', '{"model":"sim-error-200","messages":[{}]}', 404],
    ['/elsewhere', '{}', 404],
  ])('%s with %s is %i', async (path, body, status) => {
    expect((await fetch(`${simulated.url}${path}`, { method: 'POST', body })).status).toBe(status)
  })
})

test('every model that is listed exists, in both shapes of the list', async () => {
  const ids = (await openai.models.list()).data.map(({ id }) => id)
  expect(ids).toEqual(simulatedModelNames)
  expect((await anthropic.models.list()).data.map(({ id }) => id)).toEqual(ids.slice())
  for (const id of ids) expect(scriptOf(id)).toBeDefined()
  expect(ids.length).toBeGreaterThanOrEqual(simulatedModels.length)
})

test('pieces joined are the text', () => {
  for (const text of ['', ' ', 'a  b\n\n', 'Donaudampfschifffahrt 🚀🚀🚀🚀🚀🚀🚀🚀🚀🚀 end '])
    expect(pieces(text).join('')).toBe(text)
})

test('a sample follows references and ends in schemas that contain themselves', () => {
  const tree = {
    $defs: { node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } } } },
    $ref: '#/$defs/node',
  }
  expect(JSON.stringify(sample(tree, 'leaf'))).toContain('"name":"leaf"')
  expect(sample({ type: ['string', 'null'], format: 'date' }, 'x')).toBe('2026-01-01')
})

test('docs/providers.md describes every simulated model', () => {
  const page = readFileSync(new URL('../../../docs/providers.md', import.meta.url), 'utf8')
  for (const { name, about } of simulatedModels) expect(page).toContain(`| \`${name}\` | ${about} |`)
})
