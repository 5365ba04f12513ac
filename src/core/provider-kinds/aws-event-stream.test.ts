import { EventStreamCodec } from '@smithy/core/event-streams'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFrame, SseSplitter } from '../protocols/sse.ts'
import { awsEventStream } from './aws-event-stream.ts'

/** AWS's own codec writes what ours reads. */
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
)

type Headers = Parameters<typeof codec.encode>[0]['headers']

const message = (headers: Record<string, string>, body: string, more: Headers = {}): Buffer =>
  Buffer.from(
    codec.encode({
      headers: {
        ...more,
        ...Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]),
        ),
      },
      body: Buffer.from(body),
    }),
  )

const event = (type: string, value: object, more: Headers = {}): Buffer =>
  message(
    { ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' },
    JSON.stringify(value),
    more,
  )

const read = (mode: 'events' | 'chunks', pieces: readonly Buffer[]) => {
  const unframer = awsEventStream(mode)
  const bytes = Buffer.concat([...pieces.map((piece) => unframer.push(piece)), unframer.finish()])
  return new SseSplitter()
    .push(bytes)
    .map(parseFrame)
    .map(({ event: name, data }) => [name, JSON.parse(data) as unknown])
}

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...new Set([...places.map((place) => place % bytes.length), bytes.length])].toSorted((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

describe('messages', () => {
  test('become events by their type, wherever the network cut them', () => {
    const payload = fc.record({ text: fc.string({ unit: 'grapheme' }), index: fc.nat() })
    fc.assert(
      fc.property(
        fc.array(payload, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (list, cuts) => {
          const bytes = Buffer.concat(list.map((value) => event('contentBlockDelta', value)))
          expect(read('events', cutAt(bytes, cuts))).toEqual(list.map((value) => ['contentBlockDelta', value]))
        },
      ),
    )
  })

  test('may have headers of every type in front of their own', () => {
    const more: Headers = {
      yes: { type: 'boolean', value: true },
      no: { type: 'boolean', value: false },
      byte: { type: 'byte', value: 1 },
      short: { type: 'short', value: 2 },
      integer: { type: 'integer', value: 3 },
      bytes: { type: 'binary', value: Buffer.from('abc') },
      when: { type: 'timestamp', value: new Date(0) },
      id: { type: 'uuid', value: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' },
    }
    expect(read('events', [event('messageStop', { stopReason: 'end_turn' }, more)])).toEqual([
      ['messageStop', { stopReason: 'end_turn' }],
    ])
  })

  test("of a wrapped stream become the model's own events, without AWS's measurements", () => {
    const wrap = (value: object): Buffer =>
      event('chunk', { bytes: Buffer.from(JSON.stringify(value)).toString('base64'), p: 'abc' })
    const metrics = { inputTokenCount: 1, outputTokenCount: 2, invocationLatency: 3, firstByteLatency: 4 }
    expect(
      read('chunks', [
        wrap({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a\nb' } }),
        wrap({ type: 'message_stop', 'amazon-bedrock-invocationMetrics': metrics }),
      ]),
    ).toEqual([
      ['content_block_delta', { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'a\nb' } }],
      ['message_stop', { type: 'message_stop' }],
    ])
  })

  test.each([
    ['throttlingException', 'rate_limit_error'],
    ['serviceUnavailableException', 'overloaded_error'],
    ['modelStreamErrorException', 'api_error'],
  ])('that are exceptions become errors: %s', (type, told) => {
    const bytes = message({ ':message-type': 'exception', ':exception-type': type }, '{"message":"wait"}')
    for (const mode of ['events', 'chunks'] as const)
      expect(read(mode, [bytes])).toEqual([
        ['error', { type: 'error', error: { type: told, message: 'wait', code: type } }],
      ])
  })

  test('that are unmodelled errors become errors too', () => {
    const headers = { ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'gone' }
    expect(read('events', [message(headers, '')])).toEqual([
      ['error', { type: 'error', error: { type: 'api_error', message: 'gone', code: 'InternalFailure' } }],
    ])
  })
})

describe('damage', () => {
  const good = event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'hello' } })

  test('of any byte is noticed at once, never waited for and never read', () => {
    for (let at = 0; at < good.length; at++) {
      const bytes = Buffer.from(good)
      bytes[at]! ^= 0x55
      expect(() => read('events', [bytes])).toThrow(/event stream/)
    }
  })

  test('of a length is noticed before anything of that length is waited for', () => {
    const bytes = Buffer.from(good.subarray(0, 12))
    bytes.writeUInt32BE(0x7fffffff, 0)
    expect(() => awsEventStream('events').push(bytes)).toThrow(/damaged/)
  })

  test('a torn message at the end is dropped', () => {
    expect(read('events', [good, good.subarray(0, -1)])).toHaveLength(1)
  })

  test('hostile bytes are refused or waited for, and nothing else is ever thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('events', 'chunks'), (bytes, mode) => {
        try {
          awsEventStream(mode as 'events').push(Buffer.from(bytes))
        } catch (error) {
          expect((error as Error).message).toMatch(/event stream/)
        }
      }),
    )
  })
})
