import { expect, test } from 'vitest'
import { fold } from '../fold.ts'
import type { JsonObject, NeutralEvent } from '../neutral/index.ts'
import { Decoder } from './decoder.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { Encoder } from './encoder.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { parseFrame } from '../sse.ts'

const options = { model: 'shadow', includeUsage: false, created: 1, estimatedInputTokens: 1 }
const grammar = { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "x"' } }
const request: JsonObject = {
  model: 'm',
  messages: [
    { role: 'user', content: 'Go.' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'patch', input: '*** "x"' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'done' },
  ],
  tools: [
    { type: 'custom', custom: { name: 'patch', description: 'Patches.', format: grammar } },
    { type: 'custom', custom: { name: 'say' } },
  ],
  tool_choice: { type: 'custom', custom: { name: 'patch' } },
}

test('a request with free-text tools and their calls is the same after the neutral form', () => {
  const { body } = encodeRequest(decodeRequest(request), { model: 'm', defaultMaxTokens: 1 })
  expect(body).toEqual(request)
})

const events: NeutralEvent[] = [
  { type: 'start', id: 'chatcmpl-1', model: 'm', created: 1 },
  { type: 'block-start', choice: 0, index: 0, block: { kind: 'tool-call', id: 'call_1', name: 'patch', custom: true } },
  { type: 'block-delta', choice: 0, index: 0, delta: { kind: 'arguments', json: '*** ' } },
  { type: 'block-delta', choice: 0, index: 0, delta: { kind: 'arguments', json: '"x"' } },
  { type: 'block-stop', choice: 0, index: 0 },
  { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_calls' } },
  { type: 'end' },
]

test('a call of a free-text tool is told as such, streamed and whole', () => {
  const encoder = new Encoder(options)
  const decoder = new Decoder()
  const frames = events.map((event) => encoder.push(event)).join('')
  const told = frames
    .split(/(?<=\n\n)/)
    .flatMap((frame) => decoder.push(parseFrame(Buffer.from(frame))))
    .concat(decoder.finish())
  const streamed = fold(told)
  expect(streamed).toMatchObject({
    choices: [{ blocks: [{ kind: 'tool-call', id: 'call_1', name: 'patch', custom: true, arguments: '*** "x"' }] }],
  })
  if ('class' in streamed) throw new Error(streamed.message)
  const whole = encodeResponse(streamed, options)
  expect(whole).toMatchObject({
    choices: [{ message: { tool_calls: [{ type: 'custom', custom: { name: 'patch', input: '*** "x"' } }] } }],
  })
  expect(decodeResponse(whole).choices).toEqual(streamed.choices)
})

test.each([
  ['a model that is named for it', 'gpt-4o-search-preview', { web_search_options: { search_context_size: 'low' } }],
])('web search of another protocol is asked of %s', (_, model, expected) => {
  const neutral = decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'x' }] })
  const tools = [
    {
      type: 'web-search' as const,
      contextSize: 'low' as const,
      original: { protocol: 'openai-responses' as const, value: { type: 'web_search' } },
      path: 'tools[0]',
    },
  ]
  const encode = (name: string, dropUnsupportedTools = false) =>
    encodeRequest({ ...neutral, tools }, { model: name, defaultMaxTokens: 1, dropUnsupportedTools })
  expect(encode(model).body).toMatchObject(expected)
  expect(() => encode('gpt-5')).toThrow(/tools\[0\]/)
  expect(encode('gpt-5', true).warnings).toMatchObject([{ path: 'tools[0]', action: 'dropped' }])
})
