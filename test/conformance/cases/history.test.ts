import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocols } from '../../../src/core/protocols/index.ts'
import { sent } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: what is sent of a history. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const list = (value: unknown): JsonObject[] => value as JsonObject[]
const call = (id: string): JsonObject => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })
const result = (id: string, content: string): JsonObject => ({ role: 'tool', tool_call_id: id, content })
const twoCalls = (...more: JsonObject[]): JsonObject => ({
  messages: [
    { role: 'user', content: 'hi' },
    { role: 'assistant', tool_calls: [call('call_1'), call('call_2')] },
    ...more,
  ],
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
