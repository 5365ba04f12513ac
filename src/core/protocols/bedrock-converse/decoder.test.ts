import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold } from '../fold.ts'
import type { JsonObject, JsonValue, NeutralEvent } from '../neutral/index.ts'
import { answerOf, brokenLaws } from '../../../../test/support/recordings.ts'
import { bedrockConverse } from './index.ts'
import { decodeUsage } from './usage.ts'

type Told = readonly [event: string, data: JsonValue]

const decode = (...frames: readonly Told[]): NeutralEvent[] => {
  const decoder = bedrockConverse.createDecoder()
  const events = frames.flatMap(([event, data]) =>
    decoder.push({ event, data: typeof data === 'string' ? data : JSON.stringify(data), raw: Buffer.alloc(0) }),
  )
  const all = [...events, ...decoder.finish()]
  expect(brokenLaws(all)).toEqual([])
  return all
}
const start: Told = ['messageStart', { role: 'assistant' }]
const stop = (stopReason = 'end_turn'): Told => ['messageStop', { stopReason }]
const delta = (index: number, value: JsonObject): Told => [
  'contentBlockDelta',
  { contentBlockIndex: index, delta: value },
]
const closed = (index: number): Told => ['contentBlockStop', { contentBlockIndex: index }]
const tool = (index: number, more: JsonObject = {}): Told => [
  'contentBlockStart',
  { contentBlockIndex: index, start: { toolUse: { toolUseId: `t${index}`, name: 'f', ...more } } },
]
const usage: Told = ['metadata', { usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 }, metrics: {} }]
const blocks = (...frames: readonly Told[]) => answerOf(decode(start, ...frames, stop(), usage)).choices[0]!.blocks

describe('blocks', () => {
  test('text and reasoning begin with their first delta, tools with a start', () => {
    expect(
      blocks(
        delta(0, { reasoningContent: { text: 'h' } }),
        delta(0, { reasoningContent: { text: 'm' } }),
        delta(0, { reasoningContent: { signature: 'sig' } }),
        closed(0),
        delta(1, { text: 'a' }),
        delta(1, { text: 'b' }),
        closed(1),
        tool(2),
        delta(2, { toolUse: { input: '{"x"' } }),
        delta(2, { toolUse: { input: ':1}' } }),
        closed(2),
        tool(3),
        closed(3),
      ),
    ).toEqual([
      { kind: 'thinking', text: 'hm', signature: 'sig', signedBy: 'bedrock-converse' },
      { kind: 'text', text: 'ab' },
      { kind: 'tool-call', id: 't2', name: 'f', arguments: '{"x":1}' },
      { kind: 'tool-call', id: 't3', name: 'f', arguments: '{}' },
    ])
  })

  test('hidden reasoning is kept as it is', () => {
    expect(blocks(delta(0, { reasoningContent: { redactedContent: 'AAAA' } }), closed(0))).toEqual([
      { kind: 'thinking', text: '', redacted: 'AAAA', signedBy: 'bedrock-converse' },
    ])
  })

  test('of tools that the provider runs are told whole', () => {
    expect(
      blocks(
        tool(0, { type: 'server_tool_use' }),
        delta(0, { toolUse: { input: '{"a"' } }),
        delta(0, { toolUse: { input: ':1}' } }),
        closed(0),
        delta(1, { text: 'done' }),
      ),
    ).toMatchObject([
      { kind: 'opaque', part: { value: { toolUse: { name: 'f', input: '{"a":1}' } } } },
      { kind: 'text', text: 'done' },
    ])
  })

  test('links are citations, places in documents are not', () => {
    const link = { citation: { title: 'T', location: { web: { url: 'https://a.example/' } } } }
    const place = { citation: { title: 'D', location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } } }
    expect(blocks(delta(0, { text: 'a' }), delta(0, link), delta(0, place), closed(0))).toEqual([
      { kind: 'text', text: 'a', citations: [{ type: 'url_citation', url: 'https://a.example/', title: 'T' }] },
    ])
  })

  test('that are never stopped stop when the next begins or the message ends', () => {
    expect(blocks(delta(0, { text: 'a' }), tool(1), delta(1, { toolUse: { input: { x: 1 } } }))).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'tool-call', id: 't1', name: 'f', arguments: '{"x":1}' },
    ])
  })
})

describe('the end', () => {
  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop-sequence'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool-calls'],
    ['guardrail_intervened', 'content-filter'],
    ['content_filtered', 'content-filter'],
    ['model_context_window_exceeded', 'context-exceeded'],
    ['malformed_tool_use', 'malformed-tool-call'],
    ['malformed_model_output', 'malformed-tool-call'],
    ['something_new', 'other'],
  ])('%s is %s', (raw, reason) => {
    expect(answerOf(decode(start, stop(raw), usage)).choices[0]!.finish).toEqual({ reason, raw })
  })

  test('is the message stop: usage may follow, or not', () => {
    expect(answerOf(decode(start, delta(0, { text: 'a' }), stop(), usage)).usage?.output.visible).toBe(4)
    expect(answerOf(decode(start, delta(0, { text: 'a' }), stop())).usage).toBeUndefined()
  })

  test('without a message stop is a failure', () => {
    expect(fold(decode(start, delta(0, { text: 'a' })))).toMatchObject({ class: 'server', status: 502 })
    expect(fold(decode())).toMatchObject({ class: 'server' })
    expect(fold(decode(start, delta(0, { text: 'a' }), usage))).toMatchObject({ class: 'server' })
  })

  test.each([
    ['throttlingException', 'rate-limited', 429],
    ['serviceUnavailableException', 'overloaded', 503],
    ['modelTimeoutException', 'timeout', 408],
    ['modelStreamErrorException', 'server', 424],
    ['internalServerException', 'server', 500],
    ['validationException', 'client', 400],
    ['somethingNewException', 'server', 500],
  ])('%s is a failure of class %s', (code, expected, status) => {
    const error: Told = ['error', { type: 'error', error: { type: 'api_error', message: 'no', code } }]
    for (const before of [[], [start, delta(0, { text: 'a' })]] as const)
      expect(fold(decode(...before, error))).toMatchObject({ class: expected, status, message: 'no' })
  })

  test('what cannot be read is a failure', () => {
    expect(fold(decode(start, ['contentBlockDelta', 'not json']))).toMatchObject({ class: 'server' })
    expect(fold(decode(start, delta(5, { toolUse: { input: '{}' } })))).toMatchObject({ class: 'server' })
  })

  test('hostile events keep the laws', () => {
    const names = [
      'messageStart',
      'contentBlockStart',
      'contentBlockDelta',
      'contentBlockStop',
      'messageStop',
      'metadata',
      'error',
      'x',
    ]
    const value = fc.oneof(
      fc.json(),
      fc.constantFrom(
        ...[
          start,
          stop(),
          delta(0, { text: 'a' }),
          delta(1, { toolUse: { input: 'x' } }),
          tool(0),
          closed(0),
          usage,
        ].map(([, data]) => JSON.stringify(data)),
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 12 }), (frames) => {
        decode(...frames)
      }),
      { numRuns: 500 },
    )
  })
})

describe('usage', () => {
  test('cached tokens are beside the input, those written for an hour are told apart', () => {
    expect(
      decodeUsage({
        inputTokens: 10,
        outputTokens: 5,
        totalTokens: 135,
        cacheReadInputTokens: 70,
        cacheWriteInputTokens: 50,
        cacheDetails: [
          { ttl: '1h', inputTokens: 30 },
          { ttl: '5m', inputTokens: 20 },
        ],
      }),
    ).toEqual({
      input: { uncached: 10, cacheRead: 70, cacheWrite5m: 20, cacheWrite1h: 30 },
      output: { visible: 5, reasoning: 0 },
    })
  })

  test('what cannot be true is clamped and noted', () => {
    expect(decodeUsage({ inputTokens: -1, outputTokens: 5, cacheDetails: [{ ttl: '1h', inputTokens: 3 }] })).toEqual({
      input: { uncached: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
      output: { visible: 5, reasoning: 0 },
      anomalies: 2,
    })
    expect(decodeUsage({})).toBeUndefined()
    expect(decodeUsage(null)).toBeUndefined()
  })
})

describe('whole answers', () => {
  test('that are none are refused, and hostile ones are read or refused, nothing else', () => {
    expect(() => bedrockConverse.decodeResponse({})).toThrow(/holds no message/)
    const block = fc.oneof(
      fc.json().map((text) => JSON.parse(text) as JsonValue),
      fc.record({ text: fc.string() }),
      fc.record({ toolUse: fc.record({ toolUseId: fc.string(), name: fc.string(), input: fc.constant({}) }) }),
      fc.record({ reasoningContent: fc.record({ reasoningText: fc.record({ text: fc.string() }) }) }),
      fc.record({ citationsContent: fc.record({ content: fc.array(fc.record({ text: fc.string() })) }) }),
    )
    fc.assert(
      fc.property(fc.array(block), fc.json(), (content, stopReason) => {
        const body = { output: { message: { content } }, stopReason, usage: { inputTokens: 1, outputTokens: 2 } }
        expect(bedrockConverse.decodeResponse(body as JsonObject).choices).toHaveLength(1)
      }),
    )
  })

  test('count calls as calls, and name neither themselves nor their model', () => {
    const content = [{ toolUse: { toolUseId: 't', name: 'f', input: { a: 1 } } }]
    const read = () => bedrockConverse.decodeResponse({ output: { message: { content } }, stopReason: 'end_turn' })
    expect(read()).toMatchObject({
      model: '',
      choices: [{ blocks: [{ kind: 'tool-call', arguments: '{"a":1}' }], finish: { reason: 'tool-calls' } }],
    })
    expect(read().id).not.toBe(read().id)
  })
})

describe('errors of whole answers', () => {
  const errorOf = (status: number, body: string, type?: string) =>
    bedrockConverse.decodeError(status, (name) => (name === 'x-amzn-errortype' ? type : undefined), Buffer.from(body))

  test.each([
    [
      403,
      '{"message":"The security token included in the request is invalid."}',
      'UnrecognizedClientException',
      'auth',
    ],
    [403, '{"Message":"User is not authorized"}', 'AccessDeniedException', 'auth'],
    [404, '{"message":"no"}', 'ResourceNotFoundException', 'model-not-found'],
    [429, '{"message":"Too many tokens per day"}', 'ThrottlingException', 'rate-limited'],
    [429, '{"message":"loading"}', 'ModelNotReadyException', 'overloaded'],
    [503, '<html>', undefined, 'overloaded'],
    [400, '{"message":"Input is too long for requested model."}', 'ValidationException', 'context-length'],
  ])('%s %s', (status, body, type, expected) => {
    const failure = errorOf(status, body, type && `${type}:http://internal.amazon.com/`)
    expect(failure).toMatchObject({ class: expected, status, ...(type && { code: type }) })
    expect(failure.message).not.toBe('')
  })
})
