import { describe, expect, test } from 'vitest'
import { answerOf, brokenLaws, decodeStream } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { fold } from '../fold.ts'
import type { Block, JsonObject, NeutralEvent } from '../neutral/index.ts'
import { formatEvent } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'

const protocol = { createDecoder: () => new Decoder() }

const typeOf = ({ type }: JsonObject): string => (typeof type === 'string' ? type : '')

/** Events by type and fields, without names when `bare`. */
const stream = (events: readonly JsonObject[], bare = false): Buffer =>
  Buffer.from(events.map((event) => formatEvent(bare ? '' : typeOf(event), JSON.stringify(event))).join(''))
const decode = (events: readonly JsonObject[], bare = false): NeutralEvent[] => {
  const told = decodeStream(protocol, [stream(events, bare)])
  expect(brokenLaws(told)).toEqual([])
  return told
}
const blocks = (events: readonly JsonObject[]): readonly Block[] => answerOf(decode(events)).choices[0]!.blocks

const created = { type: 'response.created', response: { id: 'resp_1', model: 'real', created_at: 5.25 } }
const completed = (output: JsonObject[] = [], fields: JsonObject = {}): JsonObject => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', output, ...fields },
})
const added = (output_index: number, item: JsonObject): JsonObject => ({
  type: 'response.output_item.added',
  output_index,
  item,
})
const done = (output_index: number, item: JsonObject): JsonObject => ({
  type: 'response.output_item.done',
  output_index,
  item,
})
const delta = (output_index: number, text: string, content_index = 0): JsonObject => ({
  type: 'response.output_text.delta',
  output_index,
  content_index,
  delta: text,
})
const message = (...texts: string[]): JsonObject => ({
  type: 'message',
  id: 'msg_1',
  content: texts.map((text) => ({ type: 'output_text', text, annotations: [] })),
})
const call = (name: string, written = ''): JsonObject => ({
  type: 'function_call',
  id: `fc_${name}`,
  call_id: `call_${name}`,
  name,
  arguments: written,
})

describe('text', () => {
  const text = [{ kind: 'text', text: 'Hello' }]

  test.each<[string, JsonObject[]]>([
    ['deltas alone', [created, added(0, message()), delta(0, 'Hel'), delta(0, 'lo'), completed()]],
    ['deltas of an item that was never added', [delta(0, 'Hel'), delta(0, 'lo'), completed()]],
    [
      'the text of the done event',
      [created, { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hello' }, completed()],
    ],
    ['the done item', [created, added(0, message()), done(0, message('Hello')), completed()]],
    ['the item that only the last event has', [created, completed([message('Hello')])]],
    ['the half that came and the rest in the done item', [delta(0, 'Hel'), done(0, message('Hello')), completed()]],
    [
      'everything, each repeated',
      [
        created,
        created,
        added(0, message()),
        added(0, message()),
        delta(0, 'Hello'),
        { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hello' },
        done(0, message('Hello')),
        done(0, message('Hello')),
        completed([message('Hello')]),
      ],
    ],
  ])('is read once from %s', (_, events) => {
    expect(blocks(events)).toEqual(text)
  })

  test('is one answer although every event has another id', () => {
    const rotating = [
      created,
      { ...added(0, { ...message(), id: 'a' }) },
      { ...delta(0, 'Hel'), item_id: 'b' },
      { ...delta(0, 'lo'), item_id: 'c' },
      done(0, { ...message('Hello'), id: 'd' }),
      { type: 'response.completed', response: { id: 'other', output: [{ ...message('Hello'), id: 'e' }] } },
    ]
    const answer = answerOf(decode(rotating))
    expect(answer).toMatchObject({ id: 'resp_1', model: 'real', created: 5, choices: [{ blocks: text }] })
  })

  test('needs no names of events, and events nobody knows change nothing', () => {
    const events = [
      created,
      { type: 'response.reasoning_part.added', output_index: 0, item_id: 'x' },
      delta(0, 'Hello'),
      { type: 'response.apply_patch_call_operation_diff.delta', output_index: 1, delta: 'x' },
      completed(),
    ]
    expect(answerOf(decode(events, true)).choices[0]!.blocks).toEqual(text)
  })

  test('of several parts and messages is several blocks', () => {
    expect(blocks([delta(0, 'a', 0), delta(0, 'b', 1), delta(1, 'c'), completed()])).toEqual(
      ['a', 'b', 'c'].map((piece) => ({ kind: 'text', text: piece })),
    )
  })

  test('has its sources once, from their events or from the whole part', () => {
    const source = { type: 'url_citation', url: 'https://example.com/', title: 'x', start_index: 0, end_index: 1 }
    const told = {
      type: 'response.output_text.annotation.added',
      output_index: 0,
      content_index: 0,
      annotation: source,
    }
    const whole = { ...message(), content: [{ type: 'output_text', text: 'Hello', annotations: [source] }] }
    const expected = [{ kind: 'text', text: 'Hello', citations: [source] }]
    expect(blocks([delta(0, 'Hello'), told, done(0, whole), completed([whole])])).toEqual(expected)
    expect(blocks([delta(0, 'Hello'), done(0, whole), completed()])).toEqual(expected)
  })

  test('that refuses is a refusal', () => {
    const refused = [{ type: 'response.refusal.delta', output_index: 0, content_index: 0, delta: 'No.' }, completed()]
    expect(blocks(refused)).toEqual([{ kind: 'refusal', text: 'No.' }])
  })
})

describe('calls and reasoning', () => {
  const piece = (output_index: number, text: string): JsonObject => ({
    type: 'response.function_call_arguments.delta',
    output_index,
    delta: text,
  })

  test('calls whose pieces arrive mixed come out one by one', () => {
    const events = [
      created,
      added(0, call('a')),
      added(1, call('b')),
      piece(1, '{"b"'),
      piece(0, '{"a"'),
      piece(0, ':1}'),
      piece(1, ':2}'),
      done(0, call('a', '{"a":1}')),
      done(1, call('b', '{"b":2}')),
      completed(),
    ]
    const { blocks: told, finish } = answerOf(decode(events)).choices[0]!
    expect(told).toEqual([
      { kind: 'tool-call', id: 'call_a', name: 'a', arguments: '{"a":1}' },
      { kind: 'tool-call', id: 'call_b', name: 'b', arguments: '{"b":2}' },
    ])
    expect(finish).toEqual({ reason: 'tool-calls', raw: 'completed' })
  })

  test('a call is told as soon as it is known, and the one behind it when it is whole', () => {
    const decoder = new Decoder()
    const push = (event: JsonObject) =>
      decoder.push({ event: '', data: JSON.stringify(event), raw: Buffer.alloc(0) }).map(({ type }) => type)
    expect(push(added(0, call('a')))).toEqual(['start', 'block-start'])
    expect(push(piece(0, '{}'))).toEqual(['block-delta'])
    expect(push(added(1, call('b')))).toEqual([])
    expect(push(done(0, call('a', '{}')))).toEqual(['block-stop', 'block-start'])
  })

  test('a free-text call is custom, a namespace is part of the name', () => {
    const custom = { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c', name: 'patch', input: '' }
    const events = [
      added(0, custom),
      { type: 'response.custom_tool_call_input.delta', output_index: 0, delta: '*** Begin' },
      done(0, { ...custom, input: '*** Begin' }),
      done(1, { ...call('send', '{}'), namespace: 'mail' }),
      completed(),
    ]
    expect(blocks(events)).toEqual([
      { kind: 'tool-call', id: 'c', name: 'patch', custom: true, arguments: '*** Begin' },
      { kind: 'tool-call', id: 'call_send', name: 'mail__send', arguments: '{}' },
    ])
  })

  test('a summary is the text of the reasoning, with its state and the id it belongs to', () => {
    const part = (summary_index: number, text: string): JsonObject => ({
      type: 'response.reasoning_summary_text.delta',
      output_index: 0,
      summary_index,
      delta: text,
    })
    const whole = {
      type: 'reasoning',
      id: 'rs_1',
      encrypted_content: 'state',
      summary: ['one', 'two'].map((text) => ({ type: 'summary_text', text })),
    }
    const expected = [
      { kind: 'thinking', text: 'one\n\ntwo', signature: 'state', signedBy: 'openai-responses', id: 'rs_1' },
    ]
    const start = added(0, { type: 'reasoning', id: 'rs_1', summary: [] })
    expect(blocks([start, part(0, 'on'), part(0, 'e'), part(1, 'two'), done(0, whole), completed([whole])])).toEqual(
      expected,
    )
    expect(blocks([completed([whole])])).toEqual(expected)
  })

  test('open reasoning is text too, and reasoning that shows and carries nothing is no block', () => {
    const open = { type: 'response.reasoning_text.delta', output_index: 0, content_index: 0, delta: 'hm' }
    expect(blocks([open, completed()])).toEqual([{ kind: 'thinking', text: 'hm', signedBy: 'openai-responses' }])
    expect(blocks([added(0, { type: 'reasoning', id: 'rs_1', summary: [] }), delta(1, 'x'), completed()])).toEqual([
      { kind: 'text', text: 'x' },
    ])
  })

  test('what the provider ran is kept whole, in its place', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } }
    const told = blocks([
      added(0, { type: 'web_search_call', id: 'ws_1' }),
      delta(1, 'x'),
      done(0, search),
      completed(),
    ])
    expect(told).toEqual([
      { kind: 'opaque', part: { type: 'opaque', protocol: 'openai-responses', value: search } },
      { kind: 'text', text: 'x' },
    ])
  })
})

describe('the end', () => {
  test.each([
    [{ incomplete_details: { reason: 'max_output_tokens' } }, 'length', 'max_output_tokens'],
    [{ incomplete_details: { reason: 'content_filter' } }, 'content-filter', 'content_filter'],
    [{ incomplete_details: null }, 'length', 'incomplete'],
  ])('an incomplete answer is an end, not a failure: %j', (fields, reason, raw) => {
    const events = [delta(0, 'x'), { type: 'response.incomplete', response: { status: 'incomplete', ...fields } }]
    expect(answerOf(decode(events)).choices[0]!.finish).toEqual({ reason, raw })
    expect(decodeResponse({ output: [], status: 'incomplete', ...fields }).choices[0]!.finish).toEqual({ reason, raw })
  })

  const failed = (error: JsonObject): JsonObject => ({ type: 'response.failed', response: { status: 'failed', error } })
  test.each<[string, JsonObject, JsonObject]>([
    [
      'a failed response',
      failed({ code: 'rate_limit_exceeded', message: 'slow' }),
      { class: 'rate-limited', status: 429 },
    ],
    ['one that is the server’s', failed({ code: 'server_error', message: 'x' }), { class: 'server', status: 500 }],
    ['one that is the prompt’s', failed({ code: 'invalid_prompt', message: 'x' }), { class: 'client', status: 400 }],
    [
      'a nested error',
      { type: 'error', error: { type: 'insufficient_quota', code: 'insufficient_quota', message: 'x' } },
      { class: 'rate-limited', code: 'insufficient_quota' },
    ],
    [
      'a flat error',
      { type: 'error', code: 'rate_limit_exceeded', message: 'x' },
      { class: 'rate-limited', status: 429 },
    ],
    [
      'a prompt that is too long',
      { type: 'error', code: 'context_length_exceeded', message: 'x' },
      { class: 'context-length', status: 400 },
    ],
    ['nothing but an error', { error: { message: 'x', type: 'server_error' } }, { class: 'server' }],
    ['a completed event that says failed', completed([], { status: 'failed' }), { class: 'server' }],
  ])('%s is a failure with its class', (_, event, expected) => {
    expect(fold(decode([created, delta(0, 'x'), event]))).toMatchObject(expected)
  })

  test('a stream that just ends, also behind [DONE], is a failure', () => {
    const cut = { class: 'server', code: 'upstream_disconnected' }
    expect(fold(decode([created, delta(0, 'x')]))).toMatchObject(cut)
    const bytes = Buffer.concat([stream([created, delta(0, 'x')]), Buffer.from('data: [DONE]\n\n')])
    expect(fold(decodeStream(protocol, [bytes]))).toMatchObject(cut)
  })

  test.each<[string, JsonObject]>([
    ['no output', { id: 'resp_1' }],
    ['one that failed and does not say why', { output: [], status: 'failed' }],
    ['one still being made', { output: [], status: 'queued' }],
  ])('a whole answer that is none is refused: %s', (_, body) => {
    expect(() => decodeResponse(body)).toThrow(GatewayError)
  })

  test('a whole answer that tells an error is that error', () => {
    const failed = { output: [], status: 'failed', error: { code: 'rate_limit_exceeded', message: 'x' } }
    expect(() => decodeResponse(failed)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ class: 'rate-limited', message: 'x' }) as object }),
    )
  })
})

test('items whose events are mixed come in the order of the output, whichever was whole first', () => {
  const told = blocks([
    created,
    added(0, { type: 'message', id: 'msg_1' }),
    added(1, call('f')),
    added(2, call('g')),
    delta(0, 'Hel'),
    done(2, call('g', '{"b":2}')),
    done(1, call('f', '{"a":1}')),
    delta(0, 'lo'),
    done(0, message('Hello', 'more')),
    completed(),
  ])
  expect(told).toMatchObject([
    { kind: 'text', text: 'Hello' },
    { kind: 'text', text: 'more' },
    { kind: 'tool-call', name: 'f', arguments: '{"a":1}' },
    { kind: 'tool-call', name: 'g', arguments: '{"b":2}' },
  ])
})
