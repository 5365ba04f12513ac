import { expect, test } from 'vitest'
import { chargeFor } from '../../../src/core/pricing/charge.ts'
import { freezePrice, parsePrices } from '../../../src/core/pricing/parse.ts'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocols } from '../../../src/core/protocols/index.ts'
import { answered, chat, claude, google, streamed, unnamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: tokens are counted once and all of them. */
const price = freezePrice({
  id: 1,
  ...parsePrices({ input: '1', output: '10', cached_input: '0.1', cache_write: '2', cache_write_1h: '4' }),
} as never)
const usageOf = (body: JsonObject): JsonObject => body['usage'] as JsonObject
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const end = (usage: JsonObject): JsonObject => ({ delta: { stop_reason: 'end_turn', stop_sequence: null }, usage })
const cached = { prompt_tokens: 16_202, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 15_802 } }

test('case 1: tokens read from a cache are billed once, also when an Anthropic client asked OpenAI or Gemini', () => {
  const openai = answered(
    { client: 'anthropic-messages', provider: 'openai-chat' },
    chat.whole({ content: 'a' }, 'stop', cached),
  )
  const counted = { promptTokenCount: 16_202, cachedContentTokenCount: 15_802, candidatesTokenCount: 10 }
  const gemini = answered(
    { client: 'anthropic-messages', provider: 'gemini' },
    google.chunk([{ text: 'a' }], 'STOP', { ...counted, totalTokenCount: 16_212 }),
  )
  for (const { body, observed } of [openai, gemini]) {
    expect(usageOf(body)).toMatchObject({ input_tokens: 400, cache_read_input_tokens: 15_802, output_tokens: 10 })
    // 400 x 1 + 15 802 x 0.1 + 10 x 10 credits a million tokens.
    expect(chargeFor(price, observed.usage!)).toBe(2_080_200)
  }
})

test.each(clients.filter((client) => client !== 'anthropic-messages'))(
  'case 2: what message_start says was read from a cache reaches a client of %s',
  (client) => {
    const start = { input_tokens: 4, cache_read_input_tokens: 9134, cache_creation_input_tokens: 0, output_tokens: 1 }
    const { observed, events } = streamed(
      { client, provider: 'anthropic-messages' },
      claude.stream(start, end({ output_tokens: 12 }), claude.text('a')),
    )
    expect(observed.usage).toMatchObject({ input: { uncached: 4, cacheRead: 9134 }, output: { visible: 12 } })
    expect(events.findLast((event) => event.type === 'usage')?.usage).toMatchObject({
      input: { uncached: 4, cacheRead: 9134 },
    })
  },
)

test('case 3: an Anthropic client hears of cached tokens in a stream as in a whole answer', () => {
  const line = { client: 'anthropic-messages', provider: 'openai-chat' } as const
  const stream = chat.stream(
    chat.delta({ role: 'assistant', content: 'a' }),
    chat.delta({}, 'stop'),
    chat.usage(cached),
  )
  const last = streamed(line, stream).data.find(({ type }) => type === 'message_delta')
  expect(last?.['usage']).toMatchObject({ input_tokens: 400, cache_read_input_tokens: 15_802, output_tokens: 10 })
  expect(usageOf(answered(line, chat.whole({ content: 'a' }, 'stop', cached)).body)).toMatchObject({
    input_tokens: 400,
    cache_read_input_tokens: 15_802,
  })
})

test('case 4: tokens written to a cache are billed when nobody says for how long', () => {
  const usage = { input_tokens: 4, cache_creation_input_tokens: 1590, output_tokens: 1 }
  const { observed } = answered(
    { client: 'openai-chat', provider: 'anthropic-messages' },
    claude.whole([{ type: 'text', text: 'a' }], 'end_turn', usage),
  )
  expect(observed.usage?.input).toEqual({ uncached: 4, cacheRead: 0, cacheWrite5m: 1590, cacheWrite1h: 0 })
})

test('case 5: a later report replaces a figure also by zero, and no modality is counted twice', () => {
  const hour = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 100 }
  const none = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
  const { observed } = streamed(
    { client: 'openai-chat', provider: 'anthropic-messages' },
    claude.stream(
      { input_tokens: 4, cache_creation_input_tokens: 100, cache_creation: hour, output_tokens: 1 },
      end({ input_tokens: 4, cache_creation_input_tokens: 0, cache_creation: none, output_tokens: 2 }),
      claude.text('a'),
    ),
  )
  expect(observed.usage?.input).toEqual({ uncached: 4, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 })
  const details = [
    { modality: 'TEXT', tokenCount: 3 },
    { modality: 'AUDIO', tokenCount: 7 },
  ]
  const heard = { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11, promptTokensDetails: details }
  const spoken = streamed(
    { client: 'openai-chat', provider: 'gemini' },
    unnamed(google.chunk([{ text: 'a' }], undefined, heard), google.chunk([{ text: 'b' }], 'STOP', heard)),
  )
  expect(spoken.observed.usage).toMatchObject({ input: { uncached: 10 }, detail: { audioIn: 7 } })
})

test('case 6: the input that message_start and message_delta both tell is not added up', () => {
  const input = { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30 }
  const { observed } = streamed(
    { client: 'openai-chat', provider: 'anthropic-messages' },
    claude.stream({ ...input, output_tokens: 1 }, end({ ...input, output_tokens: 5 }), claude.text('a')),
  )
  expect(observed.usage).toMatchObject({
    input: { uncached: 10, cacheRead: 20, cacheWrite5m: 30 },
    output: { visible: 5 },
  })
})

test('case 7: no count and no cost is ever negative, whatever a provider says of its cache', () => {
  // Grok on Azure: more of the prompt cached than there was of it.
  const { observed } = answered(
    { client: 'anthropic-messages', provider: 'openai-chat' },
    chat.whole({ content: 'a' }, 'stop', {
      ...cached,
      prompt_tokens: 10,
      prompt_tokens_details: { cached_tokens: 161 },
    }),
  )
  expect(observed.usage).toMatchObject({ input: { uncached: 0 }, anomalies: 1 })
  const early = streamed(
    { client: 'openai-chat', provider: 'anthropic-messages' },
    claude.stream({ cache_read_input_tokens: 500 }, end({ output_tokens: -2 }), claude.text('a')),
  )
  for (const { usage } of [observed, early.observed]) {
    const counts = [...Object.values(usage!.input), ...Object.values(usage!.output)]
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(0)
    expect(chargeFor(price, usage!)).toBeGreaterThanOrEqual(0)
  }
})

test('case 8: a prompt to Bedrock includes what its cache held', () => {
  const usage = {
    inputTokens: 3,
    outputTokens: 121,
    totalTokens: 2072,
    cacheReadInputTokens: 1712,
    cacheWriteInputTokens: 236,
  }
  const { body } = answered(
    { client: 'openai-chat', provider: 'bedrock-converse' },
    { output: { message: { role: 'assistant', content: [{ text: 'a' }] } }, stopReason: 'end_turn', usage },
  )
  expect(usageOf(body)).toMatchObject({
    prompt_tokens: 1951,
    completion_tokens: 121,
    prompt_tokens_details: { cached_tokens: 1712 },
  })
})
