import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { expect, test } from 'vitest'
import { createSealer } from '../kernel/secrets.ts'
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { openaiResponses } from '../protocols/openai-responses/index.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { crossing } from './crossing.ts'

const body = Buffer.from('{"model":"shadow","stream":true,"messages":[{"role":"user","content":"hi"}]}')

const cross = (client: Protocol, provider: Protocol, asked: Buffer) =>
  crossing(client, provider, {
    facts: client.inspect(asked),
    place: {},
    target: {
      kind: providerKindById('anthropic')!,
      speaks: ['anthropic-messages'],
      model: 'real',
      providerId: 'prv_1',
      quirks: quirksOf([]),
      baseUrl: 'http://provider.test/v1',
    },
    shadowModel: 'shadow',
    maxTokens: undefined,
    defaultMaxTokens: 100,
    estimatedInputTokens: 1,
    created: 1,
    crossing: { strict: false, dropUnsupportedTools: false },
    sealer: createSealer(Buffer.alloc(32), 'test'),
    clientHeaders: {},
  })

const stream = (provider: Protocol = anthropicMessages) => cross(openaiChat, provider, body).stream()

const frame = (event: object): Buffer => Buffer.from(`data: ${JSON.stringify(event)}\n\n`)
const text = (value: string): Buffer =>
  frame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: value } })
const usage = { input_tokens: 3, output_tokens: 2 }

test('an end that the client protocol cannot tell is a failure of the answer, and nothing behind it is translated', () => {
  const way = stream()
  const begun = String(way.push(frame({ type: 'message_start', message: { id: 'm', model: 'real', usage } })))
  expect(begun + String(way.push(text('partly')))).toContain('partly')
  expect(way.observed.failure).toBeUndefined()
  const stop = { type: 'message_delta', delta: { stop_reason: 'from_the_future' }, usage }
  const rest = way.push(Buffer.concat([frame(stop), frame({ type: 'message_stop' }), text('more')]))
  expect(String(rest) + String(way.finish())).toBe('')
  expect(way.observed).toMatchObject({
    complete: false,
    failure: { class: 'server', status: 502, message: expect.stringContaining('cannot be expressed') as string },
    deliveredChars: 6,
  })
})

test('an answer that nobody asked for is left out, and what breaks behind the one that was asked for changes nothing', () => {
  const way = stream(openaiChat)
  const chunk = (index: number, delta: object, finish_reason: string | null = null) =>
    frame({ id: 'c', model: 'real', choices: [{ index, delta, finish_reason }] })
  const told = [chunk(1, { content: 'other' }), chunk(0, { content: 'mine' }), chunk(0, {}, 'stop')]
  const out = told.map((bytes) => String(way.push(bytes))).join('') + String(way.finish())
  expect(out).toContain('mine')
  expect(out).not.toContain('other')
  expect(way.observed).toMatchObject({ complete: true })
  expect(way.observed.failure).toBeUndefined()
  const none = stream(openaiChat)
  none.push(Buffer.concat([chunk(1, { content: 'other' }, 'stop'), Buffer.from('data: [DONE]\n\n')]))
  none.finish()
  expect(none.observed.complete).toBe(false)
})

test.each(['compaction', 'compaction_trigger', 'local_shell_call'])(
  'an item %s at the end has no counterpart elsewhere, and is called no answer of the assistant',
  (type) => {
    const input = [{ role: 'user', content: 'hi' }, { type }]
    const asked = Buffer.from(JSON.stringify({ model: 'shadow', input }))
    for (const provider of [anthropicMessages, openaiChat])
      expect(() => cross(openaiResponses, provider, asked)).toThrow(/^input\[1\]: .*no counterpart/)
  },
)
