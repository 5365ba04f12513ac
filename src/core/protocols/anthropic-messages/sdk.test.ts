import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic0 from '@anthropic-ai/sdk'
import Anthropic1 from 'anthropic-sdk-1'
import { afterEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { unfold } from '../fold.ts'
import type { NeutralResponse } from '../neutral/index.ts'
import { anthropicMessages as protocol } from './index.ts'

/** Our bytes read by Anthropic's own SDKs, of both API versions. */
const sdks = [
  { name: '@anthropic-ai/sdk 0.x', Client: Anthropic0 as unknown as typeof Anthropic1 },
  { name: '@anthropic-ai/sdk 1.x', Client: Anthropic1 },
]
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const params = { model: 'shadow', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] }

const answer: NeutralResponse = {
  id: 'chatcmpl-9',
  model: 'gpt-real',
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'Let me think… ü' },
        { kind: 'text', text: 'Zürich — 東京 🙂' },
        { kind: 'tool-call', id: 'functions.weather:0', name: 'weather', arguments: '{"city": "Zürich", "days": 3}' },
        { kind: 'tool-call', id: 'call_2', name: 'now', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_calls' },
    },
  ],
  usage: {
    input: { uncached: 10, cacheRead: 20, cacheWrite5m: 3, cacheWrite1h: 4 },
    output: { visible: 30, reasoning: 12 },
  },
}
const content = [
  { type: 'thinking', thinking: 'Let me think… ü', signature: '' },
  { type: 'text', text: 'Zürich — 東京 🙂' },
  {
    type: 'tool_use',
    id: expect.stringMatching(/^[a-zA-Z0-9_-]+$/) as string,
    name: 'weather',
    input: { city: 'Zürich', days: 3 },
  },
  { type: 'tool_use', id: 'call_2', name: 'now', input: {} },
]
const usage = { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 7, output_tokens: 42 }

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const serve = async (status: number, type: string, bytes: string): Promise<string> => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': type })
    response.end(bytes)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const encoded = (response: NeutralResponse): string => {
  const encoder = protocol.createEncoder(options)
  return unfold(response)
    .map((event) => encoder.push(event))
    .join('')
}

describe.each(sdks)('$name', ({ Client }) => {
  const connect = async (status: number, type: string, bytes: string) =>
    new Client({ baseURL: await serve(status, type, bytes), apiKey: 'test', maxRetries: 0 })

  test('reads an encoded stream to the end', async () => {
    const client = await connect(200, 'text/event-stream', encoded(answer))
    const message = await client.messages.stream(params).finalMessage()
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'shadow',
      stop_reason: 'tool_use',
      content,
      usage,
    })
    expect(message.id).toMatch(/^msg_[a-z0-9]{24}$/)
  })

  test('reads an encoded whole message', async () => {
    const client = await connect(200, 'application/json', JSON.stringify(protocol.encodeResponse(answer, options)))
    const message = await client.messages.create(params)
    expect(message).toMatchObject({ model: 'shadow', stop_reason: 'tool_use', content, usage })
  })

  test('learns the estimate of the input from the first event', async () => {
    const { usage: _, ...silent } = answer
    const client = await connect(200, 'text/event-stream', encoded(silent))
    const first = await (await client.messages.create({ ...params, stream: true }))[Symbol.asyncIterator]().next()
    expect(first.value).toMatchObject({
      type: 'message_start',
      message: { usage: { input_tokens: 7, output_tokens: 0 } },
    })
  })

  test('raises an error told in the middle of a stream, also behind a torn frame', async () => {
    const begun = encoded(answer).split('event: message_delta')[0]!
    const torn = `${begun}: a comment that was cut`
    const failure = protocol.renderStreamError(new GatewayError('upstream_disconnected'), 'req_1')
    const client = await connect(200, 'text/event-stream', torn + failure)
    await expect(client.messages.stream(params).finalMessage()).rejects.toThrow(
      /ended the answer before it was complete/,
    )
  })

  test('never takes a cut stream for a finished one', async () => {
    const encoder = protocol.createEncoder(options)
    const events = unfold(answer).filter((event) => event.type !== 'finish')
    const cut = events.map((event) => encoder.push(event)).join('')
    const bare = await connect(200, 'text/event-stream', cut)
    await expect(bare.messages.stream(params).finalMessage()).rejects.toThrow()
    const failure = protocol.renderStreamError(new GatewayError('upstream_error', encoder.failure), 'req_1')
    const told = await connect(200, 'text/event-stream', cut + failure)
    await expect(told.messages.stream(params).finalMessage()).rejects.toThrow(/ended the answer/)
  })

  test('gets status, type and code of a refusal', async () => {
    const { status, body } = protocol.renderError(new GatewayError('insufficient_credits', 'Add credits.'), 'req_7')
    const client = await connect(status, 'application/json', JSON.stringify(body))
    await expect(client.messages.create(params)).rejects.toMatchObject({
      status: 402,
      error: { type: 'error', error: { type: 'billing_error', message: 'Add credits.' }, request_id: 'req_7' },
    })
  })
})
