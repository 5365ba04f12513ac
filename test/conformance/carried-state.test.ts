import { quirksOf } from '../../src/core/protocols/openai-chat/quirks.ts'
import { describe, expect, test } from 'vitest'
import { crossing } from '../../src/core/endpoints/crossing.ts'
import type { RoadOptions } from '../../src/core/endpoints/endpoint.ts'
import { createSealer } from '../../src/core/kernel/secrets.ts'
import { protocolById } from '../../src/core/protocols/index.ts'
import type { JsonObject, ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import { providerKindById } from '../../src/core/provider-kinds/index.ts'

const sealer = createSealer(Buffer.alloc(32, 7), 'test')

const road = (client: ProtocolId, provider: ProtocolId, body: JsonObject, model = 'claude-opus-4-8') => {
  const codec = protocolById(client)
  const place = client === 'gemini' ? { model: 'shadow', stream: body['stream'] === true } : {}
  const options: RoadOptions = {
    facts: codec.inspect(Buffer.from(JSON.stringify(body)), place),
    place,
    target: {
      kind: providerKindById('openai-compatible')!,
      speaks: [provider],
      model,
      providerId: 'prv_1',
      quirks: quirksOf([]),
      baseUrl: 'http://provider.test/v1',
    },
    shadowModel: 'shadow',
    maxTokens: undefined,
    defaultMaxTokens: 4096,
    estimatedInputTokens: 1,
    created: 1,
    crossing: { strict: false, dropUnsupportedTools: false },
    sealer,
    clientHeaders: {},
  }
  return crossing(codec, protocolById(provider), options)
}

const tool: JsonObject = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
const ask: JsonObject = { model: 'shadow', messages: [{ role: 'user', content: 'Weather in Oslo?' }], tools: [tool] }

/** Two thoughts, each in front of its own call, as Claude interleaves them. */
const answer: JsonObject = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-8',
  content: [
    { type: 'thinking', thinking: 'Two places.', signature: 'c2lnLTE=' },
    { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } },
    { type: 'redacted_thinking', data: 'cmVk' },
    { type: 'tool_use', id: 'toolu_2', name: 'weather', input: { city: 'Bergen' } },
  ],
  stop_reason: 'tool_use',
  stop_sequence: null,
  usage: { input_tokens: 5, output_tokens: 9 },
}

const sse = (events: readonly JsonObject[]): Buffer =>
  Buffer.from(events.map((event) => `event: ${event['type'] as string}\ndata: ${JSON.stringify(event)}\n\n`).join(''))

const streamed = (): Buffer => {
  const blocks = (answer['content'] as JsonObject[]).flatMap((block, index): JsonObject[] => {
    const stop = { type: 'content_block_stop', index }
    const delta = (value: JsonObject): JsonObject => ({ type: 'content_block_delta', index, delta: value })
    const start = (value: JsonObject): JsonObject => ({ type: 'content_block_start', index, content_block: value })
    if (block['type'] === 'redacted_thinking') return [start(block), stop]
    if (block['type'] === 'thinking')
      return [
        start({ type: 'thinking', thinking: '', signature: '' }),
        delta({ type: 'thinking_delta', thinking: block['thinking']! }),
        delta({ type: 'signature_delta', signature: block['signature']! }),
        stop,
      ]
    return [
      start({ ...block, input: {} }),
      delta({ type: 'input_json_delta', partial_json: JSON.stringify(block['input']) }),
      stop,
    ]
  })
  const { content: _, stop_reason: __, ...head } = answer
  return sse([
    { type: 'message_start', message: { ...head, content: [], stop_reason: null } },
    ...blocks,
    { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ])
}

/** What a client of Chat Completions that keeps whatever it was given sends back. */
const kept = (chunks: string): JsonObject => {
  const message: Record<string, unknown> = { role: 'assistant', content: null }
  const calls: { id: string; type: string; function: { name: string; arguments: string } }[] = []
  const details: unknown[] = []
  for (const frame of chunks.split('\n\n')) {
    if (!frame.startsWith('data: {')) continue
    const { choices } = JSON.parse(frame.slice(6)) as { choices: { delta: Record<string, unknown> }[] }
    const delta = choices[0]?.delta ?? {}
    details.push(...((delta['reasoning_details'] as unknown[] | undefined) ?? []))
    for (const call of (delta['tool_calls'] as ({ index: number } & (typeof calls)[number])[] | undefined) ?? []) {
      const known = calls[call.index]
      if (known) known.function.arguments += call.function.arguments
      else calls[call.index] = { id: call.id, type: call.type, function: call.function }
    }
  }
  return { ...message, tool_calls: calls, reasoning_details: details } as unknown as JsonObject
}

describe('a Chat client carries the reasoning of Claude', () => {
  const results = ['toolu_1', 'toolu_2'].map((id) => ({ role: 'tool', tool_call_id: id, content: 'rain' }))
  const whole = (): JsonObject => {
    const { body } = road('openai-chat', 'anthropic-messages', ask).unary(Buffer.from(JSON.stringify(answer)))
    return (JSON.parse(body.toString()) as { choices: { message: JsonObject }[] }).choices[0]!.message
  }
  const inPieces = (): JsonObject => {
    const stream = road('openai-chat', 'anthropic-messages', { ...ask, stream: true }).stream()
    return kept(String(stream.push(streamed())) + String(stream.finish()))
  }

  test.each([
    ['whole', whole],
    ['streamed', inPieces],
  ])('and it comes back unchanged and in its places: %s', (_, get) => {
    const turn = { ...ask, messages: [...(ask['messages'] as JsonObject[]), get(), ...results] }
    const sent = JSON.parse(
      road('openai-chat', 'anthropic-messages', turn as JsonObject)
        .request(undefined)
        .toString(),
    ) as { messages: { content: JsonObject[] }[] }
    expect(sent.messages[1]!.content).toEqual(answer['content'])
  })

  test('a model of another family gets none of it, and the client is told', () => {
    const turn = { ...ask, messages: [...(ask['messages'] as JsonObject[]), whole(), ...results] } as JsonObject
    const way = road('openai-chat', 'anthropic-messages', turn, 'other-1')
    expect(way.request(undefined).toString()).not.toContain('c2lnLTE=')
    expect(way.warnings).toContainEqual({
      path: 'messages[1].reasoning_details[0]',
      action: 'dropped',
      reason: 'sealed reasoning: it was made by another model',
    })
  })
})
