import { expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { carry, crossingRoad } from '../support/roads.ts'
import { anyQuestion } from '../support/failures.ts'
import { chat, claude, google, streamed, textIn, unnamed } from '../support/lines.ts'
import { decodeStream } from '../../support/recordings.ts'

/** Cases of the protocols reference, part 16: bytes are cut where nobody expects it. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const text = '“Größe” 👩‍👩‍👧 日本語 \u2028 e\u0301'
const streams: Readonly<Partial<Record<ProtocolId, Buffer>>> = {
  'openai-chat': chat.stream(
    chat.delta({ role: 'assistant', content: text }),
    chat.delta({ content: text }),
    chat.delta({}, 'stop'),
  ),
  'anthropic-messages': claude.stream(
    { input_tokens: 3, output_tokens: 1 },
    { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } },
    [...claude.text(text), { type: 'text_delta', text }],
  ),
  gemini: unnamed(google.chunk([{ text }]), google.chunk([{ text }], 'STOP')),
}
const providers = Object.keys(streams) as ProtocolId[]

test.each(providers)(
  'case 26: a character that is cut in the middle arrives whole, from a provider of %s',
  (provider) => {
    const bytes = streams[provider]!
    for (const client of protocols) {
      const asked = anyQuestion(client, true)
      const road = crossingRoad(client, asked, { provider: protocolById(provider) })
      const one = carry(
        client,
        road.stream(),
        Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
      )
      expect(textIn(decodeStream(client, [one.bytes]))).toBe(text + text)
      // The client's side of the connection is cut as well.
      const pieces = Array.from(one.bytes, (_, at) => one.bytes.subarray(at, at + 1))
      expect(textIn(decodeStream(client, pieces))).toBe(text + text)
    }
  },
)

test.each(providers)('case 27: an event that comes in pieces is one event, from a provider of %s', (provider) => {
  const bytes = streams[provider]!
  for (const client of clients) {
    for (let at = 1; at < bytes.length; at += 7) {
      const asked = anyQuestion(protocolById(client), true)
      const road = crossingRoad(protocolById(client), asked, { provider: protocolById(provider) })
      const { failed, bytes: told } = carry(protocolById(client), road.stream(), [
        bytes.subarray(0, at),
        bytes.subarray(at),
      ])
      expect(failed).toBe(false)
      expect(textIn(decodeStream(protocolById(client), [told]))).toBe(text + text)
    }
  }
})

test.each(clients)('case 28: events that come in one read go out as whole events to a client of %s', (client) => {
  for (const provider of providers) {
    const whole = streamed({ client, provider }, streams[provider]!)
    const blocks = whole.text.split(/\r?\n\r?\n/).filter((block) => block !== '')
    for (const block of blocks) {
      expect(block).toMatch(/^(?:event: \S+\r?\n)?data: \S/)
      const data = block.slice(block.indexOf('data: ') + 6)
      if (data !== '[DONE]') expect(JSON.parse(data) as JsonObject).toBeTypeOf('object')
    }
    // Frame by frame or at once, the text is the same.
    expect(textIn(streamed({ client, provider }, streams[provider]!, 5).events)).toBe(textIn(whole.events))
  }
})
