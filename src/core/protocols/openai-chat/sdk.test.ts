import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { unfold } from '../fold.ts'
import type { NeutralResponse } from '../neutral/index.ts'
import { openaiChat as protocol } from './index.ts'

/** Our bytes read by OpenAI's own SDK; its streaming helper is stricter than the API. */
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const params = {
  model: 'shadow',
  messages: [{ role: 'user' as const, content: 'hi' }],
  tools: ['weather', 'now'].map((name) => ({ type: 'function' as const, function: { name, parameters: {} } })),
}

const answer: NeutralResponse = {
  id: 'msg_01',
  model: 'claude-real',
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'Let me think… ü' },
        { kind: 'text', text: 'Zürich — 東京 🙂' },
        { kind: 'tool-call', id: 'toolu_1', name: 'weather', arguments: '{"city": "Zürich", "days": 3}' },
        { kind: 'tool-call', id: 'x'.repeat(80), name: 'now', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: {
    input: { uncached: 10, cacheRead: 20, cacheWrite5m: 3, cacheWrite1h: 4 },
    output: { visible: 30, reasoning: 12 },
  },
}
const message = {
  role: 'assistant',
  content: 'Zürich — 東京 🙂',
  tool_calls: [
    { id: 'toolu_1', type: 'function', function: { name: 'weather', arguments: '{"city": "Zürich", "days": 3}' } },
    {
      id: expect.stringMatching(/^call_[a-z0-9]{24}$/) as string,
      type: 'function',
      function: { name: 'now', arguments: '{}' },
    },
  ],
}
const usage = {
  prompt_tokens: 37,
  completion_tokens: 42,
  total_tokens: 79,
  prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 7 },
  completion_tokens_details: { reasoning_tokens: 12 },
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const serve = async (status: number, type: string, bytes: string): Promise<OpenAI> => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': type, 'x-request-id': 'req_7' })
    response.end(bytes)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return new OpenAI({ baseURL, apiKey: 'x', maxRetries: 0 })
}

const encoded = (response: NeutralResponse): string => {
  const encoder = protocol.createEncoder(options)
  return unfold(response)
    .map((event) => encoder.push(event))
    .join('')
}

describe('the SDK of OpenAI', () => {
  test('reads a whole answer', async () => {
    const client = await serve(200, 'application/json', JSON.stringify(protocol.encodeResponse(answer, options)))
    const read = await client.chat.completions.create(params)
    expect(read).toMatchObject({ model: 'shadow', usage, choices: [{ message, finish_reason: 'tool_calls' }] })
  })

  test('reads a stream through its strict helper', async () => {
    const client = await serve(200, 'text/event-stream', encoded(answer))
    const stream = client.chat.completions.stream({ ...params, stream_options: { include_usage: true } })
    const read = await stream.finalChatCompletion()
    expect(read).toMatchObject({ model: 'shadow', usage, choices: [{ message, finish_reason: 'tool_calls' }] })
  })

  test.each([
    ['nothing but calls', answer.choices[0]!.blocks.slice(2), 'tool-calls', 'tool_calls'],
    ['no content at all', [], 'stop', 'stop'],
    ['a refusal', [{ kind: 'refusal', text: 'no' }], 'refusal', 'content_filter'],
    ['thinking and text', answer.choices[0]!.blocks.slice(0, 2), 'length', 'length'],
  ] as const)('reads %s as a stream and whole', async (_, blocks, reason, finish) => {
    const given = { ...answer, choices: [{ blocks: [...blocks], finish: { reason, raw: null } }] }
    const streaming = await serve(200, 'text/event-stream', encoded(given))
    const streamed = await streaming.chat.completions.stream(params).finalChatCompletion()
    const client = await serve(200, 'application/json', JSON.stringify(protocol.encodeResponse(given, options)))
    const whole = await client.chat.completions.create(params)
    expect(streamed.choices[0]!.finish_reason).toBe(finish)
    expect(whole.choices[0]!.finish_reason).toBe(finish)
    expect(streamed.choices[0]!.message.content ?? '').toBe(whole.choices[0]!.message.content ?? '')
    expect(streamed.choices[0]!.message.refusal ?? null).toBe(whole.choices[0]!.message.refusal)
    expect(streamed.choices[0]!.message.tool_calls ?? []).toHaveLength(
      whole.choices[0]!.message.tool_calls?.length ?? 0,
    )
  })

  test('raises our errors with code, type and request id', async () => {
    const { status, body } = protocol.renderError(new GatewayError('insufficient_credits', 'Not enough.'), 'req_7')
    const client = await serve(status, 'application/json', JSON.stringify(body))
    await expect(client.chat.completions.create(params)).rejects.toMatchObject({
      status: 402,
      code: 'insufficient_credits',
      type: 'insufficient_quota',
      requestID: 'req_7',
    })
  })

  test('raises an error inside a stream', async () => {
    const whole = encoded(answer)
    const begun = whole.slice(0, whole.indexOf('\n\n') + 2)
    const error = protocol.renderStreamError(new GatewayError('upstream_disconnected', 'It broke.'), 'req_7')
    const client = await serve(200, 'text/event-stream', begun + error)
    const stream = await client.chat.completions.create({ ...params, stream: true })
    const read = async (): Promise<void> => {
      for await (const chunk of stream) expect(chunk.model).toBe('shadow')
    }
    await expect(read()).rejects.toMatchObject({ code: 'upstream_disconnected' })
  })
})
