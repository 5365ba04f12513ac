import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { callsIn, chat, claude, google, sent, streamed, unnamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: schemas and names of tools, and several answers at once. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const list = (value: unknown): JsonObject[] => value as JsonObject[]
const schema: JsonObject = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { at: { $ref: '#/$defs/place' }, count: { type: 'integer', exclusiveMinimum: 0 } },
  $defs: { place: { type: 'string' } },
  required: ['at'],
  additionalProperties: false,
}
const call = (id: string): JsonObject => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })
const result = (id: string, content: string): JsonObject => ({ role: 'tool', tool_call_id: id, content })

test('case 41: schemas of tools reach Gemini as JSON Schema, with all that its older dialect refuses', () => {
  const asked = [
    sent({
      client: 'openai-chat',
      provider: 'gemini',
      ask: { tools: [{ type: 'function', function: { name: 'look', parameters: schema } }] },
    }),
    sent({
      client: 'anthropic-messages',
      provider: 'gemini',
      ask: { tools: [{ name: 'look', input_schema: schema }] },
    }),
    sent({
      client: 'openai-responses',
      provider: 'gemini',
      ask: { tools: [{ type: 'function', name: 'look', parameters: schema, strict: false }] },
    }),
  ]
  for (const { body } of asked) {
    const [declared] = list(list(body['tools'])[0]!['functionDeclarations'])
    expect(declared).toMatchObject({
      name: 'look',
      parametersJsonSchema: { properties: schema['properties'], $defs: schema['$defs'] },
    })
    expect(declared).not.toHaveProperty('parameters')
  }
})

describe('case 45: names and ids that the other side refuses', () => {
  const long = `mcp__${'server_'.repeat(12)}look`
  const declare: Readonly<Partial<Record<ProtocolId, (name: string) => JsonObject>>> = {
    'openai-chat': (name) => ({ tools: [{ type: 'function', function: { name } }] }),
    'anthropic-messages': (name) => ({ tools: [{ name, input_schema: { type: 'object' } }] }),
    'openai-responses': (name) => ({
      tools: [{ type: 'function', name, parameters: { type: 'object' }, strict: false }],
    }),
    gemini: (name) => ({ tools: [{ functionDeclarations: [{ name }] }] }),
  }
  const nameSent = (body: JsonObject): string => /"name":"([^"]*look[^"]*|mcp_[^"]*)"/.exec(JSON.stringify(body))![1]!
  const answers: Readonly<Partial<Record<ProtocolId, (name: string) => Buffer>>> = {
    'openai-chat': (name) =>
      chat.stream(chat.call(0, { id: 'call_1', type: 'function' }, '{}', name), chat.delta({}, 'tool_calls')),
    gemini: (name) => unnamed(google.chunk([{ functionCall: { name, args: {} } }], 'STOP')),
    'anthropic-messages': (name) =>
      claude.stream(
        { input_tokens: 1, output_tokens: 1 },
        { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
        claude.call('toolu_1', name, '{}'),
      ),
  }
  const cases = clients.flatMap((client) =>
    (Object.keys(answers) as ProtocolId[]).filter((id) => id !== client).map((provider) => [client, provider] as const),
  )

  test.each(cases)('case 45: a client of %s calls its tool by its own name at a provider of %s', (client, provider) => {
    for (const name of client === 'anthropic-messages' ? [long] : client === 'gemini' ? ['look.at:it'] : []) {
      const line = { client, provider, ask: declare[client]!(name) } as const
      const there = nameSent(sent(line).body)
      expect(there).toMatch(protocolById(provider).toolName)
      expect(callsIn(streamed(line, answers[provider]!(there)).events)).toMatchObject([{ name }])
    }
    const plain = { client, provider, ask: declare[client]!('look') } as const
    expect(nameSent(sent(plain).body)).toBe('look')
  })

  test('case 45: ids with odd characters become acceptable, the same for call and result', () => {
    const id = 'functions.look:0'
    const ask = {
      messages: [{ role: 'user', content: 'hi' }, { role: 'assistant', tool_calls: [call(id)] }, result(id, 'x')],
    }
    const messages = list(sent({ client: 'openai-chat', provider: 'anthropic-messages', ask }).body['messages'])
    const use = list(messages[1]!['content'])[0]!
    expect(use['id']).toMatch(/^[a-zA-Z0-9_-]+$/)
    expect(list(messages[2]!['content'])[0]!['tool_use_id']).toBe(use['id'])
  })
})

test('case 53: which of several answers a piece belongs to is kept in a stream', () => {
  const stream = chat.stream(
    chat.delta({ role: 'assistant', content: 'a' }, null, 0),
    chat.delta({ role: 'assistant', content: 'b' }, null, 1),
    chat.delta({ content: 'A' }, null, 0),
    chat.delta({ content: 'B' }, null, 1),
    chat.delta({}, 'stop', 1),
    chat.delta({}, 'length', 0),
  )
  for (const [client, ask] of [
    ['openai-chat', { n: 2 }],
    ['gemini', { generationConfig: { candidateCount: 2 } }],
  ] as const) {
    const { events } = streamed({ client, provider: 'openai-chat', ask }, stream)
    const text = ['', '']
    const ends: string[] = []
    for (const event of events) {
      if (event.type === 'block-delta' && event.delta.kind === 'text') text[event.choice]! += event.delta.text
      if (event.type === 'finish') ends[event.choice] = event.finish.reason
    }
    expect(text).toEqual(['aA', 'bB'])
    expect(ends).toEqual(['length', 'stop'])
  }
})
