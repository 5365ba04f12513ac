import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { providerKinds } from '../../../src/core/provider-kinds/index.ts'
import { callsIn, chat, claude, google, sent, streamed, unnamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: what is sent of tools and of a history. */
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
const twoCalls = (...more: JsonObject[]): JsonObject => ({
  messages: [
    { role: 'user', content: 'hi' },
    { role: 'assistant', tool_calls: [call('call_1'), call('call_2')] },
    ...more,
  ],
})

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

test('case 42: a result that looks like a schema reaches Gemini as text', () => {
  const text = JSON.stringify({ $ref: '#/$defs/a', $defs: { a: 1 } })
  const { body } = sent({
    client: 'openai-chat',
    provider: 'gemini',
    ask: twoCalls(result('call_1', text), result('call_2', 'b')),
  })
  const results = list(list(body['contents']).at(-1)!['parts'])
  expect(results[0]).toMatchObject({ functionResponse: { name: 'look', response: { output: text } } })
})

test('case 43: results of parallel calls stand in one message, in the order of the calls', () => {
  const ask = twoCalls(result('call_2', 'second'), result('call_1', 'first'), { role: 'user', content: 'and?' })
  const claudes = list(sent({ client: 'openai-chat', provider: 'anthropic-messages', ask }).body['messages'])
  expect(claudes).toHaveLength(3)
  expect(list(claudes[2]!['content']).map(({ type }) => type)).toEqual(['tool_result', 'tool_result', 'text'])
  expect(
    list(claudes[2]!['content'])
      .slice(0, 2)
      .map(({ tool_use_id }) => tool_use_id),
  ).toEqual(['call_1', 'call_2'])
  const gemini = list(sent({ client: 'openai-chat', provider: 'gemini', ask }).body['contents'])
  const answers = gemini.filter(({ parts }) => list(parts).some((part) => part['functionResponse']))
  expect(answers).toHaveLength(1)
  expect(list(answers[0]!['parts']).filter((part) => part['functionResponse'])).toHaveLength(2)
  const bedrock = list(
    sent({
      client: 'openai-chat',
      provider: 'bedrock-converse',
      ask: { ...ask, tools: [{ type: 'function', function: { name: 'look' } }] },
    }).body['messages'],
  )
  expect(list(bedrock[2]!['content']).filter((block) => block['toolResult'])).toHaveLength(2)
})

test('case 44: empty and blank texts are not sent to those who refuse them', () => {
  const messages = [
    {
      role: 'user',
      content: [
        { type: 'text', text: '' },
        { type: 'text', text: 'hi' },
        { type: 'text', text: ' \n' },
      ],
    },
    { role: 'assistant', content: '', tool_calls: [call('call_1')] },
    result('call_1', 'x'),
  ]
  const claudes = list(
    sent({ client: 'openai-chat', provider: 'anthropic-messages', ask: { messages } }).body['messages'],
  )
  expect(list(claudes[0]!['content'])).toHaveLength(1)
  expect(list(claudes[1]!['content']).map(({ type }) => type)).toEqual(['tool_use'])
  const ask = { messages, tools: [{ type: 'function', function: { name: 'look' } }] }
  const gemini = JSON.stringify(sent({ client: 'openai-chat', provider: 'gemini', ask }).body)
  expect(gemini).not.toMatch(/"text":""/)
  const bedrock = JSON.stringify(sent({ client: 'openai-chat', provider: 'bedrock-converse', ask }).body)
  expect(bedrock).not.toMatch(/"text":"(?:\s|\\n)*"/)
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

describe('case 47: items and tools that only one provider runs', () => {
  const codex: JsonObject = {
    input: [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] },
      { type: 'tool_search_call', id: 'ts_1', status: 'completed', arguments: { query: 'x' } },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'x' },
    ],
    tools: [
      { type: 'tool_search' },
      { type: 'computer' },
      { type: 'function', name: 'look', parameters: {}, strict: false },
    ],
  }
  test('case 47: pass as they are to a provider of Responses, also through the neutral form', () => {
    const body = sent({ client: 'openai-responses', provider: 'openai-responses', ask: codex }).body
    expect(list(body['tools']).map(({ type }) => type)).toEqual(['tool_search', 'computer', 'function'])
    expect(list(body['input'])[1]).toEqual(list(codex['input'])[1])
    expect(list(body['input'])[2]).not.toHaveProperty('role')
    expect(
      sent({ client: 'openai-responses', provider: 'openai-responses', ask: codex, real: true, kind: 'openai' }).body,
    ).toMatchObject(codex)
  })

  test.each(clients.filter((id) => id !== 'openai-responses'))(
    'case 47: are refused with their place on the way to a provider of %s',
    (provider) => {
      expect(() => sent({ client: 'openai-responses', provider, ask: codex })).toThrow(/(?:tools|input)\[\d\]/)
    },
  )
})

describe('case 48: what prompt caches key on', () => {
  const mark = { cache_control: { type: 'ephemeral' } }
  test('case 48: a text without parts does not switch off the marks of the others', () => {
    const messages = [
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'second' },
      { role: 'user', content: [{ type: 'text', text: 'third', ...mark }] },
    ]
    const system = [{ type: 'text', text: 'be brief', ...mark }]
    const ask = { system, messages }
    const own = sent({ client: 'anthropic-messages', provider: 'anthropic-messages', ask }).body
    expect(JSON.stringify(own).match(/cache_control/g)).toHaveLength(2)
    const bedrock = sent({
      client: 'anthropic-messages',
      provider: 'bedrock-converse',
      ask,
      model: 'us.anthropic.claude-opus-4-8-v1:0',
    }).body
    expect(JSON.stringify(bedrock).match(/cachePoint/g)).toHaveLength(2)
  })

  test.each(clients)(
    'case 48: a client of %s that asks the same sends the same bytes, tools in its order',
    (client) => {
      const names = ['zeta', 'alpha', 'mid']
      const ask: JsonObject =
        client === 'gemini'
          ? { tools: [{ functionDeclarations: names.map((name) => ({ name })) }] }
          : {
              tools: names.map((name) =>
                client === 'openai-chat'
                  ? { type: 'function', function: { name } }
                  : client === 'anthropic-messages'
                    ? { name, input_schema: { type: 'object' } }
                    : { type: 'function', name, parameters: { type: 'object' }, strict: false },
              ),
            }
      for (const provider of [...clients, 'bedrock-converse'] as const) {
        const once = JSON.stringify(sent({ client, provider, ask }).body)
        expect(JSON.stringify(sent({ client, provider, ask }).body)).toBe(once)
        expect(names.map((name) => once.indexOf(`"${name}"`)).toSorted((a, b) => a - b)).toEqual(
          names.map((name) => once.indexOf(`"${name}"`)),
        )
      }
    },
  )
})

describe('case 50: the limit on output has the name that the server knows', () => {
  test('case 50: max_tokens for Ollama, whoever asks', () => {
    const ollama = { provider: 'openai-chat', kind: 'ollama' } as const
    const asks: [ProtocolId, JsonObject][] = [
      ['anthropic-messages', { max_tokens: 77 }],
      ['openai-responses', { max_output_tokens: 77 }],
      ['gemini', { generationConfig: { maxOutputTokens: 77 } }],
    ]
    for (const [client, ask] of asks) {
      const { body } = sent({ client, ...ollama, ask })
      expect(body['max_tokens'], client).toBe(77)
      expect(body).not.toHaveProperty('max_completion_tokens')
    }
  })

  test('case 50: and max_completion_tokens for OpenAI', () => {
    const { body } = sent({
      client: 'anthropic-messages',
      provider: 'openai-chat',
      kind: 'openai',
      ask: { max_tokens: 77 },
    })
    expect(body['max_completion_tokens']).toBe(77)
    expect(body).not.toHaveProperty('max_tokens')
  })
})

describe('case 51: what a vendor’s client says of itself', () => {
  const system = [
    { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.0; cc_entrypoint=cli;' },
    { type: 'text', text: 'Be brief.' },
  ]
  test.each(['openai-chat', 'openai-responses', 'gemini', 'bedrock-converse'] as const)(
    'case 51: is no prompt for a model behind %s',
    (provider) => {
      const text = JSON.stringify(sent({ client: 'anthropic-messages', provider, ask: { system } }).body)
      expect(text).toContain('Be brief.')
      expect(text).not.toContain('billing')
    },
  )

  test('case 51: passes in no header that is not on the list of its provider', () => {
    for (const { id, forwardHeaders } of providerKinds)
      for (const name of [
        'cookie',
        'authorization',
        'x-api-key',
        'x-app',
        'user-agent',
        'openai-organization',
        'x-goog-user-project',
      ])
        expect(forwardHeaders, id).not.toContain(name)
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
