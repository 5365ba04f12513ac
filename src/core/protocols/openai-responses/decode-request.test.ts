import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject } from '../neutral/index.ts'
import { decodeRequest } from './decode-request.ts'

const decode = (fields: JsonObject) => decodeRequest({ model: 'm', input: 'hi', ...fields })

const refusal = (fields: JsonObject): string | undefined => {
  try {
    decode(fields)
  } catch (error) {
    if (error instanceof GatewayError && error.status === 400) return error.details.param
    throw error
  }
  throw new Error('was accepted')
}

const call = (id: string, more: JsonObject = {}): JsonObject => ({
  type: 'function_call',
  call_id: id,
  name: 'f',
  arguments: '{}',
  ...more,
})
const output = (id: string, text: string): JsonObject => ({ type: 'function_call_output', call_id: id, output: text })
const user: JsonObject = { role: 'user', content: 'hi' }

describe('items', () => {
  test('a string is what the user says', () => {
    expect(decode({}).messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'hi', path: 'input' }], path: 'input' },
    ])
  })

  test('what the model did in a row is one message, and the results of its calls are another', () => {
    const { messages } = decode({
      input: [
        user,
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'a' }], encrypted_content: 'xyz' },
        {
          type: 'message',
          id: 'msg_1',
          role: 'assistant',
          status: 'completed',
          phase: 'commentary',
          content: [{ type: 'output_text', text: 'b' }],
        },
        call('c1', { id: 'fc_1', status: 'completed' }),
        call('c2', { namespace: 'ns' }),
        output('c2', 'two'),
        { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: 'one' }] },
        user,
      ],
    })
    expect(messages.map(({ role, parts }) => [role, parts.map((part) => part.type)])).toEqual([
      ['user', ['text']],
      ['assistant', ['thinking', 'text', 'tool-call', 'tool-call']],
      ['user', ['tool-result', 'tool-result']],
      ['user', ['text']],
    ])
    expect(messages[1]!.parts).toEqual([
      { type: 'thinking', text: 'a', signature: 'xyz', signedBy: 'openai-responses', id: 'rs_1', path: 'input[1]' },
      {
        type: 'text',
        text: 'b',
        path: 'input[2].content[0]',
        extensions: { 'openai-responses': { phase: 'commentary' } },
      },
      { type: 'tool-call', id: 'c1', name: 'f', arguments: '{}', path: 'input[3]' },
      { type: 'tool-call', id: 'c2', name: 'ns__f', arguments: '{}', path: 'input[4]' },
    ])
  })

  test('instructions come first, then leading system and developer items; later ones stay in their place', () => {
    const { system, messages } = decode({
      instructions: 'one',
      input: [
        { role: 'developer', content: 'two' },
        { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'three' }] },
        user,
        { role: 'developer', content: 'four' },
      ],
    })
    expect(system.map(({ text, path }) => [text, path])).toEqual([
      ['one', 'instructions'],
      ['two', 'input[0].content'],
      ['three', 'input[1].content[0]'],
    ])
    expect(messages.map(({ role }) => role)).toEqual(['user', 'system'])
  })

  test('reasoning in the open is read where there is no summary', () => {
    const thought = { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'open' }] }
    expect(decode({ input: [user, thought, { role: 'assistant', content: 'x' }] }).messages[1]!.parts[0]).toEqual({
      type: 'thinking',
      text: 'open',
      signedBy: 'openai-responses',
      path: 'input[1]',
    })
  })

  test('calls of free-text tools and their results keep their form', () => {
    const { messages } = decode({
      input: [
        user,
        { type: 'custom_tool_call', call_id: 'c', name: 'apply', input: '*** Begin' },
        { type: 'custom_tool_call_output', call_id: 'c', output: 'done' },
      ],
    })
    expect(messages[1]!.parts[0]).toMatchObject({ type: 'tool-call', custom: true, arguments: '*** Begin' })
    expect(messages[2]!.parts[0]).toMatchObject({ type: 'tool-result', callId: 'c' })
  })

  test('images, files and marks for the cache', () => {
    const content = [
      { type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit', ttl: '12h' } },
      { type: 'input_image', image_url: 'https://example.org/a.png', detail: 'high' },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'original' },
      { type: 'input_file', file_data: 'data:application/pdf;base64,AAAA', filename: 'a.pdf' },
      { type: 'input_file', file_id: 'file-1' },
    ]
    expect(decode({ input: [{ role: 'user', content }] }).messages[0]!.parts).toMatchObject([
      { type: 'text', cache: { ttl: '12h' } },
      { type: 'image', source: { from: 'url', url: 'https://example.org/a.png' }, detail: 'high' },
      {
        type: 'image',
        source: { from: 'base64', mediaType: 'image/png', data: 'AAAA' },
        extensions: { 'openai-responses': { detail: 'original' } },
      },
      { type: 'document', source: { from: 'base64', mediaType: 'application/pdf' }, title: 'a.pdf' },
      { type: 'document', source: { from: 'file', id: 'file-1', protocol: 'openai-responses' } },
    ])
  })
})

describe('tools', () => {
  const strictSchema = { type: 'object', properties: {}, additionalProperties: false }

  test('left unsaid, the API is strict with schemas that can be', () => {
    const of = (tool: JsonObject) => decode({ tools: [{ type: 'function', name: 'f', ...tool }] }).tools[0]
    expect(of({ parameters: strictSchema })).toMatchObject({ strict: true })
    expect(of({ parameters: strictSchema, strict: false })).toMatchObject({ strict: false })
    expect(of({ parameters: { type: 'object' }, strict: null })).not.toHaveProperty('strict')
  })

  test('tools of a namespace have flat names, and added tools stand behind the others', () => {
    const mail = { type: 'namespace', name: 'mail', description: '', tools: [{ type: 'function', name: 'send' }] }
    const later = { type: 'additional_tools', role: 'developer', tools: [{ type: 'function', name: 'g' }] }
    const { tools, toolChoice } = decode({
      tools: [mail],
      input: [user, later],
      tool_choice: { type: 'function', name: 'send', namespace: 'mail' },
    })
    expect(tools).toMatchObject([
      { name: 'mail__send', path: 'tools[0].tools[0]' },
      { name: 'g', path: 'input[1].tools[0]' },
    ])
    expect(toolChoice).toEqual({ mode: 'tool', name: 'mail__send' })
  })

  test('free text with a grammar, the search of the web, and what only this API has', () => {
    const search = {
      type: 'web_search',
      filters: { allowed_domains: ['a.org'] },
      user_location: { type: 'approximate', city: 'B' },
    }
    const { tools } = decode({
      tools: [
        { type: 'custom', name: 'p', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
        search,
        { type: 'shell' },
      ],
    })
    expect(tools).toMatchObject([
      { type: 'custom', name: 'p', grammar: { syntax: 'lark', definition: 'x' } },
      { type: 'web-search', allowedDomains: ['a.org'], location: { city: 'B' }, original: { value: search } },
      { type: 'opaque', protocol: 'openai-responses', value: { type: 'shell' } },
    ])
  })

  test('the choice of a hosted tool is kept for this protocol alone', () => {
    const choice = { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'web_search' }] }
    const decoded = decode({ tools: [{ type: 'web_search' }], tool_choice: choice })
    expect(decoded).not.toHaveProperty('toolChoice')
    expect(decoded.extensions).toEqual({ 'openai-responses': { tool_choice: choice } })
  })
})

describe('fields', () => {
  test('reasoning, text and limits', () => {
    const decoded = decode({
      max_output_tokens: 50,
      reasoning: { effort: 'xhigh', summary: 'detailed', mode: 'pro' },
      text: { format: { type: 'json_schema', name: 'n', schema: {}, strict: true }, verbosity: 'low' },
      include: ['reasoning.encrypted_content', 'web_search_call.results'],
      store: true,
      truncation: 'disabled',
      background: false,
      stream: true,
      stream_options: { include_obfuscation: false },
    })
    expect(decoded).toMatchObject({
      maxTokens: 50,
      stream: true,
      includeUsage: true,
      reasoning: { effort: 'xhigh', display: 'summarized' },
      format: { type: 'schema', name: 'n', schema: {}, strict: true },
      verbosity: 'low',
    })
    expect(decoded.extensions).toEqual({
      'openai-responses': {
        include: ['web_search_call.results'],
        'reasoning.mode': 'pro',
        'reasoning.summary': 'detailed',
        store: true,
      },
    })
  })

  test('log probabilities are asked for in either way', () => {
    expect(decode({ top_logprobs: 2 }).logprobs).toEqual({ top: 2 })
    expect(decode({ include: ['message.output_text.logprobs'] }).logprobs).toEqual({})
    expect(decode({ top_logprobs: 0 })).not.toHaveProperty('logprobs')
  })

  test('what is kept at the provider stays for this protocol alone, and its calls are not looked for', () => {
    const decoded = decode({ previous_response_id: 'resp_1', input: [output('c', 'x')] })
    expect(decoded.extensions).toEqual({ 'openai-responses': { previous_response_id: 'resp_1' } })
    expect(decode({ input: [{ type: 'item_reference', id: 'fc_1' }, output('c', 'x')] }).messages).toHaveLength(2)
  })
})

test.each<[JsonObject, string]>([
  [{ input: [] }, 'input'],
  [{ input: 5 }, 'input'],
  [{ input: [{ role: 'system', content: 'only' }] }, 'input'],
  [{ input: [user, { type: 'thought', text: 'x' }] }, 'input[1].type'],
  [{ input: [user, 'x'] }, 'input[1]'],
  [{ input: [{ role: 'tool', content: 'x' }] }, 'input[0].role'],
  [{ input: [{ role: 'user' }] }, 'input[0].content'],
  [
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'file:///etc/passwd' }] }] },
    'input[0].content[0].image_url',
  ],
  [
    { input: [{ role: 'system', content: [{ type: 'input_image', image_url: 'x' }] }, user] },
    'input[0].content[0].type',
  ],
  [{ input: [user, call('c')] }, 'input[1]'],
  [{ input: [user, output('c', 'x')] }, 'input[1]'],
  [{ input: [user, call('c'), output('c', 'x'), output('c', 'y')] }, 'input[3]'],
  [{ input: [user, call('c', { call_id: null })] }, 'input[1].call_id'],
  [{ tools: [{ name: 'f' }] }, 'tools[0].type'],
  [
    {
      tools: [
        { type: 'function', name: 'a__b' },
        { type: 'namespace', name: 'a', tools: [{ type: 'function', name: 'b' }] },
      ],
    },
    'tools[1].tools[0].name',
  ],
  [{ tool_choice: 'sometimes' }, 'tool_choice'],
  [{ tool_choice: { type: 'function', name: 'f' } }, 'tool_choice.name'],
  [{ temperature: 3 }, 'temperature'],
  [{ max_output_tokens: 0 }, 'max_output_tokens'],
  [{ reasoning: { effort: 'huge' } }, 'reasoning.effort'],
  [{ reasoning: { summary: 'x' } }, 'reasoning.summary'],
  [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
  [{ stream_options: {} }, 'stream_options'],
  [{ store: 'x' }, 'store'],
  [{ truncation: 'x' }, 'truncation'],
  [{ max_tool_calls: -1 }, 'max_tool_calls'],
])('%j is refused with its path', (fields, param) => {
  expect(refusal(fields)).toBe(param)
})

test('that the answer be kept is passed on only where it was asked for', () => {
  expect(decode({ store: true }).extensions).toEqual({ 'openai-responses': { store: true } })
  for (const fields of [{}, { store: false }, { store: null }]) expect(decode(fields).extensions).toBeUndefined()
})
