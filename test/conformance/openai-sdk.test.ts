import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { unfold } from '../../src/core/protocols/fold.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { NeutralEvent, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../src/core/protocols/neutral/index.ts'
import { openaiChat } from '../../src/core/protocols/openai-chat/index.ts'
import { answerOf, decodeStream, readRecordings, recordingsPresent, streamBytes } from '../support/recordings.ts'

/** Our bytes read by OpenAI's own SDK, whose stream helper checks more than its API promises. */
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const params = { model: 'shadow', messages: [{ role: 'user' as const, content: 'hi' }] }

let server: Server
let client: OpenAI
let next = { status: 200, type: 'text/event-stream', bytes: '' }

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume()
    response.writeHead(next.status, { 'content-type': next.type })
    response.end(next.bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  client = new OpenAI({ baseURL, apiKey: 'test', maxRetries: 0 })
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const encode = (events: readonly NeutralEvent[]): string => {
  const encoder = openaiChat.createEncoder(options)
  return events.map((event) => encoder.push(event)).join('')
}

const readStream = (bytes: string) => {
  next = { status: 200, type: 'text/event-stream', bytes }
  return client.chat.completions.stream({ ...params, stream_options: { include_usage: true } }).finalChatCompletion()
}
const readWhole = (answer: NeutralResponse) => {
  next = { status: 200, type: 'application/json', bytes: JSON.stringify(openaiChat.encodeResponse(answer, options)) }
  return client.chat.completions.create(params)
}

/** What the answer says, as the SDK should have it. */
const expected = (answer: NeutralResponse) => ({
  model: 'shadow',
  object: 'chat.completion',
  choices: answer.choices.map(({ blocks }, index) => {
    const words = (kind: 'text' | 'refusal'): string =>
      blocks.map((block) => (block.kind === kind ? block.text : '')).join('')
    const calls = blocks.filter((block) => block.kind === 'tool-call')
    return {
      index,
      message: {
        role: 'assistant',
        ...(words('text') !== '' && { content: words('text') }),
        ...(words('refusal') !== '' && { refusal: words('refusal') }),
        ...(calls.length > 0 && {
          tool_calls: calls.map((call) => ({
            id: call.id,
            ...(call.custom
              ? { type: 'custom', custom: { name: call.name, input: call.arguments } }
              : { type: 'function', function: { name: call.name, arguments: call.arguments || '{}' } }),
          })),
        }),
      },
    }
  }),
  ...(answer.usage && {
    usage: { prompt_tokens: inputTotal(answer.usage), completion_tokens: outputTotal(answer.usage) },
  }),
})

const many: NeutralResponse = {
  id: 'msg_1',
  model: 'claude-real',
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'Let me think… ü', signature: 'sealed', signedBy: 'anthropic-messages' },
        { kind: 'text', text: 'Zürich — ' },
        { kind: 'text', text: '東京 🙂' },
        { kind: 'tool-call', id: 'toolu_1', name: 'weather', arguments: '{"city": "Zürich"}' },
        { kind: 'tool-call', id: 'toolu_2', name: 'now', arguments: '' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
    { blocks: [{ kind: 'refusal', text: 'No.' }], finish: { reason: 'stop', raw: 'end_turn' } },
    { blocks: [], finish: { reason: 'length', raw: 'max_tokens' } },
  ],
  usage: {
    input: { uncached: 10, cacheRead: 20, cacheWrite5m: 3, cacheWrite1h: 4 },
    output: { visible: 30, reasoning: 12 },
  },
}

describe('the openai SDK', () => {
  test('reads reasoning, text, calls, refusals and several choices', async () => {
    const completion = await readStream(encode(unfold(many)))
    expect(completion).toMatchObject(expected(many))
    expect(completion.choices.map((choice) => choice.finish_reason)).toEqual(['tool_calls', 'stop', 'length'])
    expect(completion.usage).toMatchObject({
      prompt_tokens: 37,
      completion_tokens: 42,
      total_tokens: 79,
      prompt_tokens_details: { cached_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 12 },
    })
    expect(completion.id).toMatch(/^chatcmpl-/)
    expect(await readWhole(many)).toMatchObject(expected(many))
  })

  test('sees reasoning where servers of its kind send it, and never a foreign signature', async () => {
    const bytes = encode(unfold(many))
    expect(bytes).toContain('"reasoning_content":"Let me think… ü"')
    expect(bytes).not.toContain('sealed')
    const completion = await readWhole(many)
    expect(completion.choices[0]!.message).toMatchObject({ reasoning_content: 'Let me think… ü', refusal: null })
  })

  test('gets no usage it did not ask for', () => {
    const encoder = openaiChat.createEncoder({ ...options, includeUsage: false })
    const bytes = unfold(many)
      .map((event) => encoder.push(event))
      .join('')
    expect(bytes).not.toContain('usage')
    expect(bytes.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('sees one id, one time and one model on all chunks, the role once per choice, and usage null on all but the last', async () => {
    next = { ...next, status: 200, type: 'text/event-stream', bytes: encode(unfold(many)) }
    const chunks = []
    for await (const chunk of await client.chat.completions.create({ ...params, stream: true })) chunks.push(chunk)
    expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1)
    const roles = chunks.flatMap(({ choices }) => choices.filter(({ delta }) => delta.role !== undefined))
    expect(roles.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 79 } })
    const calls = chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []))
    expect(calls.map(({ index }) => index)).toEqual([0, 0, 1, 1])
    expect(calls.filter(({ id }) => id !== undefined)).toMatchObject([
      { id: 'toolu_1', function: { name: 'weather', arguments: '' } },
      { id: 'toolu_2', function: { name: 'now', arguments: '' } },
    ])
    // A name that is null or an id that is empty would be taken for another call.
    for (const call of calls.filter(({ id }) => id === undefined)) expect(call.function).not.toHaveProperty('name')
  })

  test('raises what failed in the middle, and never takes it for an end', async () => {
    const begun = encode(unfold(many).slice(0, 6))
    for (const failure of [
      openaiChat.renderStreamError(new GatewayError('upstream_disconnected'), 'req_1'),
      `: torn${openaiChat.renderStreamError(new GatewayError('upstream_disconnected'), 'req_1')}`,
    ]) {
      expect(failure).not.toMatch(/DONE|finish_reason/)
      await expect(readStream(begun + failure)).rejects.toThrow(/before it was complete/)
    }
    const broken = encode([...unfold(many).slice(0, 6), { type: 'end' }])
    await expect(readStream(broken)).rejects.toThrow(/missing finish_reason/)
    const failure = openaiChat.renderStreamError(new GatewayError('upstream_error'), 'req_1')
    await expect(readStream(broken + failure)).rejects.toBeInstanceOf(APIError)
  })

  test('gets status, type, code and place of a refusal', async () => {
    const error = new GatewayError('unsupported_parameter', 'n: only one answer can be given.', { param: 'n' })
    const { status, body } = openaiChat.renderError(error, 'req_1')
    next = { status, type: 'application/json', bytes: JSON.stringify(body) }
    await expect(client.chat.completions.create(params)).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      code: 'unsupported_parameter',
      param: 'n',
    })
  })

  describe.skipIf(!recordingsPresent)('recorded answers of every provider (skipped where they are absent)', () => {
    for (const provider of protocols) {
      const streams = readRecordings(provider.id)
        .filter(({ response }) => response.chunks)
        .map((recording) => ({ id: recording.id, events: decodeStream(provider, [streamBytes(recording)]) }))
        .filter(({ events }) => {
          const finish = events.findLast((event) => event.type === 'finish')?.finish.reason
          return finish !== undefined && finish !== 'other' && finish !== 'pause'
        })
      test.each(streams)('$id', async ({ events }) => {
        const answer = answerOf(events)
        expect(await readStream(encode(events))).toMatchObject(expected(answer))
        expect(await readWhole(answer)).toMatchObject(expected(answer))
      })
    }
  })
})
