import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { decodeRequest } from './decode-request.ts'

const base: JsonObject = { model: 'm', max_tokens: 4096, messages: [{ role: 'user', content: 'hi' }] }
const decode = (fields: JsonObject) => decodeRequest({ ...base, ...fields })
const user = (...content: JsonValue[]): JsonObject => ({ role: 'user', content })
const assistant = (...content: JsonValue[]): JsonObject => ({ role: 'assistant', content })
const call = (id: string): JsonObject => ({ type: 'tool_use', id, name: 'f', input: { b: 1, a: 2 } })
const result = (id: string, more: JsonObject = {}): JsonObject => ({ type: 'tool_result', tool_use_id: id, ...more })
const tool = (name: string): JsonObject => ({ name, input_schema: { type: 'object' } })
const param = (fields: JsonObject): string | undefined => {
  try {
    decode(fields)
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_request', status: 400 })
    return (error as GatewayError).details.param
  }
  return undefined
}

describe('decodeRequest', () => {
  test('the smallest request', () => {
    expect(decodeRequest(base)).toEqual({
      protocol: 'anthropic-messages',
      model: 'm',
      stream: false,
      includeUsage: true,
      system: [],
      messages: [
        { role: 'user', path: 'messages[0]', parts: [{ type: 'text', text: 'hi', path: 'messages[0].content' }] },
      ],
      tools: [],
      maxTokens: 4096,
    })
  })

  test('every field with a neutral place finds it', () => {
    expect(
      decode({
        stream: true,
        system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral', ttl: '1h' } }],
        temperature: 0.5,
        top_p: 0.9,
        top_k: 5,
        stop_sequences: ['END'],
        metadata: { user_id: 'u1' },
        service_tier: 'standard_only',
        tools: [
          { ...tool('f'), description: 'd', strict: true, eager_input_streaming: true },
          { type: 'web_search_20250305', name: 'web_search' },
        ],
        tool_choice: { type: 'any', disable_parallel_tool_use: true },
        thinking: { type: 'enabled', budget_tokens: 1024, display: 'omitted' },
        output_config: { effort: 'high', format: { type: 'json_schema', schema: { type: 'object' } } },
      }),
    ).toMatchObject({
      stream: true,
      system: [{ text: 'Be brief.', cache: { ttl: '1h' }, path: 'system[0]' }],
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      stop: ['END'],
      user: 'u1',
      serviceTier: 'default',
      tools: [
        {
          type: 'function',
          name: 'f',
          description: 'd',
          strict: true,
          extensions: { 'anthropic-messages': { eager_input_streaming: true } },
        },
        { type: 'web-search', original: { value: { name: 'web_search' } }, path: 'tools[1]' },
      ],
      toolChoice: { mode: 'required' },
      parallelToolCalls: false,
      reasoning: { mode: 'on', budgetTokens: 1024, display: 'omitted', effort: 'high' },
      format: { type: 'schema', schema: { type: 'object' } },
    })
  })

  test('content becomes typed parts with their places', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'QUJD' } }
    const { messages } = decode({
      messages: [
        user({ type: 'text', text: 'look' }, image, {
          type: 'document',
          title: 'T',
          source: { type: 'url', url: 'https://a/b.pdf' },
        }),
        assistant(
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'r' },
          call('t1'),
          call('t2'),
        ),
        user(result('t2', { content: 'two', is_error: true }), result('t1', { content: [image] }), {
          type: 'text',
          text: 'go on',
        }),
      ],
    })
    expect(messages[0]!.parts).toMatchObject([
      { type: 'text', path: 'messages[0].content[0]' },
      { type: 'image', source: { from: 'base64', mediaType: 'image/png', data: 'QUJD' } },
      { type: 'document', title: 'T', source: { from: 'url', url: 'https://a/b.pdf' } },
    ])
    expect(messages[1]!.parts).toMatchObject([
      { type: 'thinking', text: 'hm', signature: 's', signedBy: 'anthropic-messages' },
      { type: 'thinking', text: '', redacted: 'r', signedBy: 'anthropic-messages' },
      { type: 'tool-call', id: 't1', name: 'f', arguments: '{"b":1,"a":2}' },
      { type: 'tool-call', id: 't2' },
    ])
    expect(messages[2]!.parts).toMatchObject([
      { type: 'tool-result', callId: 't2', content: [{ type: 'text', text: 'two' }], isError: true },
      { type: 'tool-result', callId: 't1', content: [{ type: 'image', path: 'messages[2].content[1].content[0]' }] },
      { type: 'text' },
    ])
  })

  test('reasoning that was shown unsigned comes back unsigned', () => {
    const { messages } = decode({
      messages: [user({ type: 'text', text: 'a' }), assistant({ type: 'thinking', thinking: 'hm', signature: '' })],
    })
    expect(messages[1]!.parts[0]).toEqual({ type: 'thinking', text: 'hm', path: 'messages[1].content[0]' })
  })

  test('what only Anthropic has stays whole: opaque blocks, and fields kept raw', () => {
    const search = {
      type: 'search_result',
      source: 'https://a',
      title: 'T',
      content: [
        { type: 'text', text: 'x' },
        { type: 'text', text: 'y' },
      ],
    }
    const request = decode({
      messages: [
        user(search, { type: 'container_upload', file_id: 'f' }),
        { role: 'system', content: [{ type: 'tool_addition', tool: {} }] },
      ],
      mcp_servers: [],
      container: 'c',
      output_config: { future: 1 },
    })
    expect(request.messages[0]!.parts).toMatchObject([
      {
        type: 'document',
        title: 'T',
        source: { from: 'text', text: 'x\n\ny' },
        extensions: { 'anthropic-messages': search },
      },
      { type: 'opaque', value: { type: 'container_upload' } },
    ])
    expect(request.messages[1]).toMatchObject({ role: 'system', parts: [{ type: 'opaque' }] })
    expect(request.extensions).toEqual({
      'anthropic-messages': { mcp_servers: [], container: 'c', output_config: { future: 1 } },
    })
  })

  test("Claude Code's billing line is no part of the prompt", () => {
    const system = [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2' },
      { type: 'text', text: 'You are.' },
    ]
    expect(decode({ system }).system.map((part) => part.text)).toEqual(['You are.'])
  })

  test('the beta name of the output format is understood', () => {
    expect(decode({ output_format: { type: 'json_schema', schema: { a: 1 } } }).format).toEqual({
      type: 'schema',
      schema: { a: 1 },
    })
  })

  test.each<[string, JsonObject]>([
    ['max_tokens', { max_tokens: 1.5 }],
    ['messages', { messages: [] }],
    ['messages[0]', { messages: ['hi'] }],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    ['messages[0].content[0]', { messages: [user('text')] }],
    ['messages[0].content[0].type', { messages: [user({})] }],
    ['messages[0].content[0].text', { messages: [user({ type: 'text' })] }],
    ['messages[0].content[0].source.type', { messages: [user({ type: 'image', source: { type: 'blob' } })] }],
    [
      'messages[0].content[0].cache_control.ttl',
      { messages: [user({ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '2h' } })] },
    ],
    ['messages[0].content[0]', { messages: [user(call('a'))] }],
    ['messages[0].content[0]', { messages: [user(result('a'))] }],
    ['messages[1].content[0]', { messages: [user({ type: 'text', text: 'x' }), assistant(call('a'))] }],
    [
      'messages[1].content[1]',
      { messages: [user({ type: 'text', text: 'x' }), assistant(call('a'), call('a')), user(result('a'))] },
    ],
    [
      'messages[2].content[1]',
      { messages: [user({ type: 'text', text: 'x' }), assistant(call('a')), user(result('a'), result('a'))] },
    ],
    ['system[0].type', { system: [{ type: 'image' }] }],
    ['tools[0].input_schema', { tools: [{ name: 'f' }] }],
    ['tool_choice.type', { tool_choice: { type: 'sometimes' } }],
    ['tool_choice.name', { tools: [tool('f')], tool_choice: { type: 'tool', name: 'g' } }],
    ['thinking.type', { thinking: { type: 'maybe' } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 4096 } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 10 } }],
    ['output_config.effort', { output_config: { effort: 'huge' } }],
    ['output_config.format.type', { output_config: { format: { type: 'xml' } } }],
    ['temperature', { temperature: 1.5 }],
    ['stop_sequences[0]', { stop_sequences: [1] }],
    ['service_tier', { service_tier: 'gold' }],
  ])('refuses a wrong %s and names the place', (path, fields) => {
    expect(param(fields)).toBe(path)
  })
})
