import { expect, test } from 'vitest'
import { createSealer } from '../kernel/secrets.ts'
import { settlementOf } from '../exchange/settle.ts'
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
import { gemini } from '../protocols/gemini/index.ts'
import { inputTotal, type JsonObject, type JsonValue, outputTotal, type Usage } from '../protocols/neutral/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { openaiResponses } from '../protocols/openai-responses/index.ts'
import type { Protocol } from '../protocols/protocol.ts'
import { parseFrame, SseSplitter } from '../protocols/sse.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { crossing } from './crossing.ts'

const messages = [{ role: 'user', content: 'hi' }]
const streamed = { stream: true, stream_options: { include_usage: true } }
const asked: Readonly<Record<string, JsonObject>> = {
  'openai-chat': { model: 'shadow', messages, ...streamed },
  'anthropic-messages': { model: 'shadow', messages, max_tokens: 9 },
  'openai-responses': { model: 'shadow', input: 'hi' },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
}
const place = { model: 'shadow', stream: true }
const road = (client: Protocol) =>
  crossing(client, openaiChat, {
    facts: client.inspect(Buffer.from(JSON.stringify(asked[client.id])), place),
    place,
    target: {
      kind: providerKindById('openai-compatible')!,
      speaks: ['openai-chat'],
      model: 'real',
      providerId: 'prv_1',
      quirks: quirksOf([]),
      baseUrl: 'http://provider.test/v1',
    },
    shadowModel: 'shadow',
    maxTokens: undefined,
    defaultMaxTokens: 100,
    estimatedInputTokens: 19,
    created: 1,
    crossing: { strict: false, dropUnsupportedTools: false },
    sealer: createSealer(Buffer.alloc(32), 'test'),
    clientHeaders: {},
  })

const answer = (content: string): JsonObject => ({
  id: 'c',
  model: 'real',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
})
const events = (content: string): Buffer => {
  const chunk = (delta: JsonValue, finish_reason: string | null) =>
    `data: ${JSON.stringify({ id: 'c', model: 'real', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
  return Buffer.from(`${chunk({ role: 'assistant', content }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`)
}
const counts = (usage: Usage | undefined) => usage && [inputTotal(usage), outputTotal(usage)]
const readStream = (client: Protocol, bytes: string): Usage | undefined => {
  const decoder = client.createDecoder()
  const all = new SseSplitter().push(Buffer.from(bytes)).flatMap((frame) => decoder.push(parseFrame(frame)))
  return [...all, ...decoder.finish()].findLast((event) => event.type === 'usage')?.usage
}

test.each([openaiChat, openaiResponses, anthropicMessages, gemini])(
  'where the provider tells no usage, a client of $id is told the estimate that is charged, whole and as a stream',
  (client) => {
    for (const [content, expected] of [
      ['Hello there', [19, 3]],
      ['', [19, 0]],
    ] as const) {
      const whole = road(client).unary(Buffer.from(JSON.stringify(answer(content))))
      expect(counts(client.decodeResponse(JSON.parse(whole.body.toString()) as JsonObject).usage)).toEqual(expected)
      const way = road(client).stream()
      const bytes = String(way.push(events(content))) + String(way.finish())
      expect(counts(readStream(client, bytes))).toEqual(expected)
      for (const observed of [whole.observed, way.observed]) {
        const settled = settlementOf(observed, null, { estimatedInputTokens: 19, held: 0 })
        // Nothing is owed for nothing.
        if (content === '') expect(settled).toMatchObject({ tokens: 0, quality: 'none' })
        else expect(settled).toMatchObject({ tokens: expected[0] + expected[1], quality: 'estimated' })
      }
    }
  },
)
