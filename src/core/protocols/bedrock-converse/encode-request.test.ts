import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../kernel/errors.ts'
import type { NeutralMessage, NeutralRequest, Part } from '../neutral/index.ts'
import { encodeRequest } from './encode-request.ts'

const text = (value: string, more: object = {}): Part => ({ type: 'text', text: value, ...more })
const user = (...parts: Part[]): NeutralMessage => ({ role: 'user', parts })
const assistant = (...parts: Part[]): NeutralMessage => ({ role: 'assistant', parts })
const call = (id: string, args = '{"a":1}'): Part => ({ type: 'tool-call', id, name: 'f', arguments: args })
const result = (callId: string, more: object = {}): Part => ({
  type: 'tool-result',
  callId,
  content: [{ type: 'text', text: callId }],
  ...more,
})
const f = { type: 'function', name: 'f', schema: { type: 'object', properties: {} } } as const

const chat: NeutralRequest = {
  protocol: 'openai-chat',
  model: 'shadow',
  stream: false,
  includeUsage: false,
  system: [],
  messages: [user(text('hi'))],
  tools: [],
}
const nova = 'us.amazon.nova-2-lite-v1:0'
const encode = (fields: Partial<NeutralRequest> = {}, options: { model?: string; maxTokens?: number } = {}) =>
  encodeRequest({ ...chat, ...fields }, { model: nova, defaultMaxTokens: 8192, ...options })
const refusal = (fields: Partial<NeutralRequest>): string => {
  try {
    encode(fields)
  } catch (error) {
    const { code, details } = error as GatewayError
    return `${code} ${details.param}`
  }
  return 'accepted'
}

describe('what a request becomes', () => {
  test('the smallest one holds nothing but its message: model and stream are in the path', () => {
    expect(encode({ stream: true })).toEqual({
      body: { messages: [{ role: 'user', content: [{ text: 'hi' }] }] },
      warnings: [],
    })
  })

  test('limits, sampling, stops, tier and schema have their own places', () => {
    const schema = { type: 'object', properties: {} }
    const { body } = encode({
      system: [{ type: 'text', text: 'be brief' }],
      maxTokens: 50,
      temperature: 0.5,
      topP: 0.9,
      stop: ['|'],
      serviceTier: 'priority',
      format: { type: 'schema', schema, name: 'n' },
    })
    expect(body).toEqual({
      messages: [{ role: 'user', content: [{ text: 'hi' }] }],
      system: [{ text: 'be brief' }],
      inferenceConfig: { maxTokens: 50, temperature: 0.5, topP: 0.9, stopSequences: ['|'] },
      outputConfig: {
        textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: JSON.stringify(schema), name: 'n' } } },
      },
      serviceTier: { type: 'priority' },
    })
  })

  test('the lower of two limits is sent', () => {
    expect(encode({ maxTokens: 50 }, { maxTokens: 20 }).body['inferenceConfig']).toEqual({ maxTokens: 20 })
  })

  test('turns alternate, results stand first and in the order of their calls', () => {
    const { body } = encode({
      tools: [f],
      messages: [
        user(text('a')),
        user(text('b')),
        assistant(call('one'), call('two')),
        user(text('and'), result('two')),
        user(result('one', { isError: true })),
      ],
    })
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ text: 'a' }, { text: 'b' }] },
      {
        role: 'assistant',
        content: ['one', 'two'].map((id) => ({ toolUse: { toolUseId: id, name: 'f', input: { a: 1 } } })),
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'one', content: [{ text: 'one' }], status: 'error' } },
          { toolResult: { toolUseId: 'two', content: [{ text: 'two' }] } },
          { text: 'and' },
        ],
      },
    ])
  })

  test('an instruction between messages becomes marked text of the user', () => {
    const { body, warnings } = encode({
      messages: [user(text('a')), { role: 'system', parts: [text('now in French')] }],
    })
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ text: 'a' }, { text: '<system-reminder>now in French</system-reminder>' }] },
    ])
    expect(warnings).toMatchObject([{ path: 'messages[1]', action: 'changed' }])
  })

  test('ids that the API refuses become hashes that meet again', () => {
    const odd = `call|${'x'.repeat(100)}`
    const { body } = encode({ tools: [f], messages: [user(text('a')), assistant(call(odd)), user(result(odd))] })
    const [made, answered] = [...JSON.stringify(body).matchAll(/"toolUseId":"([^"]*)"/g)].map(([, id]) => id!)
    expect(made).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
    expect(answered).toBe(made)
  })

  test.each<[string, Part, object]>([
    [
      'a picture',
      { type: 'image', source: { from: 'base64', mediaType: 'image/png', data: 'AAAA' } },
      { image: { format: 'png', source: { bytes: 'AAAA' } } },
    ],
    [
      'a PDF',
      {
        type: 'document',
        title: 'Q3: report_final.pdf',
        source: { from: 'base64', mediaType: 'application/pdf', data: 'AAAA' },
      },
      { document: { format: 'pdf', name: 'Q3 report final pdf', source: { bytes: 'AAAA' } } },
    ],
    [
      'a text document',
      { type: 'document', source: { from: 'text', text: 'abc', mediaType: 'text/plain' } },
      { document: { format: 'txt', name: 'Document', source: { bytes: 'YWJj' } } },
    ],
  ])('%s is sent inline', (_what, part, block) => {
    expect(encode({ messages: [user(part)] }).body['messages']).toEqual([{ role: 'user', content: [block] }])
  })

  test('documents of one title get different names', () => {
    const document: Part = {
      type: 'document',
      title: 'A',
      source: { from: 'text', text: 'x', mediaType: 'text/plain' },
    }
    const names = [
      ...JSON.stringify(encode({ messages: [user(document, document)] }).body).matchAll(/"name":"([^"]*)"/g),
    ]
    expect(names.map(([, name]) => name)).toEqual(['A', 'A 2'])
  })

  test('reasoning goes back to whom it came from and to nobody else', () => {
    const own = { type: 'thinking', text: 'hm', signature: 's', signedBy: 'bedrock-converse' } as const
    const redacted = { type: 'thinking', text: '', redacted: 'AAAA', signedBy: 'bedrock-converse' } as const
    const foreign = { type: 'thinking', text: 'hm', signature: 's', signedBy: 'anthropic-messages' } as const
    const { body, warnings } = encode({
      messages: [user(text('a')), assistant(own, redacted, foreign, text('b')), user(text('c'))],
    })
    expect((body['messages'] as object[])[1]).toEqual({
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'hm', signature: 's' } } },
        { reasoningContent: { redactedContent: 'AAAA' } },
        { text: 'b' },
      ],
    })
    expect(warnings).toMatchObject([{ path: 'messages[1].content[2]', action: 'dropped' }])
  })
})

describe('cache marks', () => {
  const marked = (ttl?: '1h') => text('a', { cache: ttl ? { ttl } : {} })

  test('become cache points behind their blocks', () => {
    const { body } = encode({
      system: [{ type: 'text', text: 's', cache: {} }],
      tools: [{ ...f, cache: {} }],
      messages: [user(marked('1h'))],
    })
    expect(body['system']).toEqual([{ text: 's' }, { cachePoint: { type: 'default' } }])
    expect(body['toolConfig']).toMatchObject({ tools: [{ toolSpec: { name: 'f' } }, { cachePoint: {} }] })
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }] },
    ])
  })

  test('are left out for models that refuse them', () => {
    const { body, warnings } = encode({ messages: [user(marked())] }, { model: 'meta.llama3-70b-instruct-v1:0' })
    expect(JSON.stringify(body)).not.toContain('cachePoint')
    expect(warnings).toMatchObject([{ action: 'dropped' }])
  })

  test('are the last four at most', () => {
    const { body, warnings } = encode({
      system: [{ type: 'text', text: 's', cache: {} }],
      messages: [user(marked(), marked(), marked(), marked())],
    })
    expect(body['system']).toEqual([{ text: 's' }])
    expect(JSON.stringify(body['messages']).match(/cachePoint/g)).toHaveLength(4)
    expect(warnings).toHaveLength(1)
  })
})

describe('tools', () => {
  test.each([
    ['auto', { auto: {} }],
    ['required', { any: {} }],
  ] as const)('a choice of %s', (mode, toolChoice) => {
    expect(encode({ tools: [f], toolChoice: { mode } }).body['toolConfig']).toMatchObject({ toolChoice })
  })

  test('a named one is demanded, some are chosen by sending only them', () => {
    const g = { ...f, name: 'g' }
    expect(encode({ tools: [f, g], toolChoice: { mode: 'tool', name: 'g' } }).body['toolConfig']).toMatchObject({
      toolChoice: { tool: { name: 'g' } },
    })
    const { body, warnings } = encode({ tools: [f, g], toolChoice: { mode: 'subset', names: ['g'], required: true } })
    expect(body['toolConfig']).toMatchObject({ tools: [{ toolSpec: { name: 'g' } }], toolChoice: { any: {} } })
    expect((body['toolConfig'] as { tools: unknown[] }).tools).toHaveLength(1)
    expect(warnings).toHaveLength(1)
  })

  test('forbidden ones are not sent, and cannot be forbidden where the conversation has calls', () => {
    expect(encode({ tools: [f], toolChoice: { mode: 'none' } }).body['toolConfig']).toBeUndefined()
    const messages = [user(text('a')), assistant(call('one')), user(result('one'))]
    expect(refusal({ tools: [f], toolChoice: { mode: 'none' }, messages })).toBe('unsupported_parameter tool_choice')
  })

  test('that another provider runs are refused, or left out where that is set', () => {
    const hosted = { type: 'opaque', protocol: 'openai-responses', value: {}, path: 'tools[0]' } as const
    expect(refusal({ tools: [hosted] })).toBe('unsupported_parameter tools[0]')
    const options = { model: nova, defaultMaxTokens: 1, dropUnsupportedTools: true }
    expect(encodeRequest({ ...chat, tools: [hosted, f] }, options).warnings).toMatchObject([{ path: 'tools[0]' }])
  })
})

describe('reasoning', () => {
  const fields = (model: string, reasoning: NeutralRequest['reasoning'], more: Partial<NeutralRequest> = {}) =>
    encode({ ...more, ...(reasoning && { reasoning }) }, { model }).body['additionalModelRequestFields']

  test('is told in the words of the model', () => {
    expect(fields(nova, { effort: 'low' })).toEqual({ reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' } })
    expect(fields(nova, { mode: 'off' })).toEqual({ reasoningConfig: { type: 'disabled' } })
    expect(fields('openai.gpt-oss-120b-1:0', { effort: 'xhigh' })).toEqual({ reasoning_effort: 'high' })
    expect(fields('meta.llama3-70b-instruct-v1:0', { effort: 'high' })).toBeUndefined()
    const claude = 'arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5'
    expect(fields(claude, { budgetTokens: 2000 })).toEqual({ thinking: { type: 'enabled', budget_tokens: 2000 } })
    expect(fields(claude, { budgetTokens: 2000 }, { maxTokens: 500 })).toBeUndefined()
  })
})

describe('what cannot be said', () => {
  const image = (source: object): Part => ({ type: 'image', source }) as Part

  test.each<[string, Partial<NeutralRequest>, string]>([
    ['several answers', { choices: 2 }, 'unsupported_parameter n'],
    ['log probabilities', { logprobs: {} }, 'unsupported_parameter logprobs'],
    ['biased tokens', { logitBias: { 1: 2 } }, 'unsupported_parameter logit_bias'],
    ['JSON without a schema', { format: { type: 'json' } }, 'unsupported_parameter response_format'],
    [
      'a meaningful field of others',
      { extensions: { 'openai-chat': { prediction: {} } } },
      'unsupported_parameter prediction',
    ],
    [
      'a picture by address',
      { messages: [user(image({ from: 'url', url: 'https://a/b.png' }))] },
      'unsupported_parameter messages[0].content[0]',
    ],
    [
      'a picture of an odd kind',
      { messages: [user(image({ from: 'base64', mediaType: 'image/tiff', data: 'AAAA' }))] },
      'unsupported_parameter messages[0].content[0]',
    ],
    [
      'what is no base64',
      { messages: [user(image({ from: 'base64', mediaType: 'image/png', data: '%' }))] },
      'invalid_request messages[0].content[0]',
    ],
    [
      'audio',
      { messages: [user({ type: 'audio', source: { from: 'base64', mediaType: 'audio/wav', data: 'AAAA' } })] },
      'unsupported_parameter messages[0].content[0]',
    ],
    [
      'a beginning of the answer',
      { messages: [user(text('a')), assistant(text('b'))] },
      'unsupported_parameter messages[1]',
    ],
    ['an assistant who begins', { messages: [assistant(text('b')), user(text('a'))] }, 'invalid_request messages[0]'],
    ['a message of nothing', { messages: [user(text(' '))] }, 'invalid_request messages[0]'],
    ['a blank stop', { stop: [' '] }, 'invalid_request stop[0]'],
    [
      'arguments that are no object',
      { tools: [f], messages: [user(text('a')), assistant(call('x', '[1]')), user(result('x'))] },
      'invalid_request messages[1].content[0]',
    ],
  ])('%s is refused with its path', (_what, fields, told) => {
    expect(refusal(fields)).toBe(told)
  })

  test.each<[keyof NeutralRequest, Partial<NeutralRequest>]>([
    ['topK', { topK: 5 }],
    ['seed', { seed: 1 }],
    ['user', { user: 'u' }],
    ['verbosity', { verbosity: 'low' }],
    ['presencePenalty', { presencePenalty: 1 }],
  ])('%s is left out and named', (_field, fields) => {
    expect(encode(fields).warnings).toMatchObject([{ action: 'dropped' }])
  })
})
