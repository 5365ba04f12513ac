import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/kernel/errors.ts'
import { protocols } from '../../src/core/protocols/index.ts'
import type { Protocol } from '../../src/core/protocols/protocol.ts'
import {
  brokenLaws,
  decodeStream,
  readRecordings,
  recordingsPresent,
  recut,
  streamBytes,
} from '../support/recordings.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }

/** Values that real and hostile servers put where something else belongs. */
const odd = fc.oneof(
  fc.constantFrom(null, '', [], {}, -1, 1e308, 'null', [[]], [null], { length: -1 }, 'a'.repeat(300)),
  fc.jsonValue({ maxDepth: 2 }),
)

const names = {
  'openai-chat': [
    'id',
    'model',
    'created',
    'choices',
    'index',
    'delta',
    'role',
    'content',
    'refusal',
    'reasoning_content',
  ].concat(
    ['reasoning', 'reasoning_details', 'tool_calls', 'function', 'name', 'arguments', 'type', 'finish_reason', 'usage'],
    ['prompt_tokens', 'completion_tokens', 'total_tokens', 'error', 'message', 'code', 'annotations', 'x_groq'],
  ),
  'anthropic-messages': [
    'type',
    'index',
    'message',
    'id',
    'model',
    'usage',
    'content_block',
    'delta',
    'text',
    'thinking',
  ].concat([
    'partial_json',
    'signature',
    'stop_reason',
    'input_tokens',
    'output_tokens',
    'input',
    'name',
    'error',
    'citation',
  ]),
} as const

const types = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
].concat([
  'ping',
  'error',
  'text',
  'tool_use',
  'thinking',
  'text_delta',
  'input_json_delta',
  'thinking_delta',
  'stop',
  'function',
])

/** An object with the protocol's own keys and anything at all as values. */
const event = (protocol: Protocol): fc.Arbitrary<fc.JsonValue> => {
  const key = fc.constantFrom(...names[protocol.id as keyof typeof names])
  const leaf = fc.oneof(odd, fc.constantFrom(...types), fc.nat({ max: 3 }))
  const object = (inner: fc.Arbitrary<fc.JsonValue>) =>
    fc.dictionary(key, inner, { maxKeys: 6 }) as fc.Arbitrary<fc.JsonValue>
  const list = (inner: fc.Arbitrary<fc.JsonValue>) => fc.array(inner, { maxLength: 3 }) as fc.Arbitrary<fc.JsonValue>
  const deep = (depth: number): fc.Arbitrary<fc.JsonValue> =>
    depth === 0 ? leaf : fc.oneof(leaf, object(deep(depth - 1)), list(object(deep(depth - 1))))
  return object(deep(4))
}

const encodeAll = (protocol: Protocol, events: ReturnType<typeof decodeStream>): string => {
  const encoder = protocol.createEncoder(options)
  const out = events.map((one) => encoder.push(one)).join('')
  // As the relay does: the encoder itself says nothing about it.
  return encoder.failure === undefined
    ? out
    : out + protocol.renderStreamError(new GatewayError('upstream_error', encoder.failure), 'req_1')
}

/** Decodes, checks the laws, and lets every client's encoder have it. */
const survives = (provider: Protocol, bytes: Buffer): void => {
  const events = decodeStream(provider, [bytes])
  expect(brokenLaws(events)).toEqual([])
  for (const client of protocols) {
    const arrived = decodeStream(client, [Buffer.from(encodeAll(client, events))])
    expect(brokenLaws(arrived)).toEqual([])
    // What failed never looks finished on the other side.
    if (events.some((one) => one.type === 'error')) expect(arrived.some((one) => one.type === 'error')).toBe(true)
  }
}

describe.each(protocols.map((protocol) => ({ id: protocol.id, protocol })))('whatever $id sends', ({ protocol }) => {
  test('no event, however odd, breaks the laws of the neutral stream or an encoder', () => {
    const stream = fc.array(fc.tuple(fc.constantFrom('', 'error', ...types), event(protocol)), { maxLength: 12 })
    fc.assert(
      fc.property(stream, fc.boolean(), (events, done) => {
        const frames = events.map(([name, data]) => `${name && `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`)
        survives(protocol, Buffer.from(frames.join('') + (done ? 'data: [DONE]\n\n' : '')))
      }),
      { numRuns: 1000 },
    )
  })

  test('bytes that are no events at all are no answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const events = decodeStream(protocol, [Buffer.from(bytes)])
        expect(brokenLaws(events)).toEqual([])
        expect(events.some((one) => one.type === 'error')).toBe(true)
      }),
    )
  })

  test('an empty stream is a failure', () => {
    expect(decodeStream(protocol, [])).toMatchObject([
      { type: 'start' },
      { type: 'error', error: { status: 502 } },
      { type: 'end' },
    ])
  })

  describe.skipIf(!recordingsPresent)('recordings (skipped where they are absent)', () => {
    const streams = readRecordings(protocol.id).filter(({ response }) => response.chunks)

    test.each(streams)('torn anywhere and with a piece lost, repeated or spoilt: $id', (recording) => {
      const bytes = streamBytes(recording)
      const pieces = recut(bytes, 11)
      const frames = recording.response.chunks!
      for (let step = 1; step <= 8; step++) {
        const at = Math.floor((pieces.length * step) / 9)
        survives(protocol, Buffer.concat(pieces.slice(0, at)))
        survives(protocol, Buffer.concat(pieces.toSpliced(at, 1)))
        const frame = Math.floor((frames.length * step) / 9)
        survives(protocol, Buffer.from(frames.toSpliced(frame, 1).join('')))
        survives(protocol, Buffer.from(frames.toSpliced(frame, 0, frames[frame]!).join('')))
      }
    })
  })
})
