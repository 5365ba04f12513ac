import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { anthropicMessages } from '../anthropic-messages/index.ts'
import type { JsonObject } from '../neutral/index.ts'
import { openaiChat } from '../openai-chat/index.ts'
import type { EncodeRequestOptions } from '../protocol.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

const with25 = { model: 'gemini-2.5-flash', defaultMaxTokens: 9 }
const with3 = { model: 'gemini-3-flash-preview', defaultMaxTokens: 9 }
type Options = EncodeRequestOptions

const messages = (fields: JsonObject = {}, options: Options = with25) =>
  encodeRequest(
    anthropicMessages.decodeRequest({
      model: 'm',
      max_tokens: 50_000,
      messages: [{ role: 'user', content: 'hi' }],
      ...fields,
    }),
    options,
  )
const chat = (fields: JsonObject = {}, options: Options = with25) =>
  encodeRequest(
    openaiChat.decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...fields }),
    options,
  )
const own = (fields: JsonObject = {}, options: Options = with25) =>
  encodeRequest(
    decodeRequest({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }], ...fields }, { model: 'm' }),
    options,
  )

const refusal = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(GatewayError)
    return (error as GatewayError).details.param
  }
  return 'nothing was refused'
}

test('a conversation of Chat with parallel tools becomes turns: results first, in the order of the calls, with their names', () => {
  const call = (id: string, name: string) => ({ id, type: 'function', function: { name, arguments: '{"a":1}' } })
  const { body, warnings } = chat({
    messages: [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'go' },
      { role: 'assistant', content: '', tool_calls: [call('c1', 'f'), call('c2', 'g')] },
      { role: 'tool', tool_call_id: 'c2', content: 'second' },
      { role: 'tool', tool_call_id: 'c1', content: '{"$ref":"x"}' },
      { role: 'user', content: 'and now?' },
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', $schema: 'x' } } }],
  })
  expect(body).toEqual({
    systemInstruction: { parts: [{ text: 'be brief' }] },
    contents: [
      { role: 'user', parts: [{ text: 'go' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'c1', name: 'f', args: { a: 1 } } },
          { functionCall: { id: 'c2', name: 'g', args: { a: 1 } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'c1', name: 'f', response: { output: '{"$ref":"x"}' } } },
          { functionResponse: { id: 'c2', name: 'g', response: { output: 'second' } } },
          { text: 'and now?' },
        ],
      },
    ],
    tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object', $schema: 'x' } }] }],
  })
  expect(warnings).toEqual([])
})

const toolTurn = (content: JsonObject[]): JsonObject => ({
  messages: [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'f', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', is_error: true, content }] },
  ],
})
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }

test('images in results go inside from Gemini 3 on, behind the results before', () => {
  const turn = toolTurn([{ type: 'text', text: 'see' }, image])
  const inline = { inlineData: { mimeType: 'image/png', data: 'aGk=' } }
  expect(messages(turn, with3).body['contents']).toMatchObject([
    {},
    {},
    { parts: [{ functionResponse: { name: 'f', response: { error: 'see' }, parts: [inline] } }] },
  ])
  const before = messages(turn)
  expect((before.body['contents'] as JsonObject[])[2]).toEqual({
    role: 'user',
    parts: [
      { functionResponse: { id: 't1', name: 'f', response: { error: 'see' } } },
      { text: 'Result of f:' },
      inline,
    ],
  })
  expect(before.warnings).toMatchObject([{ path: 'messages[2].content[0].content[1]', action: 'changed' }])
})

describe('signatures', () => {
  const dummy = Buffer.from('skip_thought_signature_validator').toString('base64')
  const called = (...more: JsonObject[]): JsonObject => ({
    messages: [
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: null,
        tool_calls: ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '' } })),
      },
      { role: 'tool', tool_call_id: 'a', content: '1' },
      { role: 'tool', tool_call_id: 'b', content: '2' },
      ...more,
    ],
  })
  const turn = (contents: unknown, index: number) => (contents as { parts: JsonObject[] }[])[index]!.parts

  test('the first call of a step that Gemini 3 did not make gets the word that stands for one', () => {
    const parts = turn(chat(called(), with3).body['contents'], 1)
    expect(parts.map((part) => part['thoughtSignature'])).toEqual([dummy, undefined])
  })
  test('older models and steps before the last word of the user need none', () => {
    expect(JSON.stringify(chat(called()).body)).not.toContain(dummy)
    expect(
      JSON.stringify(chat(called({ role: 'assistant', content: 'ok' }, { role: 'user', content: 'x' }), with3).body),
    ).not.toContain(dummy)
  })
  test('real ones go back onto the parts they were on', () => {
    const parts = [
      { text: 'hm', thought: true, thoughtSignature: 'UzA=' },
      { text: 'I call', thoughtSignature: 'UzE=' },
      { functionCall: { name: 'f', args: {} }, thoughtSignature: 'UzI=' },
      { functionCall: { name: 'f', args: {} } },
    ]
    const contents = [
      { role: 'user', parts: [{ text: 'go' }] },
      { role: 'model', parts },
      { role: 'user', parts: [1, 2].map((n) => ({ functionResponse: { name: 'f', response: { n } } })) },
      { role: 'model', parts: [{ text: 'done' }, { text: '', thoughtSignature: 'UzM=' }] },
      { role: 'user', parts: [{ text: 'more' }] },
    ]
    expect(own({ contents }, with3)).toEqual({ body: { contents }, warnings: [] })
  })
  test('reasoning of another provider is left out and named', () => {
    const { body, warnings } = messages({
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'hm', signature: 'X' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'user', content: 'c' },
      ],
    })
    expect(turn(body['contents'], 1)).toEqual([{ text: 'b' }])
    expect(warnings).toMatchObject([{ path: 'messages[1].content[0]', action: 'dropped' }])
  })
})

test('a conversation that the assistant begins gets a user turn in front', () => {
  const { body, warnings } = chat({
    messages: [
      { role: 'assistant', content: 'hello' },
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'be kind' },
    ],
  })
  expect(body['contents']).toEqual([
    { role: 'user', parts: [{ text: '.' }] },
    { role: 'model', parts: [{ text: 'hello' }] },
    { role: 'user', parts: [{ text: 'hi' }, { text: '<system-reminder>be kind</system-reminder>' }] },
  ])
  expect(warnings.map(({ path }) => path)).toEqual(['messages[2]', 'messages[0]'])
})

const config = ({ body }: { body: JsonObject }) => body['generationConfig']
const thinking = (result: { body: JsonObject }) => (config(result) as JsonObject | undefined)?.['thinkingConfig']

test.each<[string, Options['model'], JsonObject | undefined]>([
  ['none', 'gemini-2.5-flash', { thinkingBudget: 0 }],
  ['none', 'gemini-2.5-pro', { thinkingBudget: 128 }],
  ['none', 'gemini-3-flash-preview', { thinkingLevel: 'MINIMAL' }],
  ['minimal', 'gemini-2.5-flash', { thinkingBudget: 1024, includeThoughts: true }],
  ['medium', 'gemini-2.5-flash', { thinkingBudget: 8192, includeThoughts: true }],
  ['max', 'gemini-2.5-flash', { thinkingBudget: 24_576, includeThoughts: true }],
  ['max', 'gemini-2.5-pro', { thinkingBudget: 32_000, includeThoughts: true }],
  ['medium', 'gemini-3.1-pro-preview', { thinkingLevel: 'MEDIUM', includeThoughts: true }],
  ['minimal', 'gemini-3-pro-preview', { thinkingLevel: 'LOW', includeThoughts: true }],
  ['xhigh', 'gemini-flash-latest', { thinkingLevel: 'HIGH', includeThoughts: true }],
  ['high', 'gemini-2.0-flash', undefined],
])('an effort of %s at %s', (effort, model, expected) => {
  expect(thinking(chat({ reasoning_effort: effort }, { ...with25, model }))).toEqual(expected)
})

test.each<[number, Options['model'], JsonObject]>([
  [1024, 'gemini-2.5-pro', { thinkingBudget: 1024, includeThoughts: true }],
  [40_000, 'gemini-2.5-flash', { thinkingBudget: 24_576, includeThoughts: true }],
  [4096, 'gemini-3-flash', { thinkingLevel: 'LOW', includeThoughts: true }],
  [20_000, 'gemini-3-flash', { thinkingLevel: 'HIGH', includeThoughts: true }],
])('a budget of %d at %s', (budget, model, expected) => {
  expect(thinking(messages({ thinking: { type: 'enabled', budget_tokens: budget } }, { ...with25, model }))).toEqual(
    expected,
  )
})

test('the rest of what thinking can be', () => {
  expect(thinking(messages({ thinking: { type: 'adaptive', display: 'omitted' } }))).toEqual({ thinkingBudget: -1 })
  expect(thinking(messages({ thinking: { type: 'disabled' } }))).toEqual({ thinkingBudget: 0 })
  const asked = { generationConfig: { thinkingConfig: { thinkingBudget: 8192, includeThoughts: true } } }
  for (const options of [with25, with3]) expect(own(asked, options).body).toMatchObject(asked)
})

test('settings of generation, format and limit', () => {
  const { body, warnings } = chat(
    {
      max_tokens: 50,
      temperature: 1.5,
      top_p: 0.5,
      stop: ['a', 'b'],
      n: 2,
      seed: 7,
      presence_penalty: 1,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' }, strict: true } },
      service_tier: 'default',
    },
    { ...with25, maxTokens: 40 },
  )
  expect(body).toMatchObject({
    serviceTier: 'standard',
    generationConfig: {
      maxOutputTokens: 40,
      temperature: 1.5,
      topP: 0.5,
      stopSequences: ['a', 'b'],
      candidateCount: 2,
      seed: 7,
      presencePenalty: 1,
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object' },
    },
  })
  expect(warnings).toEqual([])
})

describe('tools', () => {
  const fn = (name: string, more: JsonObject = {}) => ({
    type: 'function',
    function: { name, parameters: { type: 'object' }, ...more },
  })
  const config = (fields: JsonObject, options = with25) =>
    chat({ tools: [fn('f'), fn('g')], ...fields }, options).body['toolConfig']

  test('choices', () => {
    const calling = (value: JsonObject) => ({ functionCallingConfig: value })
    expect(config({})).toBeUndefined()
    expect(config({ tool_choice: 'auto' })).toEqual(calling({ mode: 'AUTO' }))
    expect(config({ tool_choice: 'none' })).toEqual(calling({ mode: 'NONE' }))
    expect(config({ tool_choice: 'required' })).toEqual(calling({ mode: 'ANY' }))
    expect(config({ tool_choice: { type: 'function', function: { name: 'g' } } })).toEqual(
      calling({ mode: 'ANY', allowedFunctionNames: ['g'] }),
    )
    expect(config({ tools: [fn('f', { strict: true })] })).toEqual(calling({ mode: 'VALIDATED' }))
  })
  test('a free choice among some is made by sending only those', () => {
    const tools = [{ type: 'function', function: { name: 'g' } }]
    const choice = (mode: string) => ({ tool_choice: { type: 'allowed_tools', allowed_tools: { mode, tools } } })
    const { body, warnings } = chat({ tools: [fn('f'), fn('g')], ...choice('auto') })
    expect(body['tools']).toMatchObject([{ functionDeclarations: [{ name: 'g' }] }])
    expect(body['toolConfig']).toEqual({ functionCallingConfig: { mode: 'AUTO' } })
    expect(warnings).toMatchObject([{ path: 'tools', action: 'changed' }])
    expect(config(choice('required'))).toEqual({ functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['g'] } })
  })

  const search = { type: 'web_search_20250305', name: 'web_search' }
  const plain = { name: 'f', input_schema: { type: 'object' } }
  test("another provider's search becomes Google's", () => {
    expect(messages({ tools: [search] }).body['tools']).toEqual([{ googleSearch: {} }])
    expect(refusal(() => messages({ tools: [{ ...search, allowed_domains: ['a.b'] }] }))).toBe('tools[0]')
  })
  test('a search beside functions needs Gemini 3, or is left out where that is allowed', () => {
    expect(messages({ tools: [search, plain] }, with3).body).toMatchObject({
      tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: 'f' }] }],
      toolConfig: { includeServerSideToolInvocations: true },
    })
    expect(refusal(() => messages({ tools: [plain, search] }))).toBe('tools[1]')
    const left = messages({ tools: [plain, search] }, { ...with25, dropUnsupportedTools: true })
    expect(left.body['tools']).toMatchObject([{ functionDeclarations: [{ name: 'f' }] }])
    expect(left.warnings).toMatchObject([{ path: 'tools[1]', action: 'dropped' }])
  })
})

test('what only Gemini has goes back under its path', () => {
  const fields = {
    safetySettings: [{ category: 'X', threshold: 'BLOCK_NONE' }],
    generationConfig: { temperature: 1, responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '1:1' } },
    tools: [{ functionDeclarations: [{ name: 'f', behavior: 'BLOCKING' }] }, { codeExecution: {} }],
    toolConfig: {
      functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
      includeServerSideToolInvocations: true,
    },
  }
  expect(own(fields)).toMatchObject({ body: fields, warnings: [] })
})

test('images of one request have one resolution', () => {
  const images = (...details: string[]) => ({
    messages: [
      {
        role: 'user',
        content: details.map((detail) => ({
          type: 'image_url',
          image_url: { url: 'data:image/png;base64,aGk=', detail },
        })),
      },
    ],
  })
  expect(config(chat(images('low', 'low')))).toEqual({ mediaResolution: 'MEDIA_RESOLUTION_LOW' })
  const mixed = chat(images('low', 'auto'))
  expect(config(mixed)).toBeUndefined()
  expect(mixed.warnings).toMatchObject([{ path: 'messages[0].content[0].image_url.detail' }])
})

test('hints are dropped and named', () => {
  const { warnings } = chat({
    user: 'u',
    metadata: { a: 'b' },
    verbosity: 'low',
    parallel_tool_calls: false,
    store: true,
    seed: 2 ** 40,
  })
  expect(warnings.map(({ path }) => path).toSorted()).toEqual([
    'metadata',
    'parallel_tool_calls',
    'seed',
    'store',
    'user',
    'verbosity',
  ])
})

const content = (part: JsonObject) => ({ messages: [{ role: 'user', content: [part] }] })

test.each<[JsonObject, string]>([
  [{ logit_bias: { a: 1 } }, 'logit_bias'],
  [{ logprobs: true }, 'logprobs'],
  [{ prediction: {} }, 'prediction'],
  [{ modalities: ['audio'] }, 'modalities'],
  [{ moderation: {} }, 'moderation'],
  [{ stop: ['1', '2', '3', '4', '5', '6'] }, 'stop'],
  [{ tool_choice: 'required' }, 'tool_choice'],
  [{ tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0]'],
  [
    {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'pre' },
      ],
    },
    'messages[1]',
  ],
  [{ messages: [{ role: 'user', content: '' }] }, 'messages[0]'],
  [content({ type: 'image_url', image_url: { url: 'https://a.b/c.png' } }), 'messages[0].content[0]'],
  [content({ type: 'image_url', image_url: { url: 'data:image/gif;base64,aGk=' } }), 'messages[0].content[0]'],
  [content({ type: 'file', file: { file_id: 'f' } }), 'messages[0].content[0]'],
  [content({ type: 'file', file: { file_data: 'data:application/zip;base64,aGk=' } }), 'messages[0].content[0]'],
  [content({ type: 'video_url', video_url: {} }), 'messages[0].content[0]'],
  [
    {
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '[1' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: '' },
      ],
    },
    'messages[1].tool_calls[0]',
  ],
])('what Gemini cannot say is refused with its path: %j', (fields, path) => {
  expect(refusal(() => chat(fields))).toBe(path)
})
