import { expect, test } from 'vitest'
import { unfold } from './fold.ts'
import { anthropicMessages } from './anthropic-messages/index.ts'
import { gemini } from './gemini/index.ts'
import { openaiChat } from './openai-chat/index.ts'
import type { NeutralResponse } from './neutral/index.ts'
import { restoreInEvent, restoreInResponse, sendableToolNames } from './tool-names.ts'

const long = `mcp__${'server'.repeat(10)}__tool`
const odd = 'files.read/ü'
const body = {
  model: 'm',
  max_tokens: 9,
  tools: [long, 'plain', odd].map((name) => ({ name, input_schema: { type: 'object' } })),
  tool_choice: { type: 'tool', name: long },
  messages: [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: long, input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'ok' }] },
  ],
}

const sendable = () => sendableToolNames(anthropicMessages.decodeRequest(body), openaiChat.toolName)

test('a name the provider would refuse is the same acceptable one everywhere', () => {
  const { request, sent } = sendable()
  const { body: wire } = openaiChat.encodeRequest(request, { model: 'real', defaultMaxTokens: 9 })
  const [first, second, third] = request.tools.map((tool) => tool.type === 'function' && tool.name)
  expect(first).toMatch(/^mcp__[a-z_]{50}_[0-9a-f]{8}$/)
  expect(second).toBe('plain')
  expect(third).toMatch(/^files_read___[0-9a-f]{8}$/)
  expect(wire['tool_choice']).toEqual({ type: 'function', function: { name: first } })
  expect(JSON.stringify(wire['messages'])).toContain(`"name":"${first}"`)
  expect([...sent.values()].toSorted()).toEqual([odd, long])
  expect(sendable().sent).toEqual(sent)
})

test('a name that begins with a digit, which Gemini refuses, gets a letter’s place in front', () => {
  const named = {
    ...body,
    tools: [{ name: '3d-print', input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto' },
    messages: [body.messages[0]!],
  }
  const { sent } = sendableToolNames(anthropicMessages.decodeRequest(named), gemini.toolName)
  const [name] = sent.keys()
  expect(name).toMatch(/^_3d-print_[0-9a-f]{8}$/)
  expect(name).toMatch(gemini.toolName)
})

test('answers name the tools as the client does', () => {
  const { request, sent } = sendable()
  const [tool] = request.tools
  const called = tool?.type === 'function' ? tool.name : ''
  const answer: NeutralResponse = {
    id: 'a',
    model: 'real',
    choices: [
      {
        blocks: [
          { kind: 'text', text: called },
          { kind: 'tool-call', id: 't2', name: called, arguments: '{}' },
        ],
        finish: { reason: 'tool-calls', raw: null },
      },
    ],
  }
  const blocks = [answer.choices[0]!.blocks[0], { kind: 'tool-call', id: 't2', name: long, arguments: '{}' }]
  expect(restoreInResponse(answer, sent).choices[0]!.blocks).toEqual(blocks)
  const started = unfold(answer).map((event) => restoreInEvent(event, sent))
  expect(started).toContainEqual(expect.objectContaining({ block: { kind: 'tool-call', id: 't2', name: long } }))
})

test('a request without such names is left as it is', () => {
  const request = anthropicMessages.decodeRequest({
    ...body,
    tool_choice: { type: 'auto' },
    tools: [],
    messages: [body.messages[0]!],
  })
  expect(sendableToolNames(request, openaiChat.toolName)).toEqual({ request, sent: new Map() })
})
