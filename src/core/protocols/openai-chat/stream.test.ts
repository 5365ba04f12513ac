import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerOf, brokenLaws } from '../../../../test/support/recordings.ts'
import { unfold } from '../fold.ts'
import type { Block, FinishReason, JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import { formatEvent, parseFrame, SseSplitter } from '../sse.ts'
import { openaiChat as protocol } from './index.ts'

const options = { model: 'shadow', includeUsage: true, created: 7, estimatedInputTokens: 1 }

/** The events of chunks given as objects, or as whole frames; EOF behind them. */
const decode = (...chunks: readonly (JsonObject | string)[]): NeutralEvent[] => {
  const decoder = protocol.createDecoder()
  const events = chunks.flatMap((chunk) => {
    const text = typeof chunk === 'string' ? chunk : formatEvent('', JSON.stringify(chunk))
    return decoder.push(parseFrame(Buffer.from(text)))
  })
  const all = [...events, ...decoder.finish()]
  expect(brokenLaws(all)).toEqual([])
  return all
}
const says = (delta: JsonObject, finish: string | null = null, index = 0): JsonObject => ({
  id: 'c-1',
  model: 'real',
  created: 5,
  choices: [{ index, delta, finish_reason: finish }],
})
const calls = (...tool_calls: JsonObject[]): JsonObject => says({ tool_calls })
const piece = (index: number, text: string): JsonObject => ({ index, function: { arguments: text } })
const call = (index: number, id: string, name: string, text = ''): JsonObject => ({
  index,
  id,
  type: 'function',
  function: { name, arguments: text },
})
const done = 'data: [DONE]\n\n'
const blocksOf = (...chunks: readonly (JsonObject | string)[]): readonly Block[] =>
  answerOf(decode(...chunks)).choices[0]!.blocks
const tool = (id: string, name: string, text: string): Block => ({ kind: 'tool-call', id, name, arguments: text })

describe('what servers send is understood', () => {
  test('a citation in front of its text belongs to it', () => {
    const cited = { type: 'url_citation', url_citation: { url: 'https://example.com', title: 'x' } }
    const [block] = blocksOf(
      says({ role: 'assistant', annotations: [cited] }),
      says({ content: 'a' }),
      says({}, 'stop'),
    )
    expect(block).toEqual({ kind: 'text', text: 'a', citations: [cited] })
  })

  test('text, reasoning in every place, refusals, and nothing for what is empty', () => {
    expect(
      blocksOf(
        says({ role: 'assistant', content: '', refusal: '', tool_calls: null, reasoning_content: null }),
        says({ reasoning_content: 'a' }),
        says({ reasoning: 'b', reasoning_details: [{ type: 'reasoning.text', text: 'b' }] }),
        says({ reasoning_details: [{ type: 'reasoning.text', text: 'c' }] }),
        says({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'd' }] }] }),
        says({ content: [{ type: 'text', text: 'e' }], tool_calls: [] }),
        says({ content: 'f' }),
        says({ refusal: 'g' }),
        says({}, 'stop'),
      ),
    ).toEqual([
      { kind: 'thinking', text: 'abcd' },
      { kind: 'text', text: 'ef' },
      { kind: 'refusal', text: 'g' },
    ])
  })

  test('chunks without choices, role, ids or index', () => {
    const events = decode(
      { id: '', model: '', choices: [], prompt_filter_results: [] },
      { id: 'c-1', model: 'real', choices: [{ delta: { content: 'a' } }] },
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
    )
    expect(events[0]).toEqual({ type: 'start', id: 'c-1', model: 'real' })
  })

  test('usage wherever it stands; the latest wins', () => {
    const usage = (count: number): JsonObject => ({
      prompt_tokens: 1,
      completion_tokens: count,
      total_tokens: 1 + count,
    })
    for (const chunks of [
      [says({ content: 'a' }, 'stop'), { choices: [], usage: usage(9) }, done],
      [
        { ...says({ content: 'a' }), usage: usage(1) },
        { ...says({}, 'stop'), usage: usage(9) },
      ],
      [{ ...says({ content: 'a' }, 'stop'), x_groq: { usage: usage(9) } }, done],
    ]) {
      expect(answerOf(decode(...chunks)).usage?.output.visible).toBe(9)
    }
  })

  test('every answer of several', () => {
    const answer = answerOf(
      decode(
        says({ content: 'a' }),
        says({ content: 'b' }, null, 1),
        says({}, 'stop', 1),
        says({ content: 'c' }, 'length'),
      ),
    )
    expect(answer.choices.map(({ blocks, finish }) => [blocks, finish.reason])).toEqual([
      [[{ kind: 'text', text: 'ac' }], 'length'],
      [[{ kind: 'text', text: 'b' }], 'stop'],
    ])
  })
})

describe('calls of tools come out one by one', () => {
  const both = [tool('a', 'x', '{"n":1}'), tool('b', 'y', '{"m":2}')]

  test.each<[string, JsonObject[]]>([
    [
      'in order',
      [calls(call(0, 'a', 'x')), calls(piece(0, '{"n":1}')), calls(call(1, 'b', 'y', '{"m":')), calls(piece(1, '2}'))],
    ],
    [
      'with their pieces mixed',
      [
        calls(call(0, 'a', 'x'), call(1, 'b', 'y')),
        calls(piece(1, '{"m":')),
        calls(piece(0, '{"n":')),
        calls(piece(1, '2}')),
        calls(piece(0, '1}')),
      ],
    ],
    [
      'whole and without index',
      [
        calls(
          { id: 'a', function: { name: 'x', arguments: '{"n":1}' } },
          { id: 'b', function: { name: 'y', arguments: '{"m":2}' } },
        ),
      ],
    ],
    ['all at index 0', [calls(call(0, 'a', 'x', '{"n":1}')), calls(call(0, 'b', 'y', '{"m":2}'))]],
    [
      'in pieces without index and id',
      [
        calls({ id: 'a', function: { name: 'x', arguments: '{"n"' } }),
        calls({ function: { arguments: ':1}' } }),
        calls({ id: 'b', function: { name: 'y', arguments: '{"m":2}' } }),
      ],
    ],
    [
      'with name and id repeated',
      [
        calls(call(0, 'a', 'x', '{"n"')),
        calls(call(0, 'a', 'x', ':1}')),
        calls({ ...piece(1, ''), id: 'b' }),
        calls(call(1, '', 'y', '{"m":2}')),
      ],
    ],
  ])('%s', (_, chunks) => {
    expect(blocksOf(...chunks, says({}, 'tool_calls'))).toEqual(both)
  })

  test('text between and behind them waits for its turn', () => {
    const mixed = [
      calls(call(0, 'a', 'x', '{"n"')),
      says({ content: 'wait' }),
      calls(piece(0, ':1}')),
      says({ content: ' now' }),
      says({}, 'tool_calls'),
    ]
    expect(blocksOf(...mixed)).toEqual([both[0], { kind: 'text', text: 'wait now' }])
  })

  test('arguments as an object, as null and not at all', () => {
    const odd = calls(
      { index: 0, id: 'a', function: { name: 'x', arguments: { n: 1 } } },
      { index: 1, id: 'b', function: { name: 'y', arguments: null } },
      { index: 2, id: 'c', function: { name: 'z' } },
    )
    expect(blocksOf(odd, says({}, 'tool_calls'))).toEqual([
      tool('a', 'x', '{"n":1}'),
      tool('b', 'y', ''),
      tool('c', 'z', ''),
    ])
  })

  test('a call without an id gets one', () => {
    const [block] = blocksOf(calls({ index: 0, id: '', function: { name: 'x', arguments: '{}' } }), says({}, 'stop'))
    expect(block).toMatchObject({ id: expect.stringMatching(/^call_[a-z0-9]{24}$/) as string })
  })

  test('a first piece is told at once, not at the end', () => {
    const decoder = protocol.createDecoder()
    const events = decoder.push(
      parseFrame(Buffer.from(formatEvent('', JSON.stringify(calls(call(0, 'a', 'x', '{"n"')))))),
    )
    expect(events.map(({ type }) => type)).toEqual(['start', 'block-start', 'block-delta'])
  })
})

describe('how it ended', () => {
  const reasonOf = (...chunks: readonly (JsonObject | string)[]): FinishReason =>
    answerOf(decode(...chunks)).choices[0]!.finish.reason

  test('without a reason where the server is known for it, or a call is whole', () => {
    const endOf = (unnamed: boolean, ...chunks: (JsonObject | string)[]) => {
      const decoder = protocol.createDecoder({ chat: { endsUnnamed: unnamed } })
      const text = chunks.map((chunk) => (typeof chunk === 'string' ? chunk : formatEvent('', JSON.stringify(chunk))))
      const frames = new SseSplitter().push(Buffer.from(text.join('')))
      const events = [...frames.flatMap((frame) => decoder.push(parseFrame(frame))), ...decoder.finish()]
      const end = events.find((event) => event.type === 'finish' || event.type === 'error')
      return end?.type === 'finish' ? end.finish : end?.type
    }
    const said = says({ content: 'a' })
    expect(endOf(true, said, done)).toEqual({ reason: 'stop', raw: null })
    expect(endOf(true, said, says({}, 'weird'))).toEqual({ reason: 'stop', raw: 'weird' })
    expect(endOf(true, said)).toBe('error')
    expect(endOf(false, said, done)).toBe('error')
    expect(endOf(false, calls(call(0, 'a', 'x', '{}')), done)).toEqual({ reason: 'tool-calls', raw: null })
    expect(endOf(false, calls(call(0, 'a', 'x', '{"a":')), done)).toBe('error')
  })

  test.each([undefined, null, ''])(
    'a whole answer whose reason is %s has no end, unless its server names none',
    (reason) => {
      const answer = (message: JsonObject): JsonObject => ({
        choices: [{ index: 0, message, ...(reason !== undefined && { finish_reason: reason }) }],
      })
      const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
      expect(() => protocol.decodeResponse(answer({ content: 'a' }))).toThrow('before it was complete')
      const unnamed = protocol.decodeResponse(answer({ content: 'a' }), { chat: { endsUnnamed: true } })
      expect(unnamed.choices[0]!.finish).toEqual({ reason: 'stop', raw: null })
      expect(protocol.decodeResponse(answer({ tool_calls: [call] })).choices[0]!.finish.reason).toBe('tool-calls')
    },
  )

  test('a call that was made is a call', () => {
    const made = calls(call(0, 'a', 'x', '{}'))
    expect(reasonOf(made, says({}, 'stop'))).toBe('tool-calls')
    expect(reasonOf(made, says({}, ''), done)).toBe('tool-calls')
    expect(reasonOf(made, done)).toBe('tool-calls')
    expect(reasonOf(made, says({}, 'length'))).toBe('length')
  })

  test('with a reason, or cut: [DONE] alone is none', () => {
    expect(reasonOf(says({ content: 'a' }, 'stop'))).toBe('stop')
    for (const cut of [
      [],
      [says({ content: 'a' })],
      [done],
      [says({ content: 'a' }), done],
      [says({ content: 'a' }, ''), ': ping\n\n'],
    ])
      expect(decodeCut(cut)).toMatchObject({ class: 'server', status: 502 })
  })

  test.each([
    'event: error\ndata: {"error":{"message":"no","status_code":400}}\n\n',
    'data: {"error":{"message":"no","code":400}}\n\n',
    'data: {"id":"c","choices":[{"index":0,"delta":{"content":""}}],"error":{"message":"no","code":400}}\n\n',
    'event: error\ndata: {"message":"no","code":400}\n\n',
  ])('an error: %s', (frame) => {
    expect(decodeCut([says({ content: 'a' }), frame, says({ content: 'b' }, 'stop')])).toMatchObject({
      status: 400,
      message: 'no',
    })
  })

  const decodeCut = (chunks: readonly (JsonObject | string)[]) => {
    const decoder = protocol.createDecoder()
    const text = chunks
      .map((chunk) => (typeof chunk === 'string' ? chunk : formatEvent('', JSON.stringify(chunk))))
      .join('')
    const events = new SseSplitter().push(Buffer.from(text)).flatMap((frame) => decoder.push(parseFrame(frame)))
    const failed = [...events, ...decoder.finish()].find((event) => event.type === 'error')
    return failed?.error
  }
})

const encode = (events: readonly NeutralEvent[], includeUsage = true): string => {
  const encoder = protocol.createEncoder({ ...options, includeUsage })
  return events.map((event) => encoder.push(event)).join('')
}
const chunksOf = (stream: string): JsonObject[] =>
  stream
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as JsonObject)

const answer: NeutralResponse = {
  id: 'msg_1',
  model: 'claude',
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'hm', signature: 'sealed' },
        { kind: 'text', text: 'a' },
        tool('t1', 'x', '{"n":1}'),
        tool('t2', 'y', ''),
      ],
      finish: { reason: 'tool-calls', raw: 'tool_use' },
    },
  ],
  usage: {
    input: { uncached: 1, cacheRead: 2, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 3, reasoning: 4 },
  },
}

describe('what clients get', () => {
  test('the grammar of a stream', () => {
    const stream = encode(unfold(answer))
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true)
    const chunks = chunksOf(stream)
    const shared = {
      id: chunks[0]!['id'],
      object: 'chat.completion.chunk',
      created: 7,
      model: 'shadow',
      system_fingerprint: null,
    }
    expect(shared.id).toMatch(/^chatcmpl-[a-z0-9]{24}$/)
    const delta = (given: JsonObject, finish: string | null = null) => ({
      ...shared,
      choices: [{ index: 0, delta: given, logprobs: null, finish_reason: finish }],
      usage: null,
    })
    expect(chunks).toEqual([
      delta({ role: 'assistant', content: null, refusal: null }),
      delta({ reasoning_content: 'hm' }),
      delta({ content: 'a' }),
      delta({ tool_calls: [call(0, 't1', 'x')] }),
      delta({ tool_calls: [piece(0, '{"n":1}')] }),
      delta({ tool_calls: [call(1, 't2', 'y')] }),
      delta({ tool_calls: [piece(1, '{}')] }),
      delta({}, 'tool_calls'),
      {
        ...shared,
        choices: [],
        usage: expect.objectContaining({ prompt_tokens: 3, completion_tokens: 7 }) as JsonObject,
      },
    ])
  })

  test('no usage unless asked for', () => {
    expect(encode(unfold(answer), false)).not.toContain('usage')
  })

  test('a refusal in words where there was only a reason', () => {
    const finish = { reason: 'refusal', raw: 'refusal', explanation: 'unsafe' } as const
    const refused = { ...answer, choices: [{ blocks: [], finish }] }
    const deltas = chunksOf(encode(unfold(refused), false)).map(({ choices }) => (choices as JsonObject[])[0])
    expect(deltas).toMatchObject([
      { delta: { role: 'assistant' } },
      { delta: { refusal: 'unsafe' } },
      { finish_reason: 'content_filter' },
    ])
    expect(protocol.encodeResponse(refused, options)).toMatchObject({
      choices: [{ message: { content: null, refusal: 'unsafe' }, finish_reason: 'content_filter' }],
    })
  })

  test.each(['malformed-tool-call', 'pause', 'other'] as const)('%s never looks like an end', (reason) => {
    const broken = { ...answer, choices: [{ blocks: [], finish: { reason, raw: 'odd' } }] }
    const encoder = protocol.createEncoder(options)
    const stream = unfold(broken).map((event) => encoder.push(event))
    expect(stream.join('')).toBe('')
    expect(encoder.failure).toMatch(/^The model /)
    expect(() => protocol.encodeResponse(broken, options)).toThrow(expect.objectContaining({ code: 'upstream_error' }))
  })

  test('a failure is told to the caller, and nothing more to the client', () => {
    const [start, ...rest] = unfold(answer)
    const error = { class: 'server', status: 500, message: 'secret' } as const
    const begun = [start!, rest[0]!]
    const encoder = protocol.createEncoder(options)
    const stream = [...begun, { type: 'error', error } as const, { type: 'end' } as const].map((one) =>
      encoder.push(one),
    )
    expect(stream.join('')).toBe(encode(begun))
    expect(encoder.failure).not.toMatch(/secret/)
    expect(encoder.failure).toMatch(/^The provider failed/)
  })

  test('an end without a finish is a failure, and nothing behind it is told', () => {
    const events = unfold(answer).filter((event) => event.type !== 'finish')
    const encoder = protocol.createEncoder(options)
    const stream = events.map((event) => encoder.push(event)).join('')
    expect(stream).not.toMatch(/DONE|"error"|"finish_reason":"/)
    expect(encoder.failure).toMatch(/before it was complete/)
    expect(unfold(answer).map((event) => encoder.push(event))).toEqual(unfold(answer).map(() => ''))
  })
})

test('a neutral stream that is encoded and decoded again is the same', () => {
  const words = fc.string({ minLength: 1, unit: 'grapheme' })
  const callBlock = fc
    .tuple(
      fc.stringMatching(/^[a-z0-9]{1,12}$/),
      fc.stringMatching(/^[a-z_]{1,8}$/),
      fc.dictionary(words, fc.jsonValue()),
    )
    .map(([id, name, value]) => ({ id, name, value: JSON.stringify(value) }))
  const turn = fc.record({
    thinking: fc.option(words),
    text: fc.option(words),
    refusal: fc.option(words),
    calls: fc.uniqueArray(callBlock, { maxLength: 3, selector: ({ id }) => id }),
    length: fc.boolean(),
  })
  const responses = fc.array(turn, { minLength: 1, maxLength: 3 }).map((turns): NeutralResponse => ({
    ...answer,
    choices: turns.map(({ thinking, text, refusal, calls: made, length }) => ({
      blocks: [
        ...(thinking === null ? [] : [{ kind: 'thinking' as const, text: thinking }]),
        ...(text === null ? [] : [{ kind: 'text' as const, text }]),
        ...(refusal === null ? [] : [{ kind: 'refusal' as const, text: refusal }]),
        ...made.map(({ id, name, value }) => tool(id, name, value)),
      ],
      finish: length
        ? { reason: 'length' as const, raw: 'length' }
        : made.length > 0
          ? { reason: 'tool-calls' as const, raw: 'tool_calls' }
          : { reason: 'stop' as const, raw: 'stop' },
    })),
  }))
  fc.assert(
    fc.property(responses, (given) => {
      const frames = new SseSplitter().push(Buffer.from(encode(unfold(given))))
      const decoder = protocol.createDecoder()
      const events = [...frames.flatMap((frame) => decoder.push(parseFrame(frame))), ...decoder.finish()]
      expect(brokenLaws(events)).toEqual([])
      const streamed = answerOf(events)
      expect(streamed.choices).toEqual(given.choices)
      expect(streamed.usage).toEqual(given.usage)
      const whole = protocol.decodeResponse(protocol.encodeResponse(given, options))
      expect(whole.choices).toEqual(given.choices)
      expect(whole.usage).toEqual(given.usage)
    }),
  )
})
