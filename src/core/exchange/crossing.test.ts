import { expect, test } from 'vitest'
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { buildRoad } from './road.ts'

const body = Buffer.from('{"model":"shadow","stream":true,"messages":[{"role":"user","content":"hi"}]}')

const stream = () =>
  buildRoad({
    client: openaiChat,
    provider: anthropicMessages,
    raw: true,
    facts: openaiChat.inspect(body),
    shadowModel: 'shadow',
    realModel: 'real',
    maxTokens: undefined,
    defaultMaxTokens: 100,
    estimatedInputTokens: 1,
    created: 1,
  }).stream()

const frame = (event: object): Buffer => Buffer.from(`data: ${JSON.stringify(event)}\n\n`)
const text = (value: string): Buffer =>
  frame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: value } })
const usage = { input_tokens: 3, output_tokens: 2 }

test('an end that the client protocol cannot tell is a failure of the answer, and nothing behind it is translated', () => {
  const crossing = stream()
  const begun = String(crossing.push(frame({ type: 'message_start', message: { id: 'm', model: 'real', usage } })))
  expect(begun + String(crossing.push(text('partly')))).toContain('partly')
  expect(crossing.observed.failure).toBeUndefined()
  const stop = { type: 'message_delta', delta: { stop_reason: 'from_the_future' }, usage }
  const rest = crossing.push(Buffer.concat([frame(stop), frame({ type: 'message_stop' }), text('more')]))
  expect(String(rest) + String(crossing.finish())).toBe('')
  expect(crossing.observed).toMatchObject({
    complete: false,
    failure: { class: 'server', status: 502, message: expect.stringContaining('cannot be expressed') as string },
    deliveredChars: 6,
  })
})
