import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/core/protocols/neutral/index.ts'
import { protocolById, protocols } from '../../../src/core/protocols/index.ts'
import { readRecordings, recordingsPresent, streamBytes } from '../../support/recordings.ts'
import { embeddings } from '../../../src/core/endpoints/embeddings/embeddings.ts'
import { answered as sideAnswered, sideRoad } from '../../support/side-road.ts'
import { chat, streamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: what SDKs check, and what they do not see. */
test('case 46: vectors come in the format that was asked for, whatever the provider answers', () => {
  const vector = [0.5, -0.25, 0.125, 1]
  const told = (embedding: unknown) => ({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding }],
    model: 'real',
    usage: { prompt_tokens: 1, total_tokens: 1 },
  })
  const base64 = Buffer.from(new Float32Array(vector).buffer).toString('base64')
  const ask = (encoding_format: string) =>
    sideRoad(embeddings, { model: 'shadow', input: 'hi', encoding_format }, { kind: 'openai-compatible' })
  expect(sideAnswered(ask('base64'), told(vector)).json).toMatchObject({ data: [{ embedding: base64 }] })
  expect(sideAnswered(ask('float'), told(base64)).json).toMatchObject({ data: [{ embedding: vector }] })
  const gemini = sideRoad(embeddings, { model: 'shadow', input: 'hi', encoding_format: 'base64' }, { kind: 'gemini' })
  expect(sideAnswered(gemini, { embeddings: [{ values: vector }] }).json).toMatchObject({
    data: [{ embedding: base64 }],
  })
})

/** All ids of an answer that its clients hold on to. */
const idsOf = (data: readonly JsonObject[]): string[] =>
  data.flatMap((event) => {
    const response = event['response'] as JsonObject | undefined
    const message = event['message'] as JsonObject | undefined
    const id = response?.['id'] ?? message?.['id'] ?? event['responseId'] ?? (event['object'] ? event['id'] : undefined)
    return typeof id === 'string' ? [id] : []
  })

test.each(protocols.map(({ id }) => id))(
  'case 54: a provider whose ids rotate inside a stream shows a client of %s one id',
  (client) => {
    const stream = chat.stream(
      ...[chat.delta({ role: 'assistant', content: 'a' }), chat.delta({ content: 'b' }), chat.delta({}, 'stop')].map(
        (chunk, index) => ({ ...chunk, id: `rotating-${index}` }),
      ),
    )
    const { data, failed } = streamed({ client, provider: 'openai-chat' }, stream)
    expect(failed).toBe(false)
    expect(new Set(idsOf(data)).size).toBe(1)
  },
)

const recorded = recordingsPresent
  ? readRecordings('openai-responses').filter(({ id }) => id.includes('id-rotation'))
  : []
test.skipIf(recorded.length === 0)(
  'case 54: as GitHub Copilot was recorded, for every client (skipped where recordings are absent)',
  () => {
    for (const { id: client } of protocols) {
      const { data, events, failed } = streamed({ client, provider: 'openai-responses' }, streamBytes(recorded[0]!))
      expect(failed, client).toBe(false)
      expect(new Set(idsOf(data)).size, client).toBe(1)
      expect(events.some(({ type }) => type === 'finish')).toBe(true)
    }
    // Items keep the id that they were added with.
    const { data } = streamed({ client: 'openai-responses', provider: 'openai-responses' }, streamBytes(recorded[0]!))
    const items = new Map<unknown, unknown>()
    for (const event of data) {
      const id = (event['item'] as JsonObject | undefined)?.['id'] ?? event['item_id']
      if (id === undefined) continue
      const known = items.get(event['output_index'])
      if (known !== undefined) expect(id).toBe(known)
      items.set(event['output_index'], id)
    }
    expect(items.size).toBeGreaterThan(0)
    expect(protocolById('openai-responses').id).toBe('openai-responses')
  },
)
