import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, NeutralMessage, NeutralRequest, Part } from '../neutral/index.ts'
import { encodeRequest } from './encode-request.ts'

const text = (value: string): Part => ({ type: 'text', text: value })
const user = (...parts: Part[]): NeutralMessage => ({ role: 'user', parts })
const assistant = (...parts: Part[]): NeutralMessage => ({ role: 'assistant', parts })
const call = (id: string, args = '{"a":1}'): Part => ({ type: 'tool-call', id, name: 'f', arguments: args })
const result = (callId: string, value = 'ok'): Part => ({
  type: 'tool-result',
  callId,
  content: value === '' ? [] : [{ type: 'text', text: value }],
})

const chat: NeutralRequest = {
  protocol: 'openai-chat',
  model: 'shadow',
  stream: false,
  includeUsage: false,
  system: [],
  messages: [user(text('hi'))],
  tools: [],
}
const encode = (fields: Partial<NeutralRequest> = {}, options: { maxTokens?: number } = {}) =>
  encodeRequest({ ...chat, ...fields }, { model: 'real', defaultMaxTokens: 8192, ...options })
const body = (fields: Partial<NeutralRequest> = {}, options: { maxTokens?: number } = {}) =>
  encode(fields, options).body
const refusal = (fields: Partial<NeutralRequest>) => {
  try {
    encode(fields)
  } catch (error) {
    const { code, details } = error as GatewayError
    return `${code} ${details.param}`
  }
  return 'accepted'
}
const f = { type: 'function', name: 'f', schema: { type: 'object', properties: {} } } as const

describe('encodeRequest from a chat client', () => {
  test('the smallest request gets the real model and a limit, and the limit is told', () => {
    const { body: sent, warnings } = encode()
    expect(sent).toEqual({
      model: 'real',
      max_tokens: 8192,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    })
    expect(warnings).toMatchObject([{ path: 'max_completion_tokens', action: 'changed' }])
  })

  test('the limit is the smaller of what the client and the credit allow', () => {
    expect(body({ maxTokens: 100 }, { maxTokens: 50 })).toMatchObject({ max_tokens: 50 })
    expect(body({ maxTokens: 20 }, { maxTokens: 50 })).toMatchObject({ max_tokens: 20 })
  })

  test('system text stands apart, in order, with its cache marks', () => {
    expect(body({ system: [{ type: 'text', text: 'one' }] })['system']).toBe('one')
    expect(
      body({
        system: [
          { type: 'text', text: 'one', cache: { ttl: '30m' } },
          { type: 'text', text: '' },
          { type: 'text', text: 'two' },
        ],
      })['system'],
    ).toEqual([
      { type: 'text', text: 'one', cache_control: { type: 'ephemeral', ttl: '5m' } },
      { type: 'text', text: 'two' },
    ])
  })

  test('results of one turn come first in the next user message, in the order of the calls, whatever order they had', () => {
    const messages = [
      user(text('go')),
      assistant(text('calling'), call('a'), call('b'), call('c')),
      user(result('c', 'C')),
      user(text('by the way')),
      user(result('a', 'A')),
      user(result('b', '')),
    ]
    expect(body({ messages, tools: [f] })['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'go' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'calling' },
          { type: 'tool_use', id: 'a', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: 'b', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: 'c', name: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'A' }] },
          { type: 'tool_result', tool_use_id: 'b' },
          { type: 'tool_result', tool_use_id: 'c', content: [{ type: 'text', text: 'C' }] },
          { type: 'text', text: 'by the way' },
        ],
      },
    ])
  })

  test('ids that Anthropic refuses become the same accepted id in call and result, every time', () => {
    const messages = [user(text('go')), assistant(call('functions.f:0')), user(result('functions.f:0'))]
    const ids = () => {
      const sent = body({ messages, tools: [f] })['messages'] as { content: JsonObject[] }[]
      return [sent[1]!.content[0]!['id'], sent[2]!.content[0]!['tool_use_id']]
    }
    expect(ids()[0]).toMatch(/^toolu_[a-zA-Z0-9_-]{24}$/)
    expect(ids()[1]).toBe(ids()[0])
    expect(ids()).toEqual(ids())
  })

  test('blank text is dropped, roles in a row are merged, trailing space of a prefill goes', () => {
    const messages = [user(text('a')), assistant(text(' ')), user(text('b'), text('')), assistant(text('So: \n'))]
    expect(body({ messages })['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'So:' }] },
    ])
  })

  test('an instruction in the middle is marked user text, not part of the cached system text', () => {
    const { body: sent, warnings } = encode({
      messages: [user(text('a')), { role: 'system', parts: [text('Hurry.')] }],
      maxTokens: 1,
    })
    expect(sent['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: '<system-reminder>Hurry.</system-reminder>' },
        ],
      },
    ])
    expect(warnings).toMatchObject([{ path: 'messages[1]', action: 'changed' }])
  })

  test('images, documents and their places', () => {
    const parts: Part[] = [
      { type: 'image', source: { from: 'base64', mediaType: 'image/png', data: 'QUJD' } },
      { type: 'image', source: { from: 'url', url: 'https://a/b.png' }, detail: 'high' },
      { type: 'document', source: { from: 'base64', mediaType: 'application/pdf', data: 'QUJD' }, title: 'x.pdf' },
      { type: 'document', source: { from: 'base64', mediaType: 'text/plain', data: 'QUJD' } },
    ]
    const { body: sent, warnings } = encode({ messages: [user(...parts)], maxTokens: 1 })
    expect((sent['messages'] as JsonObject[])[0]!['content']).toEqual([
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } },
      { type: 'image', source: { type: 'url', url: 'https://a/b.png' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'QUJD' }, title: 'x.pdf' },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'ABC' } },
    ])
    expect(warnings).toMatchObject([{ path: 'messages[0].content[1].image_url.detail', action: 'dropped' }])
  })

  test('reasoning of another provider stays behind; unsigned, nobody misses it', () => {
    const messages = [
      user(text('a')),
      assistant({ type: 'thinking', text: 'hm', path: 'messages[1].reasoning_content' }, text('b')),
      user(text('c')),
    ]
    const { body: sent, warnings } = encode({ messages, maxTokens: 1 })
    expect(JSON.stringify(sent)).not.toContain('hm')
    expect(warnings).toEqual([])
  })

  test.each([
    [{ toolChoice: { mode: 'auto' } }, { type: 'auto' }],
    [{ toolChoice: { mode: 'none' } }, { type: 'none' }],
    [{ toolChoice: { mode: 'required' } }, { type: 'any' }],
    [{ toolChoice: { mode: 'tool', name: 'f' } }, { type: 'tool', name: 'f' }],
    [{ parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [
      { toolChoice: { mode: 'required' }, parallelToolCalls: false },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ parallelToolCalls: true }, undefined],
  ] as const)('tool choice %j', (fields, choice) => {
    expect(body({ tools: [f], ...fields })['tool_choice']).toEqual(choice)
  })

  test('a choice among some tools sends only those', () => {
    const tools = [f, { ...f, name: 'g' }]
    expect(body({ tools, toolChoice: { mode: 'subset', names: ['g'], required: true } })).toMatchObject({
      tools: [{ name: 'g' }],
      tool_choice: { type: 'any' },
    })
  })

  test.each<[JsonObject | undefined, JsonObject]>([
    [undefined, { type: 'object', properties: {} }],
    [{}, { type: 'object', properties: {} }],
    [{ properties: { a: {} } }, { type: 'object', properties: { a: {} } }],
    [
      { $id: 'x', $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
    ],
    [{ $schema: 'urn:odd', type: 'object' }, { type: 'object' }],
  ])('the schema %j is sent as %j', (schema, sent) => {
    const { schema: _, ...tool } = f
    expect(
      (body({ tools: [schema ? { ...tool, schema } : tool] })['tools'] as JsonObject[])[0]!['input_schema'],
    ).toEqual(sent)
  })

  test.each([
    ['none', { thinking: { type: 'disabled' } }],
    ['minimal', { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } }],
    ['high', { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }],
    ['max', { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } }],
  ] as const)('effort %s', (effort, sent) => {
    expect(body({ reasoning: { effort } })).toMatchObject(sent)
  })

  test('a forced tool keeps the effort and goes without thinking', () => {
    const sent = body({ reasoning: { effort: 'high' }, tools: [f], toolChoice: { mode: 'required' } })
    expect(sent).toMatchObject({ output_config: { effort: 'high' } })
    expect(sent['thinking']).toBeUndefined()
  })

  test('hints that have no counterpart are dropped and told', () => {
    const { body: sent, warnings } = encode({
      maxTokens: 5,
      seed: 1,
      presencePenalty: 0.5,
      frequencyPenalty: 0,
      verbosity: 'low',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      temperature: 1.7,
      messages: [{ role: 'user', name: 'Ann', parts: [text('x')] }],
      extensions: { 'openai-chat': { store: true, modalities: ['text'] } },
    })
    expect(sent).toEqual({
      model: 'real',
      max_tokens: 5,
      temperature: 1,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
    })
    expect(warnings.map(({ path, action }) => `${action} ${path}`).toSorted()).toEqual([
      'changed temperature',
      'dropped messages[0].name',
      'dropped metadata',
      'dropped presence_penalty',
      'dropped seed',
      'dropped service_tier',
      'dropped store',
      'dropped verbosity',
    ])
  })

  test('fields with a counterpart arrive', () => {
    expect(
      body({
        stream: true,
        stop: ['END'],
        topP: 0.5,
        topK: 3,
        user: 'u1',
        serviceTier: 'default',
        format: { type: 'schema', schema: { type: 'object', additionalProperties: false }, name: 'n' },
      }),
    ).toMatchObject({
      stream: true,
      stop_sequences: ['END'],
      top_p: 0.5,
      top_k: 3,
      metadata: { user_id: 'u1' },
      service_tier: 'standard_only',
      output_config: { format: { type: 'json_schema', schema: { type: 'object', additionalProperties: false } } },
    })
  })

  test('an e-mail address never leaves as the id of a user', () => {
    expect(JSON.stringify(body({ user: 'ann@example.com' }))).not.toContain('ann')
  })

  test('at most four cache marks are sent, the last ones', () => {
    const marked = (value: string): Part => ({ type: 'text', text: value, cache: {} })
    const request = {
      system: [{ type: 'text' as const, text: 's', cache: {} }],
      messages: [user(marked('1'), marked('2'), marked('3'), marked('4'))],
    }
    const sent = body(request)
    expect(JSON.stringify(sent).match(/ephemeral/g)).toHaveLength(4)
    expect(JSON.stringify(sent['system'])).not.toContain('ephemeral')
    expect(body(request)).toEqual(sent)
  })

  test.each<[string, Partial<NeutralRequest>]>([
    ['unsupported_parameter n', { choices: 2 }],
    ['unsupported_parameter logprobs', { logprobs: { top: 3 } }],
    ['unsupported_parameter logit_bias', { logitBias: { '5': 1 } }],
    ['unsupported_parameter response_format', { format: { type: 'json' } }],
    ['unsupported_parameter prediction', { extensions: { 'openai-chat': { prediction: {} } } }],
    ['unsupported_parameter modalities', { extensions: { 'openai-chat': { modalities: ['text', 'audio'] } } }],
    ['unsupported_parameter moderation', { extensions: { 'openai-chat': { moderation: {} } } }],
    [
      'unsupported_parameter messages[0].content[0]',
      { messages: [user({ type: 'audio', source: { from: 'url', url: 'x' } })] },
    ],
    [
      'unsupported_parameter messages[0].content[0]',
      { messages: [user({ type: 'image', source: { from: 'base64', mediaType: 'image/bmp', data: '' } })] },
    ],
    [
      'invalid_request messages[0].content[0]',
      { messages: [user({ type: 'image', source: { from: 'base64', mediaType: 'image/png', data: 'a b' } })] },
    ],
    [
      'unsupported_parameter messages[0].content[0]',
      { messages: [user({ type: 'document', source: { from: 'file', id: 'f', protocol: 'openai-chat' } })] },
    ],
    [
      'unsupported_parameter messages[0].content[0]',
      { messages: [user({ type: 'opaque', protocol: 'openai-chat', value: {} })] },
    ],
    ['unsupported_parameter tools[0]', { tools: [{ type: 'opaque', protocol: 'openai-chat', value: {} }] }],
    ['unsupported_parameter tools[0]', { tools: [{ ...f, schema: { type: 'array' } }] }],
    ['invalid_request tools[0].name', { tools: [{ ...f, name: 'a b' }] }],
    ['invalid_request tool_choice', { tools: [f], toolChoice: { mode: 'tool', name: 'g' } }],
    ['invalid_request tool_choice', { toolChoice: { mode: 'required' } }],
    [
      'unsupported_parameter tool_choice',
      { tools: [f], toolChoice: { mode: 'required' }, reasoning: { mode: 'on', budgetTokens: 2000 } },
    ],
    ['invalid_request messages', { messages: [{ role: 'system', parts: [text('x')] }] }],
    ['invalid_request messages[0]', { messages: [assistant(text('x'))] }],
    ['invalid_request messages[0]', { messages: [user(text(''))] }],
    ['invalid_request messages[1].content[0]', { messages: [user(text('x')), assistant(call('a'))] }],
    [
      'invalid_request messages[1].content[0]',
      { messages: [user(text('x')), assistant(call('a', '[1]')), user(result('a'))] },
    ],
    [
      'invalid_request messages[2].content[0]',
      { messages: [user(text('x')), assistant(call('a')), user(result('b'))] },
    ],
    ['invalid_request stop[0]', { stop: [' '] }],
  ])('refuses %s', (expected, fields) => {
    expect(refusal(fields)).toBe(expected)
  })
})

describe('encodeRequest from an Anthropic client', () => {
  const own: NeutralRequest = { ...chat, protocol: 'anthropic-messages', maxTokens: 4096 }

  test('its own fields and blocks come back', () => {
    const { body: sent, warnings } = encodeRequest(
      {
        ...own,
        messages: [
          user({ type: 'opaque', protocol: 'anthropic-messages', value: { type: 'container_upload', file_id: 'f' } }),
          { role: 'system', parts: [text('Hurry.')] },
        ],
        tools: [
          {
            type: 'opaque',
            protocol: 'anthropic-messages',
            value: { type: 'web_search_20250305', name: 'web_search' },
          },
        ],
        extensions: { 'anthropic-messages': { container: 'c', thinking: { type: 'between_tools' } } },
        reasoning: { mode: 'adaptive' },
      },
      { model: 'real', defaultMaxTokens: 1 },
    )
    expect(sent).toMatchObject({
      container: 'c',
      thinking: { type: 'between_tools' },
      tools: [{ type: 'web_search_20250305' }],
      messages: [
        { content: [{ type: 'container_upload' }] },
        { role: 'system', content: [{ type: 'text', text: 'Hurry.' }] },
      ],
    })
    expect(warnings).toEqual([])
  })

  test('a thinking budget stays below a lowered limit, or thinking is off', () => {
    const thinking = (maxTokens: number) =>
      encodeRequest(
        { ...own, reasoning: { mode: 'on', budgetTokens: 3000 }, temperature: 0.5, topK: 3 },
        { model: 'r', defaultMaxTokens: 1, maxTokens },
      )
    expect(thinking(2000).body).toMatchObject({ max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1999 } })
    expect(thinking(2000).body['temperature']).toBeUndefined()
    expect(thinking(1000).body).toMatchObject({ max_tokens: 1000, thinking: { type: 'disabled' } })
  })

  test('signed reasoning goes back byte for byte, in its place', () => {
    const parts: Part[] = [
      { type: 'thinking', text: 'hm ', signature: 'sig==', signedBy: 'anthropic-messages' },
      { type: 'thinking', text: '', redacted: 'sealed', signedBy: 'anthropic-messages' },
      call('a'),
    ]
    const { body: sent } = encodeRequest(
      { ...own, messages: [user(text('x')), assistant(...parts), user(result('a'))] },
      { model: 'r', defaultMaxTokens: 1 },
    )
    expect((sent['messages'] as { content: JsonObject[] }[])[1]!.content.slice(0, 2)).toEqual([
      { type: 'thinking', thinking: 'hm ', signature: 'sig==' },
      { type: 'redacted_thinking', data: 'sealed' },
    ])
  })
})

test.each([
  [{ 'openai-responses': { safety_identifier: 'u' } }, undefined, 'u', []],
  [{ 'openai-chat': { safety_identifier: 'u' } }, 'v', 'v', ['safety_identifier']],
  [{ 'openai-chat': { safety_identifier: 'u' } }, 'u', 'u', []],
])('the safety identifier %j with the user %j tells users apart', (extensions, id, sent, dropped) => {
  const { body: told, warnings } = encode({ extensions, maxTokens: 9, ...(id !== undefined && { user: id }) })
  expect(told['metadata']).toEqual({ user_id: sent })
  expect(warnings.map(({ path }) => path)).toEqual(dropped)
})
