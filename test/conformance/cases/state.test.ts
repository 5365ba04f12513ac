import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { answerOf } from '../../support/recordings.ts'
import { answered, chat, claude, google, named, sent, streamed, unnamed } from '../support/lines.ts'
import { secondTurn } from '../support/turns.ts'

/** Cases of the protocols reference, part 16: what a model must get back unchanged. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const others = (own: ProtocolId): ProtocolId[] => clients.filter((id) => id !== own)
const list = (value: unknown): JsonObject[] => value as JsonObject[]

describe('case 30: the signature of a call by Gemini comes back with it', () => {
  const parts = [
    { functionCall: { name: 'look', args: { at: 'a' } }, thoughtSignature: 'c2lnbmVk' },
    { functionCall: { name: 'look', args: { at: 'b' } } },
  ]
  const line = (client: ProtocolId) => ({ client, provider: 'gemini', model: 'gemini-3-pro' }) as const
  test.each(others('gemini'))('case 30: from a client of %s, streamed and whole', (client) => {
    for (const told of [unnamed(google.chunk(parts, 'STOP')), google.chunk(parts, 'STOP')]) {
      const { body } = secondTurn(line(client), told)
      const turn = list(body['contents']).find(({ role }) => role === 'model')
      expect(list(turn?.['parts'])).toMatchObject([
        { functionCall: { name: 'look', args: { at: 'a' } }, thoughtSignature: 'c2lnbmVk' },
        { functionCall: { name: 'look', args: { at: 'b' } } },
      ])
      expect(list(turn?.['parts'])[1]).not.toHaveProperty('thoughtSignature')
    }
  })
})

describe('case 31: ids of calls carry nothing and fit everywhere', () => {
  test.each(clients)('case 31: what a client of %s is given', (client) => {
    const parts = [{ functionCall: { name: 'look', args: {} }, thoughtSignature: 'A'.repeat(2000) }]
    const { events } = streamed({ client, provider: 'gemini' }, unnamed(google.chunk(parts, 'STOP')))
    const call = answerOf(events).choices[0]!.blocks.find((block) => block.kind === 'tool-call')
    expect(call?.id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  })

  test('case 31: an id of 1,324 characters in the history is shortened, the same in the call and its result', () => {
    const id = `call_${'x'.repeat(1319)}`
    const history: JsonObject = {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: id, content: 'seen' },
      ],
    }
    const toClaude = list(
      sent({ client: 'openai-chat', provider: 'anthropic-messages', ask: history }).body['messages'],
    )
    const use = list(toClaude[1]!['content'])[0]!
    expect(use['id']).toMatch(/^[a-zA-Z0-9_-]+$/)
    expect(list(toClaude[2]!['content'])[0]!['tool_use_id']).toBe(use['id'])
    const toResponses = list(sent({ client: 'openai-chat', provider: 'openai-responses', ask: history }).body['input'])
    const call = toResponses.find(({ type }) => type === 'function_call')!
    expect((call['call_id'] as string).length).toBeLessThanOrEqual(64)
    expect(toResponses.find(({ type }) => type === 'function_call_output')!['call_id']).toBe(call['call_id'])
  })
})

const reasoning = { id: 'rs_0123456789abcdef', type: 'reasoning', summary: [], encrypted_content: 'Z0FBQUFB' }
const call = {
  id: 'fc_1',
  type: 'function_call',
  status: 'completed',
  call_id: 'call_1',
  name: 'look',
  arguments: '{}',
}
const response: JsonObject = {
  id: 'resp_1',
  object: 'response',
  created_at: 5,
  model: 'gpt-5',
  status: 'completed',
  error: null,
  incomplete_details: null,
  output: [reasoning, call],
  usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
}
const responseStream = named(
  ...[
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.output_item.added', output_index: 0, item: { ...reasoning, encrypted_content: '' } },
    { type: 'response.output_item.done', output_index: 0, item: reasoning },
    { type: 'response.output_item.added', output_index: 1, item: { ...call, status: 'in_progress', arguments: '' } },
    { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '{}' },
    { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 1, arguments: '{}', name: 'look' },
    { type: 'response.output_item.done', output_index: 1, item: call },
    { type: 'response.completed', response },
  ].map((event, sequence_number): JsonObject => ({ ...event, sequence_number })),
)

test('case 32: encrypted reasoning that a provider cannot read is left out by name, never in silence', () => {
  const input = [
    { role: 'user', content: 'hi' },
    reasoning,
    call,
    { type: 'function_call_output', call_id: 'call_1', output: 'x' },
  ]
  for (const provider of ['anthropic-messages', 'gemini', 'openai-chat'] as const) {
    const { body, warnings } = sent({ client: 'openai-responses', provider, ask: { input } })
    expect(JSON.stringify(body)).not.toContain('Z0FBQUFB')
    expect(warnings.map(({ path }) => path).join(' '), provider).toContain('input[1]')
  }
})

test.each(others('openai-responses'))(
  'case 33: reasoning of Responses comes back under its own id from a client of %s',
  (client) => {
    for (const told of [response, responseStream]) {
      const { body } = secondTurn({ client, provider: 'openai-responses', model: 'gpt-5' }, told)
      const items = list(body['input'])
      const at = items.findIndex(({ type }) => type === 'reasoning')
      expect(items[at]).toMatchObject({ id: reasoning.id, encrypted_content: 'Z0FBQUFB', summary: [] })
      // It stands in front of the item that it led to.
      expect(items[at + 1]).toMatchObject({ type: 'function_call', call_id: 'call_1' })
      expect(items.filter(({ type }) => type === 'reasoning')).toHaveLength(1)
    }
  },
)

const redacted = { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' }
const use = { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }

test.each(others('anthropic-messages'))(
  'case 34: redacted thinking of Claude comes back from a client of %s',
  (client) => {
    const stream = claude.stream(
      { input_tokens: 3, output_tokens: 1 },
      { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
      [redacted],
      claude.call('toolu_1', 'look', '{}'),
    )
    for (const told of [claude.whole([redacted, use], 'tool_use'), stream]) {
      const { body } = secondTurn({ client, provider: 'anthropic-messages', model: 'claude-opus-4-8' }, told)
      const turn = list(body['messages']).find(({ role }) => role === 'assistant')
      expect(list(turn?.['content'])[0]).toEqual(redacted)
      expect(list(turn?.['content'])[1]).toMatchObject({ type: 'tool_use', id: 'toolu_1' })
    }
  },
)

describe('case 35: replayed thinking is not rewritten', () => {
  const thinking = { type: 'thinking', thinking: 'Zwei Orte – \u2028 ok?  ', signature: 'EqoB/+abc==' }
  test('case 35: not by the straight road, which keeps every byte of it', () => {
    const body = `{"model": "shadow", "max_tokens":100,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":[{"signature":"Eqo\\u0042/+abc==", "thinking":"Zwei  Orte","type":"thinking"}, {"type":"text","text":"ok"}]},{"role":"user","content":"go"}]}`
    const client = protocolById('anthropic-messages')
    const { scanned } = client.inspect(Buffer.from(body))
    const out = client.raw.request(scanned, { model: 'real', forceUsage: true }).toString()
    expect(out).toBe(body.replace('"shadow"', '"real"'))
  })

  test.each(others('anthropic-messages'))('case 35: not on the way through a client of %s', (client) => {
    const told = claude.whole([thinking, use], 'tool_use')
    const { body } = secondTurn({ client, provider: 'anthropic-messages', model: 'claude-opus-4-8' }, told)
    const turn = list(body['messages']).find(({ role }) => role === 'assistant')
    expect(list(turn?.['content'])).toMatchObject([thinking, { type: 'tool_use', id: 'toolu_1' }])
  })
})

describe('case 36: DeepSeek gets its reasoning back on turns of tools', () => {
  const message = {
    content: null,
    reasoning_content: 'I must look.',
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }],
  }
  const deepseek = { provider: 'openai-chat', kind: 'deepseek', model: 'deepseek-reasoner' } as const
  test.each(others('openai-chat'))('case 36: from a client of %s', (client) => {
    const { body } = secondTurn({ client, ...deepseek }, chat.whole(message, 'tool_calls'))
    const turn = list(body['messages']).find(({ role }) => role === 'assistant')
    expect(turn).toMatchObject({ reasoning_content: 'I must look.', tool_calls: [{ id: 'call_1' }] })
  })

  test('case 36: and an empty text where the client has lost it', () => {
    const { reasoning_content: _, ...lost } = message
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', ...lost },
      { role: 'tool', tool_call_id: 'call_1', content: 'seen' },
    ]
    const { body } = sent({ client: 'openai-chat', ...deepseek, ask: { messages } })
    expect(list(body['messages'])[1]).toMatchObject({ reasoning_content: '' })
  })
})

describe('case 37: marks of thinking in plain text', () => {
  const told = chat.whole({ content: '<think>hm</think>Use <think> like this.' }, 'stop')
  const line = { client: 'anthropic-messages', provider: 'openai-chat' } as const
  test('case 37: are text, for nobody says that they are more', () => {
    expect(answered(line, told).body['content']).toMatchObject([
      { type: 'text', text: '<think>hm</think>Use <think> like this.' },
    ])
  })

  test('case 37: are reasoning where the operator says so', () => {
    expect(answered({ ...line, quirks: ['think-tags'] }, told).body['content']).toMatchObject([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'Use <think> like this.' },
    ])
  })
})
