import * as fc from 'fast-check'
import { unfold } from '../../src/core/protocols/fold.ts'
import type { Block, NeutralEvent, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'

/** Answers as any provider may give them, for properties that every codec has to keep. */
const words = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', 'Zürich — 東京 🙂', '"\\\n\u2028', '{"a":[1]}'),
)
const filled = words.map((text) => text || 'x')

const link = fc
  .record({ title: words, start_index: fc.nat(50), end_index: fc.nat(50) })
  .map((fields) => ({ type: 'url_citation', url: 'https://example.com/', ...fields }))

const block: fc.Arbitrary<Block> = fc.oneof(
  filled.map((text): Block => ({ kind: 'text', text })),
  fc.record({
    kind: fc.constant('text' as const),
    text: filled,
    citations: fc.array(link, { minLength: 1, maxLength: 2 }),
  }),
  filled.map((text): Block => ({ kind: 'refusal', text })),
  filled.map((text): Block => ({ kind: 'thinking', text })),
  fc.record({ kind: fc.constant('thinking' as const), text: words, signature: filled }),
  fc.record({
    kind: fc.constant('tool-call' as const),
    id: fc.constantFrom('call_1', 'toolu_2', 'functions.weather:0', 'x'.repeat(80)),
    name: fc.constantFrom('weather', 'mail__send', 'now'),
    arguments: fc.constantFrom('{}', '{"city": "Zürich"}', '{"cut'),
  }),
  words.map((text): Block => ({ kind: 'tool-call', id: 'call_9', name: 'patch', custom: true, arguments: text })),
)

const count = fc.nat(100_000)
const usage = fc.record({
  input: fc.record({ uncached: count, cacheRead: count, cacheWrite5m: count, cacheWrite1h: count }),
  output: fc.record({ visible: count, reasoning: count }),
})

/** No call has the id of another one. */
const withOwnIds = (blocks: readonly Block[]): Block[] =>
  blocks.map((made, at) => (made.kind === 'tool-call' ? { ...made, id: `${made.id}${at}` } : made))

/** Answers of one choice that ended in a way every protocol can tell. */
export const answers: fc.Arbitrary<NeutralResponse> = fc
  .record({
    id: fc.constantFrom('resp_1', 'msg_01', 'chatcmpl-9', 'x'),
    created: fc.option(fc.integer({ min: 1, max: 2_000_000_000 }), { nil: undefined }),
    blocks: fc.array(block, { maxLength: 6 }).map(withOwnIds),
    reason: fc.constantFrom('stop', 'length', 'content-filter', 'refusal', 'context-exceeded', 'stop-sequence'),
    explanation: fc.option(filled, { nil: undefined }),
    usage: fc.option(usage, { nil: undefined }),
  })
  .map(({ id, created, blocks, reason, explanation, usage: told }) => ({
    id,
    model: 'real',
    ...(created !== undefined && { created }),
    choices: [
      {
        blocks,
        finish: {
          reason: reason === 'stop' && blocks.some(({ kind }) => kind === 'tool-call') ? 'tool-calls' : reason,
          raw: null,
          ...(explanation !== undefined && { explanation }),
        },
      },
    ],
    ...(told && { usage: told }),
  }))

/** The answer as a stream whose texts come in pieces of `size` characters. */
export const streamOf = (answer: NeutralResponse, size: number): NeutralEvent[] =>
  unfold(answer).flatMap((event) => {
    if (event.type !== 'block-delta' || event.delta.kind === 'citation') return [event]
    const { delta } = event
    const text = delta.kind === 'text' ? delta.text : delta.kind === 'arguments' ? delta.json : delta.signature
    // Never inside of a character.
    const pieces = text.match(new RegExp(`.{1,${size}}`, 'gsu')) ?? []
    return pieces.map((piece): NeutralEvent => {
      if (delta.kind === 'text') return { ...event, delta: { kind: 'text', text: piece } }
      if (delta.kind === 'arguments') return { ...event, delta: { kind: 'arguments', json: piece } }
      return { ...event, delta: { kind: 'signature', signature: piece } }
    })
  })
