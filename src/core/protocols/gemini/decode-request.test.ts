import { expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { decodeRequest } from './decode-request.ts'

const place = { model: 'models/m', stream: true }
const user = { role: 'user', parts: [{ text: 'hi' }] }
const decode = (fields: JsonObject = {}) => decodeRequest({ contents: [user], ...fields }, place)
const parts = (...list: JsonObject[]) => decode({ contents: [{ role: 'user', parts: list }] }).messages[0]!.parts
const said = (...list: JsonObject[]) => decode({ contents: [user, { role: 'model', parts: list }] }).messages[1]!.parts

test('both spellings of a body mean the same, and arguments and schemas keep theirs', () => {
  const camel = decode({
    systemInstruction: { parts: { text: 'be brief' } },
    generationConfig: { maxOutputTokens: 5, thinkingConfig: { thinkingBudget: 8, includeThoughts: true } },
    tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { a_b: 1 } }] }],
    toolConfig: { functionCallingConfig: { mode: 'any', allowedFunctionNames: ['f'] } },
  })
  const snake = decode({
    system_instruction: { parts: { text: 'be brief' } },
    generation_config: { max_output_tokens: 5, thinking_config: { thinking_budget: 8, include_thoughts: true } },
    tools: [{ function_declarations: [{ name: 'f', parameters_json_schema: { a_b: 1 } }] }],
    tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: ['f'] } },
  })
  expect(snake).toEqual(camel)
  expect(camel).toMatchObject({
    protocol: 'gemini',
    model: 'm',
    stream: true,
    includeUsage: true,
    system: [{ text: 'be brief' }],
    maxTokens: 5,
    reasoning: { mode: 'on', budgetTokens: 8, display: 'summarized' },
    tools: [{ type: 'function', name: 'f', schema: { a_b: 1 } }],
    toolChoice: { mode: 'tool', name: 'f' },
  })
})

test('inline data is told apart by its media type; either alphabet of base64 is read', () => {
  const inline = (mimeType: string, data = 'aGk', more: JsonObject = {}) => ({
    inlineData: { mimeType, data },
    ...more,
  })
  expect(parts(inline('image/png', '-_8', { mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' } }))).toMatchObject([
    { type: 'image', source: { mediaType: 'image/png', data: '+/8=' }, detail: 'low' },
  ])
  expect(parts(inline('audio/wav'), inline('application/pdf'), inline('video/mp4'))).toMatchObject([
    { type: 'audio', source: { from: 'base64', data: 'aGk=' } },
    { type: 'document', source: { mediaType: 'application/pdf' } },
    { type: 'opaque', protocol: 'gemini', value: { inlineData: { mimeType: 'video/mp4', data: 'aGk' } } },
  ])
})

test('a signature stands in a thinking part in front of what it signs, or last', () => {
  expect(
    said(
      { text: 'hm', thought: true, thoughtSignature: 'S0' },
      { text: 'hello', thoughtSignature: 'S1' },
      { text: '', thoughtSignature: 'S2' },
    ),
  ).toMatchObject([
    { type: 'thinking', text: 'hm', signature: 'S0', signedBy: 'gemini' },
    { type: 'thinking', text: '', signature: 'S1', signedBy: 'gemini' },
    { type: 'text', text: 'hello' },
    { type: 'thinking', text: '', signature: 'S2', signedBy: 'gemini' },
  ])
})

const call = (name: string, id?: string) => ({ functionCall: { name, args: { n: 1 }, ...(id && { id }) } })
const result = (name: string, id?: string, response: JsonObject = { output: name }) => ({
  functionResponse: { name, response, ...(id && { id }) },
})
const exchange = (calls: JsonObject[], ...answers: JsonObject[][]) =>
  decode({ contents: [user, { role: 'model', parts: calls }, ...answers.map((list) => ({ parts: list }))] }).messages

test('results without ids belong to the calls of their name, in order, over several turns of the user', () => {
  const [, model, first, second] = exchange(
    [call('f'), call('g'), call('f')],
    [result('g'), result('f')],
    [result('f')],
  )
  const ids = model!.parts.map((part) => (part.type === 'tool-call' ? part.id : ''))
  expect(new Set(ids).size).toBe(3)
  expect(first!.parts).toMatchObject([{ callId: ids[1] }, { callId: ids[0] }])
  expect(second!.parts).toMatchObject([{ callId: ids[2] }])
})

test('ids tell calls apart where they are given, also on one side only', () => {
  const [, , both] = exchange([call('f', 'a'), call('f', 'b')], [result('f', 'b'), result('f', 'a')])
  expect(both!.parts).toMatchObject([{ callId: 'b' }, { callId: 'a' }])
  const [, model, answered] = exchange([call('f')], [result('f', 'unknown')])
  expect(answered!.parts).toMatchObject([{ callId: model!.parts[0]!.type === 'tool-call' && model!.parts[0]!.id }])
})

test('the id of a call without one stays the same as the conversation grows', () => {
  const begun = [user, { role: 'model', parts: [call('f')] }, { parts: [result('f')] }]
  const grown = [...begun, { role: 'model', parts: [{ text: 'done' }] }, user]
  expect(decode({ contents: grown }).messages[1]).toEqual(decode({ contents: begun }).messages[1])
})

test.each<[JsonObject, JsonObject]>([
  [{ output: 'yes' }, { content: [{ type: 'text', text: 'yes' }] }],
  [{ error: 'no' }, { isError: true, content: [{ type: 'text', text: 'no' }] }],
  [{ output: { a: 1 } }, { content: [{ type: 'text', text: '{"output":{"a":1}}' }] }],
  [{ name: 'f', content: 'x' }, { content: [{ type: 'text', text: '{"name":"f","content":"x"}' }] }],
  [{}, { content: [{ type: 'text', text: '{}' }] }],
])('what a function returned is text: %j', (response, expected) => {
  expect(exchange([call('f')], [result('f', undefined, response)])[2]!.parts[0]).toMatchObject(expected)
})

test('settings of generation', () => {
  const generationConfig = {
    temperature: 1,
    topP: 0.5,
    topK: 64,
    stopSequences: ['a'],
    candidateCount: 2,
    seed: 7,
    presencePenalty: 0.5,
    frequencyPenalty: -1,
    responseLogprobs: true,
    logprobs: 3,
  }
  expect(decode({ generationConfig, serviceTier: 'STANDARD' })).toMatchObject({
    temperature: 1,
    topP: 0.5,
    topK: 64,
    stop: ['a'],
    choices: 2,
    seed: 7,
    presencePenalty: 0.5,
    frequencyPenalty: -1,
    logprobs: { top: 3 },
    serviceTier: 'default',
  })
})

test.each<[JsonObject, JsonValue]>([
  [{ thinkingBudget: 0 }, { mode: 'off' }],
  [{ thinkingBudget: -1 }, { mode: 'adaptive' }],
  [
    { thinkingBudget: 100, includeThoughts: false },
    { mode: 'on', budgetTokens: 100, display: 'omitted' },
  ],
  [{ thinkingLevel: 'low' }, { effort: 'low' }],
  [{ includeThoughts: true }, { display: 'summarized' }],
])('thinkingConfig %j', (thinkingConfig, reasoning) => {
  expect(decode({ generationConfig: { thinkingConfig } }).reasoning).toEqual(reasoning)
})

test.each<[JsonObject, JsonValue]>([
  [{ responseMimeType: 'application/json' }, { type: 'json' }],
  [{ responseMimeType: 'text/plain' }, { type: 'text' }],
  [
    { responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } },
    {
      type: 'schema',
      schema: { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
      path: 'generationConfig.responseSchema',
    },
  ],
  [
    { responseMimeType: 'application/json', responseJsonSchema: { type: 'X' } },
    { type: 'schema', schema: { type: 'X' }, path: 'generationConfig.responseJsonSchema' },
  ],
])('format %j', (generationConfig, format) => {
  expect(decode({ generationConfig }).format).toEqual(format)
})

test("Google's own tools stay apart from functions, and the search of the web is everybody's", () => {
  const tools = [{ functionDeclarations: [{ name: 'f' }], google_search: {} }, { codeExecution: {} }]
  expect(decode({ tools }).tools).toMatchObject([
    { type: 'function', name: 'f', path: 'tools[0].functionDeclarations[0]' },
    { type: 'web-search', original: { protocol: 'gemini', value: { googleSearch: {} } } },
    { type: 'opaque', protocol: 'gemini', value: { codeExecution: {} }, path: 'tools[1].codeExecution' },
  ])
})

const withTools = (config: JsonObject) =>
  decode({
    tools: [{ functionDeclarations: [{ name: 'f' }, { name: 'g' }] }],
    toolConfig: { functionCallingConfig: config },
  })

test('modes of calling', () => {
  expect(withTools({ mode: 'none' }).toolChoice).toEqual({ mode: 'none' })
  expect(withTools({ mode: 'ANY' }).toolChoice).toEqual({ mode: 'required' })
  expect(withTools({ mode: 'ANY', allowedFunctionNames: ['f', 'g'] }).toolChoice).toEqual({
    mode: 'subset',
    names: ['f', 'g'],
    required: true,
  })
  expect(withTools({ mode: 'VALIDATED' })).toMatchObject({
    toolChoice: { mode: 'auto' },
    extensions: { gemini: { 'toolConfig.functionCallingConfig.mode': 'VALIDATED' } },
  })
})

test('what only Gemini has is kept under its path', () => {
  const body = {
    safetySettings: [{ category: 'X' }],
    cachedContent: 'cachedContents/1',
    generationConfig: { responseModalities: ['TEXT', 'IMAGE'], speechConfig: {}, responseMimeType: 'text/x.enum' },
  }
  expect(decode(body).extensions).toEqual({
    gemini: {
      safetySettings: [{ category: 'X' }],
      cachedContent: 'cachedContents/1',
      'generationConfig.responseModalities': ['TEXT', 'IMAGE'],
      'generationConfig.speechConfig': {},
      'generationConfig.responseMimeType': 'text/x.enum',
    },
  })
  expect(decode({ generationConfig: { responseModalities: ['text'] } }).extensions).toBeUndefined()
})

const model = (...list: JsonObject[]) => ({ contents: [user, { role: 'model', parts: list }, user] })

test.each<[JsonObject, string]>([
  [{ contents: [] }, 'contents'],
  [{ contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 'contents[0].role'],
  [{ contents: [{ parts: [] }] }, 'contents[0].parts'],
  [{ contents: [{ parts: ['x'] }] }, 'contents[0].parts[0]'],
  [{ contents: [{ parts: [{ text: 'x', inlineData: {} }] }] }, 'contents[0].parts[0]'],
  [
    { contents: [{ parts: [{ inlineData: { mimeType: 'image/png', data: 'a b' } }] }] },
    'contents[0].parts[0].inlineData.data',
  ],
  [{ contents: [{ parts: [call('f')] }] }, 'contents[0].parts[0]'],
  [{ contents: [user, { parts: [result('f')] }] }, 'contents[1].parts[0].functionResponse'],
  [model(call('f')), 'contents[1].parts[0]'],
  [model(result('f')), 'contents[1].parts[0]'],
  [model({ functionCall: { name: 'f', args: 'x' } }), 'contents[1].parts[0].functionCall.args'],
  [model({ functionCall: { name: 'f', partialArgs: [] } }), 'contents[1].parts[0].functionCall.partialArgs'],
  [
    { systemInstruction: { parts: [{ inlineData: { mimeType: 'image/png', data: '' } }] } },
    'systemInstruction.parts[0]',
  ],
  [{ systemInstruction: 'x' }, 'systemInstruction'],
  [{ generationConfig: { temperature: 3 } }, 'generationConfig.temperature'],
  [{ generationConfig: { topP: 'x' } }, 'generationConfig.topP'],
  [
    { generationConfig: { thinkingConfig: { thinkingLevel: 'LOUD' } } },
    'generationConfig.thinkingConfig.thinkingLevel',
  ],
  [{ generationConfig: { topP: 1, top_p: 1 } }, 'generationConfig.topP'],
  [
    { tools: [{ functionDeclarations: [{ name: 'f', parameters: {}, parametersJsonSchema: {} }] }] },
    'tools[0].functionDeclarations[0].parameters',
  ],
  [{ toolConfig: { functionCallingConfig: { mode: 'SOMETIMES' } } }, 'toolConfig.functionCallingConfig.mode'],
  [
    { toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } } },
    'toolConfig.functionCallingConfig.allowedFunctionNames[0]',
  ],
])('%j is refused', (fields, param) => {
  let refused: unknown
  try {
    decode(fields)
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(GatewayError)
  expect(refused).toMatchObject({ status: 400, details: { param } })
})
