import { describe, expect, test } from 'vitest'
import { descriptionPresent, mismatch } from '../../../../test/support/openapi.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { anthropicMessages } from '../anthropic-messages/index.ts'
import type { JsonObject, NeutralRequest, Part } from '../neutral/index.ts'
import { openaiChat } from '../openai-chat/index.ts'
import { encodeRequest } from './encode-request.ts'

const options = { model: 'gpt-5', defaultMaxTokens: 1000 }

/** Every body that is encoded here has to pass OpenAI's own description of a request. */
const encode = (request: NeutralRequest, more: object = {}) => {
  const encoded = encodeRequest(request, { ...options, ...more })
  if (descriptionPresent) expect(mismatch('CreateResponse', encoded.body)).toBe('')
  return encoded
}
const chat = (fields: JsonObject, more: object = {}) =>
  encode(openaiChat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields }), more)
const messages = (fields: JsonObject, more: object = {}) =>
  encode(
    anthropicMessages.decodeRequest({
      model: 'm',
      max_tokens: 4096,
      messages: [{ role: 'user', content: 'hi' }],
      ...fields,
    }),
    more,
  )
const neutral = (...turns: NeutralRequest['messages']): NeutralRequest => ({
  protocol: 'anthropic-messages',
  model: 'm',
  stream: false,
  includeUsage: true,
  system: [],
  messages: [...turns, { role: 'user', parts: [{ type: 'text', text: 'go on' }] }],
  tools: [],
})
const assistant = (...parts: Part[]) => encode(neutral({ role: 'assistant', parts })).body['input']

const refusal = (run: () => unknown): string | undefined => {
  try {
    run()
  } catch (error) {
    if (error instanceof GatewayError && error.status === 400) return error.details.param
    throw error
  }
  throw new Error('was accepted')
}

describe('from Chat Completions', () => {
  test('the smallest request keeps nothing at the provider', () => {
    expect(chat({}).body).toEqual({
      model: 'gpt-5',
      input: [{ role: 'user', content: 'hi' }],
      store: false,
      include: ['reasoning.encrypted_content'],
    })
  })

  test('models that never reason are not asked for their reasoning', () => {
    expect(chat({}, { model: 'gpt-4o-mini' }).body).not.toHaveProperty('include')
  })

  test('a conversation with tools', () => {
    const asked = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }
    const custom = { id: 'c2', type: 'custom', custom: { name: 'p', input: 'raw' } }
    const { body } = chat({
      messages: [
        { role: 'system', content: 'be brief' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'https://x.org/i.png' } },
          ],
        },
        { role: 'assistant', content: 'b', tool_calls: [asked, custom] },
        { role: 'tool', tool_call_id: 'c1', content: 'one' },
        { role: 'tool', tool_call_id: 'c2', content: 'two' },
        { role: 'developer', content: 'now' },
        { role: 'user', content: 'c' },
      ],
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
        { type: 'function', function: { name: 'none', strict: true } },
        {
          type: 'custom',
          custom: { name: 'p', format: { type: 'grammar', grammar: { syntax: 'regex', definition: 'a' } } },
        },
      ],
      tool_choice: { type: 'custom', custom: { name: 'p' } },
      parallel_tool_calls: false,
    })
    expect(body).toMatchObject({
      instructions: 'be brief',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_image', image_url: 'https://x.org/i.png', detail: 'auto' },
          ],
        },
        { role: 'assistant', content: 'b' },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
        { type: 'custom_tool_call', call_id: 'c2', name: 'p', input: 'raw' },
        { type: 'function_call_output', call_id: 'c1', output: 'one' },
        { type: 'custom_tool_call_output', call_id: 'c2', output: 'two' },
        { role: 'system', content: 'now' },
        { role: 'user', content: 'c' },
      ],
      tools: [
        { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
        { type: 'function', name: 'none', parameters: { type: 'object', properties: {} }, strict: true },
        { type: 'custom', name: 'p', format: { type: 'grammar', syntax: 'regex', definition: 'a' } },
      ],
      tool_choice: { type: 'custom', name: 'p' },
      parallel_tool_calls: false,
    })
  })

  test('settings have their own places; those of the same name stay', () => {
    const { body, warnings } = chat({
      reasoning_effort: 'high',
      verbosity: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
      max_completion_tokens: 100,
      prompt_cache_key: 'k',
      user: 'u',
      seed: 1,
      service_tier: 'on_demand',
    })
    expect(body).toMatchObject({
      reasoning: { effort: 'high' },
      text: { verbosity: 'low', format: { type: 'json_schema', name: 'n', schema: { type: 'object' } } },
      max_output_tokens: 100,
      prompt_cache_key: 'k',
      user: 'u',
    })
    expect(warnings.map(({ path }) => path)).toEqual(['seed', 'service_tier'])
  })

  test('a limit below what the API takes is raised and told', () => {
    const { body, warnings } = chat({ max_tokens: 5 })
    expect(body['max_output_tokens']).toBe(16)
    expect(warnings).toMatchObject([{ path: 'max_completion_tokens', action: 'changed' }])
    expect(chat({ max_tokens: 5000 }, { maxTokens: 300 }).body['max_output_tokens']).toBe(300)
  })

  test('several leading instructions stay apart', () => {
    const system = (content: string): JsonObject => ({ role: 'system', content })
    const { body } = chat({ messages: [system('a'), system('b'), { role: 'user', content: 'hi' }] })
    const parts = ['a', 'b'].map((text) => ({ type: 'input_text', text }))
    expect(body['input']).toEqual([
      { role: 'system', content: parts },
      { role: 'user', content: 'hi' },
    ])
  })

  test.each<[JsonObject, string]>([
    [{ stop: ['x'] }, 'stop'],
    [{ n: 2 }, 'n'],
    [{ logit_bias: { 1: 2 } }, 'logit_bias'],
    [{ logprobs: true }, 'logprobs'],
    [{ prediction: { type: 'content', content: 'x' } }, 'prediction'],
    [{ modalities: ['text', 'audio'], audio: { voice: 'a', format: 'mp3' } }, 'modalities'],
    [
      {
        messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } }] }],
      },
      'messages[0].content[0]',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
      'messages[0].content[0]',
    ],
    [
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'b' },
        ],
      },
      'messages[1]',
    ],
  ])('%j is refused with its path', (fields, param) => {
    expect(refusal(() => chat(fields))).toBe(param)
  })
})

describe('from Messages', () => {
  test('thinking that is switched on is shown; its budget is an effort; the user is told apart for safety only', () => {
    const { body } = messages({ thinking: { type: 'enabled', budget_tokens: 2048 }, metadata: { user_id: 'u_1' } })
    expect(body).toMatchObject({ reasoning: { effort: 'low', summary: 'auto' }, safety_identifier: 'u_1' })
    expect(messages({ thinking: { type: 'adaptive', display: 'omitted' } }).body).not.toHaveProperty('reasoning')
    expect(messages({ thinking: { type: 'disabled' } }).body).toHaveProperty('reasoning', { effort: 'minimal' })
    const hashed = messages({ metadata: { user_id: 'a@example.org' } }).body['safety_identifier']
    expect(hashed).toMatch(/^[0-9a-f]{64}$/)
  })

  test('results with images, errors and documents', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }
    const result = {
      type: 'tool_result',
      tool_use_id: 'toolu_1',
      is_error: true,
      content: [{ type: 'text', text: 'x' }, image],
    }
    const { body, warnings } = messages({
      system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }] },
        { role: 'user', content: [{ type: 'text', text: 'b' }, result] },
      ],
      tools: [
        { name: 'f', input_schema: { type: 'object' } },
        { type: 'web_search_20250305', name: 'web_search', allowed_domains: ['a.org'], max_uses: 2 },
      ],
      tool_choice: { type: 'any' },
    })
    expect(body).toMatchObject({
      instructions: 's',
      input: [
        { role: 'user', content: 'a' },
        { type: 'function_call', call_id: 'toolu_1', name: 'f', arguments: '{}' },
        {
          type: 'function_call_output',
          call_id: 'toolu_1',
          output: [
            { type: 'input_text', text: 'x' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
          ],
        },
        { role: 'user', content: 'b' },
      ],
      tools: [
        { type: 'function', name: 'f' },
        { type: 'web_search', filters: { allowed_domains: ['a.org'] } },
      ],
      tool_choice: 'required',
    })
    expect(warnings.map(({ path }) => path).toSorted()).toEqual([
      'messages[2].content[1].is_error',
      'system[0].cache_control',
      'tools[1].max_uses',
    ])
  })

  test.each<[JsonObject, string]>([
    [{ stop_sequences: ['x'] }, 'stop_sequences'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ mcp_servers: [{ type: 'url' }] }, 'mcp_servers'],
    [{ tools: [{ type: 'bash_20250124', name: 'bash' }] }, 'tools[0]'],
  ])('%j is refused with its path', (fields, param) => {
    expect(refusal(() => messages(fields))).toBe(param)
  })

  test('tools that only another provider runs are left out where the model is set to it', () => {
    const tools = [{ type: 'bash_20250124', name: 'bash' }]
    const { body, warnings } = messages({ tools }, { dropUnsupportedTools: true })
    expect(body).not.toHaveProperty('tools')
    expect(warnings).toMatchObject([{ path: 'tools[0]', action: 'dropped' }])
  })
})

describe('what the assistant did before', () => {
  test('encrypted reasoning goes back under its own id, in front of what it led to', () => {
    const thinking: Part = {
      type: 'thinking',
      text: 't',
      signature: 'sealed',
      signedBy: 'openai-responses',
      id: 'rs_1',
    }
    expect(assistant(thinking, { type: 'text', text: 'a' }, { type: 'text', text: 'b' })).toEqual([
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 't' }], encrypted_content: 'sealed' },
      { role: 'assistant', content: 'ab' },
      { role: 'user', content: 'go on' },
    ])
  })

  test("other models' reasoning is left out and told", () => {
    const part: Part = { type: 'thinking', text: 't', signature: 'x', signedBy: 'anthropic-messages' }
    const { body, warnings } = encode(neutral({ role: 'assistant', parts: [part, { type: 'text', text: 'a' }] }))
    expect(body['input']).toEqual([
      { role: 'assistant', content: 'a' },
      { role: 'user', content: 'go on' },
    ])
    expect(warnings).toMatchObject([{ action: 'dropped', path: 'messages[0].content[0]' }])
  })

  test('a refusal is told as one', () => {
    expect(assistant({ type: 'refusal', text: 'no' })).toMatchObject([
      { type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'refusal', refusal: 'no' }] },
      {},
    ])
  })

  test('ids that are too long still meet their results', () => {
    const id = 'x'.repeat(80)
    const result: Part = { type: 'tool-result', callId: id, content: [] }
    const call: Part = { type: 'tool-call', id, name: 'f', arguments: '{}' }
    const input = encode(neutral({ role: 'assistant', parts: [call] }, { role: 'user', parts: [result] })).body['input']
    const [first, second] = input as JsonObject[]
    expect(first!['call_id']).toMatch(/^call_.{1,59}$/)
    expect(second).toEqual({ type: 'function_call_output', call_id: first!['call_id'], output: '' })
  })
})
