import { describe, expect, test } from 'vitest'
import { protocols, providerProtocols } from './index.ts'
import type { JsonObject } from './neutral/index.ts'

const options = { model: 'model', defaultMaxTokens: 1000 }
const place = { model: 'model', stream: true }
const cross = (from: string, to: string, body: JsonObject): JsonObject => {
  const client = protocols.find(({ id }) => id === from)!
  const provider = providerProtocols.find(({ id }) => id === to)!
  return provider.encodeRequest(client.decodeRequest(body, place), options).body
}

describe('an answer that the client keeps in pieces is one turn', () => {
  /** The SDK of Gemini keeps each chunk of a stream as a turn of its own. */
  const model = (part: JsonObject): JsonObject => ({ role: 'model', parts: [part] })
  const body = {
    contents: [
      { role: 'user', parts: [{ text: 'q' }] },
      model({ text: 'Let ' }),
      model({ text: 'me' }),
      model({ functionCall: { name: 'f', args: {}, id: 'A' } }),
      model({ functionCall: { name: 'g', args: {}, id: 'B' } }),
      model({ text: '' }),
      { role: 'user', parts: [{ functionResponse: { name: 'f', id: 'A', response: { output: 'a' } } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'g', id: 'B', response: { output: 'b' } } }] },
      model({ text: '' }),
      { role: 'user', parts: [{ text: 'go on' }] },
    ],
  }

  test('for Chat: one message with all its calls, then their results', () => {
    const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{}' } })
    expect(cross('gemini', 'openai-chat', body)['messages']).toEqual([
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'Let me', tool_calls: [call('A', 'f'), call('B', 'g')] },
      { role: 'tool', tool_call_id: 'A', content: 'a' },
      { role: 'tool', tool_call_id: 'B', content: 'b' },
      { role: 'user', content: 'go on' },
    ])
  })

  test('for Responses: one message, then its calls', () => {
    expect(cross('gemini', 'openai-responses', body)['input']).toMatchObject([
      { content: 'q' },
      { role: 'assistant', content: 'Let me' },
      { type: 'function_call', call_id: 'A' },
      { type: 'function_call', call_id: 'B' },
      { type: 'function_call_output', call_id: 'A' },
      { type: 'function_call_output', call_id: 'B' },
      { content: 'go on' },
    ])
  })

  test('for Anthropic: turns alternate', () => {
    expect(cross('gemini', 'anthropic-messages', body)['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'text' }, { type: 'text' }, { id: 'A' }, { id: 'B' }] },
      { role: 'user', content: [{ tool_use_id: 'A' }, { tool_use_id: 'B' }, { text: 'go on' }] },
    ])
  })

  test('two answers of an Anthropic client in a row are one message for Chat', () => {
    const messages = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
      { role: 'assistant', content: [{ type: 'text', text: 'b' }] },
      { role: 'user', content: 'c' },
    ]
    expect(cross('anthropic-messages', 'openai-chat', { model: 'm', max_tokens: 5, messages })['messages']).toEqual([
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'ab' },
      { role: 'user', content: 'c' },
    ])
  })
})

describe('an id of a call that comes again in a later turn', () => {
  const turn = (output: string): JsonObject[] => [
    { role: 'assistant', content: null, tool_calls: [{ id: 'f', type: 'function', function: { name: 'f' } }] },
    { role: 'tool', tool_call_id: 'f', content: output },
  ]
  const body = { model: 'm', messages: [{ role: 'user', content: 'q' }, ...turn('1'), ...turn('2'), ...turn('3')] }
  const idsIn = (given: unknown, key: string): string[] =>
    [...JSON.stringify(given).matchAll(new RegExp(`"${key}":"([^"]+)"`, 'g'))].map(([, id]) => id!)

  test.each([
    ['anthropic-messages', 'id', 'tool_use_id', 'messages'],
    ['bedrock-converse', 'toolUseId', 'toolUseId', 'messages'],
    ['openai-responses', 'call_id', 'call_id', 'input'],
  ])('is another one for %s, the same in call and result', (to, callKey, resultKey, field) => {
    const sent = cross('openai-chat', to, body)[field]
    const calls = idsIn(sent, callKey)
    const results = idsIn(sent, resultKey)
    const distinct = [...new Set([...calls, ...results])]
    expect(distinct).toHaveLength(3)
    expect(distinct[0]).toBe('f')
    if (callKey !== resultKey) expect(results).toEqual(calls)
    else expect(calls).toEqual(distinct.flatMap((id) => [id, id]))
  })

  test('stays what it was as the conversation grows', () => {
    const shorter = { ...body, messages: body.messages.slice(0, 5) }
    const before = cross('openai-chat', 'anthropic-messages', shorter)['messages']
    const after = cross('openai-chat', 'anthropic-messages', body)['messages']
    expect(idsIn(after, 'id').slice(0, 2)).toEqual(idsIn(before, 'id'))
  })
})
