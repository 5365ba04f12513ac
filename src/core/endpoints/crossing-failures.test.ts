import { describe, expect, test } from 'vitest'
import { createSealer } from '../kernel/secrets.ts'
import { anthropicMessages } from '../protocols/anthropic-messages/index.ts'
import { bedrockConverse } from '../protocols/bedrock-converse/index.ts'
import { gemini } from '../protocols/gemini/index.ts'
import type { JsonObject, JsonValue } from '../protocols/neutral/index.ts'
import { openaiChat } from '../protocols/openai-chat/index.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { openaiResponses } from '../protocols/openai-responses/index.ts'
import type { Observed, Protocol, ProviderProtocol } from '../protocols/protocol.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { crossing } from './crossing.ts'

const messages = [{ role: 'user', content: 'hi' }]
const asked: Readonly<Record<string, JsonObject>> = {
  'openai-chat': { model: 'shadow', messages },
  'anthropic-messages': { model: 'shadow', messages, max_tokens: 9 },
  'openai-responses': { model: 'shadow', input: 'hi' },
  gemini: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
}
const place = { model: 'shadow', stream: false }
const road = (client: Protocol, provider: ProviderProtocol) => {
  const facts = client.inspect(Buffer.from(JSON.stringify(asked[client.id])), place)
  return crossing(client, provider, {
    facts,
    place,
    target: {
      kind: providerKindById('openai-compatible')!,
      speaks: [provider.id],
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
}
const whole = (client: Protocol, provider: ProviderProtocol, body: JsonValue): Observed =>
  road(client, provider).unary(Buffer.from(JSON.stringify(body))).observed
const streamed = (client: Protocol, provider: ProviderProtocol, events: readonly JsonValue[]): Observed => {
  const way = road(client, provider).stream()
  for (const event of events) if (!way.observed.failure) way.push(Buffer.from(`data: ${JSON.stringify(event)}\n\n`))
  if (!way.observed.failure) way.finish()
  return way.observed
}
const clients = [openaiChat, openaiResponses, anthropicMessages, gemini]

describe('an error inside a 200 is of its own class, whichever vendor’s words it is told in', () => {
  const limits: readonly JsonValue[] = [
    { error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' } },
    { error: { message: 'slow down', code: 'rate_limit_exceeded' } },
    { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } },
    { error: { message: 'slow down', code: 429 } },
    { type: 'error', error: { type: 'rate_limit_error', message: 'slow down' } },
    { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'slow down' } },
    { error: { status: 'RESOURCE_EXHAUSTED', message: 'slow down' } },
  ]
  for (const provider of [openaiChat, openaiResponses, anthropicMessages, gemini])
    test.each(limits)(`${provider.id}: %j`, (limit) => {
      const expected = { complete: false, failure: { class: 'rate-limited', status: 429, message: 'slow down' } }
      const client = provider === openaiChat ? gemini : openaiChat
      expect(whole(client, provider, limit)).toMatchObject(expected)
      expect(streamed(client, provider, [limit])).toMatchObject(expected)
    })

  test('a whole answer of Converse too', () => {
    const error = { error: { type: 'throttlingException', message: 'slow down' } }
    expect(whole(openaiChat, bedrockConverse, error).failure).toMatchObject({ class: 'rate-limited' })
  })

  test('and on the way to clients that speak it', () => {
    const body = Buffer.from(JSON.stringify(limits[1]))
    for (const protocol of clients)
      expect(protocol.raw.response(body, { model: 'shadow' }).observed.failure).toMatchObject({ class: 'rate-limited' })
  })
})

describe('an end that no other protocol knows', () => {
  const told = (finishReason: string | undefined): JsonObject => ({
    candidates: [
      { content: { role: 'model', parts: [{ text: 'x' }] }, ...(finishReason !== undefined && { finishReason }) },
    ],
  })

  test.each([openaiChat, openaiResponses, anthropicMessages])('is an error for a client of $id', (client) => {
    expect(() => whole(client, gemini, told('FUTURE'))).toThrow('cannot be expressed here ("FUTURE")')
    expect(streamed(client, gemini, [told('FUTURE')])).toMatchObject({ complete: false, failure: { status: 502 } })
  })

  test.each(clients)('is not made up where there is none, for a client of $id', (client) => {
    expect(() => whole(client, gemini, told(undefined))).toThrow('ended the answer before it was complete')
    expect(streamed(client, gemini, [told(undefined)]).failure).toMatchObject({ code: 'upstream_disconnected' })
  })
})
