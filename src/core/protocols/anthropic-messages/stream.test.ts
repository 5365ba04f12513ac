import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, unfold } from '../fold.ts'
import type { Block, FinishReason, JsonObject, NeutralEvent, NeutralResponse, Usage } from '../neutral/index.ts'
import { formatEvent, parseFrame, SseSplitter } from '../sse.ts'
import { anthropicMessages as protocol } from './index.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }

const decodeBytes = (chunks: readonly Buffer[]): NeutralEvent[] => {
  const splitter = new SseSplitter()
  const decoder = protocol.createDecoder()
  const events: NeutralEvent[] = []
  for (const chunk of chunks) for (const frame of splitter.push(chunk)) events.push(...decoder.push(parseFrame(frame)))
  return [...events, ...decoder.finish()]
}
const wire = (...events: JsonObject[]): string =>
  events.map((event) => formatEvent(event['type'] as string, JSON.stringify(event))).join('')
const decode = (...events: JsonObject[]): NeutralEvent[] => decodeBytes([Buffer.from(wire(...events))])
const encode = (events: readonly NeutralEvent[]): string => {
  const encoder = protocol.createEncoder(options)
  return events.map((event) => encoder.push(event)).join('')
}
const frames = (text: string) => new SseSplitter().push(Buffer.from(text)).map(parseFrame)
const blocksOf = (events: Iterable<NeutralEvent>): readonly Block[] => {
  const folded = fold(events)
  if ('class' in folded) throw new Error(folded.message)
  return folded.choices[0]!.blocks
}

const start = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'claude', usage: { input_tokens: 5, output_tokens: 1 } },
}
const begin = (index: number, content_block: JsonObject): JsonObject => ({
  type: 'content_block_start',
  index,
  content_block,
})
const delta = (index: number, fields: JsonObject): JsonObject => ({ type: 'content_block_delta', index, delta: fields })
const stop = (index: number): JsonObject => ({ type: 'content_block_stop', index })
const done = (stop_reason = 'end_turn'): JsonObject[] => [
  { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 9 } },
  { type: 'message_stop' },
]

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const count = fc.nat({ max: 1_000_000 })
const block: fc.Arbitrary<Block> = fc.oneof(
  text.map((value): Block => ({ kind: 'text', text: value })),
  fc.record({ value: text, url: text }).map(({ value, url }): Block => ({
    kind: 'text',
    text: value,
    citations: [{ type: 'web_search_result_location', url, title: null, cited_text: '', encrypted_index: 'x' }],
  })),
  fc.record({ value: text, signature: text }).map(({ value, signature }): Block => ({
    kind: 'thinking',
    text: value,
    signature,
    signedBy: 'anthropic-messages',
  })),
  text.map((redacted): Block => ({ kind: 'thinking', text: '', redacted, signedBy: 'anthropic-messages' })),
  fc
    .record({
      id: fc.stringMatching(/^toolu_[A-Za-z0-9]{1,8}$/),
      name: fc.stringMatching(/^[a-z]{1,8}$/),
      input: fc.dictionary(text, fc.jsonValue()),
    })
    .map(({ id, name, input }): Block => ({ kind: 'tool-call', id, name, arguments: JSON.stringify(input) })),
  fc.record({ query: text }).map(({ query }): Block => ({
    kind: 'opaque',
    part: {
      type: 'opaque',
      protocol: 'anthropic-messages',
      value: { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query } },
    },
  })),
)
const usage: fc.Arbitrary<Usage> = fc
  .tuple(count, count, count, count, count, count)
  .map(([uncached, cacheRead, cacheWrite5m, cacheWrite1h, visible, reasoning]) => ({
    input: { uncached, cacheRead, cacheWrite5m, cacheWrite1h },
    output: { visible, reasoning },
  }))
const reasons = {
  stop: 'end_turn',
  length: 'max_tokens',
  refusal: 'refusal',
  pause: 'pause_turn',
} as const satisfies Partial<Record<FinishReason, string>>
const response: fc.Arbitrary<NeutralResponse> = fc
  .record({
    blocks: fc.array(block, { maxLength: 6 }),
    reason: fc.constantFrom('stop', 'length', 'refusal', 'pause'),
    usage,
  })
  .map(({ blocks, reason, usage: used }) => {
    const called = blocks.some(({ kind }) => kind === 'tool-call') && reason === 'stop'
    const finish = called
      ? { reason: 'tool-calls', raw: 'tool_use' }
      : { reason, raw: reasons[reason as keyof typeof reasons] }
    return {
      id: 'msg_abc',
      model: 'shadow',
      choices: [{ blocks, finish: finish as { reason: FinishReason; raw: string } }],
      usage: used,
    }
  })

describe('the stream', () => {
  test('decoding what was encoded gives the same events back, wherever the network cuts the bytes', () => {
    fc.assert(
      fc.property(
        response,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (given, sizes) => {
          const bytes = Buffer.from(encode(unfold(given)))
          const chunks: Buffer[] = []
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length]!
            chunks.push(bytes.subarray(at, at + size))
            at += size
          }
          const events = decodeBytes(chunks)
          // Usage is told in the first event already, so it may come more often and earlier.
          const silent = (list: NeutralEvent[]) => list.filter((event) => event.type !== 'usage')
          expect(silent(events)).toEqual(silent(unfold(given)))
          expect(fold(events)).toEqual(given)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a stream may be cut after any frame and is then an error, never a finish', () => {
    const all = [
      start,
      begin(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'a' }),
      stop(0),
      ...done(),
    ]
    for (let length = 0; length < all.length; length++) {
      const events = decode(...all.slice(0, length))
      expect(events.at(-2)).toMatchObject({ type: 'error', error: { code: 'upstream_disconnected' } })
      expect(events.at(-1)).toEqual({ type: 'end' })
      expect(events.some((event) => event.type === 'finish')).toBe(false)
      expect(events.filter((event) => event.type === 'block-start')).toHaveLength(
        events.filter((event) => event.type === 'block-stop').length,
      )
    }
  })
})

describe('the decoder', () => {
  test('a tool without arguments has the arguments {}', () => {
    const tool = { type: 'tool_use', id: 'toolu_1', name: 'now', input: {} }
    const events = decode(
      start,
      begin(0, tool),
      delta(0, { type: 'input_json_delta', partial_json: '' }),
      stop(0),
      ...done('tool_use'),
    )
    expect(blocksOf(events)).toEqual([{ kind: 'tool-call', id: 'toolu_1', name: 'now', arguments: '{}' }])
  })

  test('a call that was made is a call, whatever the reason says', () => {
    const tool = { type: 'tool_use', id: 'toolu_1', name: 'now', input: { a: 1 } }
    const events = decode(start, begin(0, tool), stop(0), ...done('end_turn'))
    expect(events).toContainEqual({ type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'end_turn' } })
    expect(blocksOf(events)).toMatchObject([{ arguments: '{"a":1}' }])
  })

  test('blocks that overlap come out one after the other with nothing lost', () => {
    const tool = (id: string) => ({ type: 'tool_use', id, name: id, input: {} })
    const events = decode(
      start,
      begin(0, tool('a')),
      begin(1, tool('b')),
      delta(1, { type: 'input_json_delta', partial_json: '{"b":' }),
      delta(0, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      delta(1, { type: 'input_json_delta', partial_json: '2}' }),
      stop(1),
      stop(0),
      ...done('tool_use'),
    )
    expect(blocksOf(events)).toMatchObject([{ arguments: '{"a":1}' }, { arguments: '{"b":2}' }])
    const order = events.flatMap((event) => (event.type.startsWith('block-') && 'index' in event ? [event.index] : []))
    expect(order).toEqual(order.toSorted())
  })

  test('a repeated message_start, pings and unknown events change nothing', () => {
    const plain = decode(start, begin(0, { type: 'text', text: '' }), stop(0), ...done())
    const noisy = decode(
      start,
      start,
      { type: 'ping' },
      { type: 'from_the_future', x: 1 },
      begin(0, { type: 'text', text: '' }),
      stop(0),
      ...done(),
    )
    const silent = (list: NeutralEvent[]) => list.filter((event) => event.type !== 'usage')
    expect(silent(noisy)).toEqual(silent(plain))
    expect(noisy.filter((event) => event.type === 'start')).toHaveLength(1)
  })

  test('an error event ends the stream with its class', () => {
    const events = decode(start, begin(0, { type: 'text', text: '' }), {
      type: 'error',
      error: { type: 'overloaded_error', message: 'Overloaded' },
    })
    expect(events.slice(-3)).toEqual([
      { type: 'block-stop', choice: 0, index: 0 },
      { type: 'error', error: { class: 'overloaded', status: 529, message: 'Overloaded', code: 'overloaded_error' } },
      { type: 'end' },
    ])
  })

  test('an event that is no JSON is an error: on this road nothing may be guessed', () => {
    const events = decodeBytes([Buffer.from(`${wire(start)}event: content_block_delta\ndata: {"type":"cont\n\n`)])
    expect(events.at(-2)).toMatchObject({ type: 'error', error: { class: 'server' } })
  })

  test('usage of message_delta replaces that of message_start, and what it leaves out stays', () => {
    const first = {
      type: 'message_start',
      message: { id: 'msg_1', model: 'm', usage: { input_tokens: 50, cache_read_input_tokens: 8, output_tokens: 3 } },
    }
    const events = decode(
      first,
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 60, output_tokens: 9 } },
      { type: 'message_stop' },
    )
    expect(events.findLast((event) => event.type === 'usage')).toMatchObject({
      usage: { input: { uncached: 60, cacheRead: 8 }, output: { visible: 9, reasoning: 0 } },
    })
  })

  test('an output that was never told is counted from the text, not taken for the first moment', () => {
    const silent = [
      start,
      begin(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'x'.repeat(400) }),
      stop(0),
    ]
    const end = (usage?: JsonObject) => [
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, ...(usage && { usage }) },
      { type: 'message_stop' },
    ]
    const last = (...more: JsonObject[]) => decode(...silent, ...more).findLast((event) => event.type === 'usage')
    const counted = { usage: { input: { uncached: 5 }, output: { visible: 100, reasoning: 0 }, anomalies: 1 } }
    expect(last(...end())).toMatchObject(counted)
    expect(last(...end({ output_tokens: 0 }))).toMatchObject(counted)
    expect(last(...end({ output_tokens: 7 }))).toMatchObject({ usage: { output: { visible: 7 } } })
    const tap = protocol.raw.createTap({ model: 'm', includeUsage: true })
    tap.push(Buffer.from(wire(...silent, ...end())))
    expect(tap.observed).toMatchObject(counted)
  })

  test('deltas without a start open their block', () => {
    const events = decode(start, delta(0, { type: 'text_delta', text: 'hi' }), ...done())
    expect(blocksOf(events)).toEqual([{ kind: 'text', text: 'hi' }])
  })
})

describe('the encoder', () => {
  test('every event is named, blocks are numbered without gaps, and tools open with empty input', () => {
    const names = frames(
      encode([
        { type: 'start', id: 'x', model: 'real' },
        {
          type: 'block-start',
          choice: 0,
          index: 0,
          block: { kind: 'thinking', redacted: 'sealed elsewhere', signedBy: 'openai-chat' },
        },
        { type: 'block-stop', choice: 0, index: 0 },
        { type: 'block-start', choice: 0, index: 1, block: { kind: 'tool-call', id: 'call_1', name: 'f' } },
        { type: 'block-stop', choice: 0, index: 1 },
        { type: 'finish', choice: 0, finish: { reason: 'tool-calls', raw: 'tool_calls' } },
        { type: 'end' },
      ]),
    )
    expect(names.map((frame) => frame.event)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    const events = names.map((frame) => JSON.parse(frame.data) as JsonObject)
    expect(events[1]).toMatchObject({ index: 0, content_block: { type: 'tool_use', id: 'call_1', input: {} } })
    expect(events[2]).toMatchObject({ delta: { type: 'input_json_delta', partial_json: '' } })
    expect(events[3]).toMatchObject({ delta: { type: 'input_json_delta', partial_json: '{}' } })
    expect(JSON.stringify(events)).not.toContain('real')
  })

  test('message_start tells the input: the estimate, or the truth where the provider tells it first', () => {
    const told = (events: NeutralEvent[]) =>
      JSON.parse(frames(encode(events))[0]!.data) as { message: { usage: JsonObject } }
    const first: NeutralEvent = { type: 'start', id: 'x', model: 'm' }
    const opened: NeutralEvent = { type: 'block-start', choice: 0, index: 0, block: { kind: 'text' } }
    const used = {
      input: { uncached: 3, cacheRead: 4, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 1, reasoning: 0 },
    }
    expect(told([first, opened]).message.usage).toMatchObject({ input_tokens: 7, output_tokens: 0 })
    expect(told([first, { type: 'usage', usage: used }]).message.usage).toMatchObject({
      input_tokens: 3,
      cache_read_input_tokens: 4,
      output_tokens: 0,
    })
  })

  test('usage that comes after the finish is in message_delta, on the input side too', () => {
    const used = {
      input: { uncached: 3, cacheRead: 4, cacheWrite5m: 1, cacheWrite1h: 2 },
      output: { visible: 5, reasoning: 6 },
    }
    const out = frames(
      encode([
        { type: 'start', id: 'x', model: 'm' },
        { type: 'finish', choice: 0, finish: { reason: 'stop', raw: 'stop' } },
        { type: 'usage', usage: used },
        { type: 'end' },
      ]),
    )
    expect(JSON.parse(out[1]!.data)).toMatchObject({
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { input_tokens: 3, cache_read_input_tokens: 4, cache_creation_input_tokens: 3, output_tokens: 11 },
    })
  })

  test('a tool call that cannot be read is a failure for the caller, never a finished turn', () => {
    const encoder = protocol.createEncoder(options)
    const finish = { reason: 'malformed-tool-call', raw: 'MALFORMED_FUNCTION_CALL' } as const
    const [first, ...rest]: NeutralEvent[] = [
      { type: 'start', id: '1', model: 'm' },
      { type: 'finish', choice: 0, finish },
      { type: 'end' },
    ]
    expect(encoder.push(first!)).toBe('')
    expect(encoder.failure).toBeUndefined()
    expect(rest.map((event) => encoder.push(event))).toEqual(['', ''])
    expect(encoder.failure).toBe('The model made a tool call that cannot be read.')
  })

  test('an end without a finish, or an error, is a failure for the caller and no frame', () => {
    const error = { class: 'server', status: 500, message: 'secret' } as const
    for (const last of [{ type: 'end' } as const, { type: 'error', error } as const]) {
      const encoder = protocol.createEncoder(options)
      encoder.push({ type: 'start', id: '1', model: 'm' })
      expect(encoder.push({ type: 'block-start', choice: 0, index: 0, block: { kind: 'text' } })).not.toBe('')
      expect(encoder.push(last)).toBe('')
      expect(encoder.failure).toMatch(/^The provider (?:failed|ended)/)
      expect(encoder.push({ type: 'block-stop', choice: 0, index: 0 })).toBe('')
    }
  })

  test('refusals are text with the stop reason refusal', () => {
    const out = encode(
      unfold({
        id: 'x',
        model: 'm',
        choices: [{ blocks: [{ kind: 'refusal', text: 'No.' }], finish: { reason: 'stop', raw: 'stop' } }],
      }),
    )
    expect(out).toContain('"text":"No."')
    expect(out).toContain('"stop_reason":"refusal"')
  })
})
