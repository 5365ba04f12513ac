import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold, unfold } from '../../src/core/protocols/fold.ts'
import type {
  Block,
  FinishReason,
  JsonObject,
  NeutralEvent,
  NeutralResponse,
} from '../../src/core/protocols/neutral/index.ts'
import { openaiChat as protocol } from '../../src/core/protocols/openai-chat/index.ts'
import { answerOf, brokenLaws, decodeStream } from '../support/recordings.ts'

/** How servers that speak Chat Completions differ from each other in what they stream, each shape seen in the wild. */
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }
const done = 'data: [DONE]\n\n'

const frame = (fields: JsonObject): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 5, model: 'real', ...fields })}\n\n`
const delta = (fields: JsonObject, finish: string | null = null, index = 0): string =>
  frame({ choices: [{ index, delta: fields, finish_reason: finish }] })
const calls = (...list: JsonObject[]): string => delta({ tool_calls: list })
const finish = (reason = 'stop'): string => delta({}, reason)
const piece = (fields: JsonObject): JsonObject => ({ function: fields })

const decode = (...frames: string[]): NeutralEvent[] => {
  const events = decodeStream(protocol, [Buffer.from(frames.join(''))])
  expect(brokenLaws(events)).toEqual([])
  return events
}
const blocks = (...frames: string[]): readonly Block[] => answerOf(decode(...frames)).choices[0]!.blocks
const call = (id: string, name: string, written: string): Block => ({ kind: 'tool-call', id, name, arguments: written })
const minted = expect.stringMatching(/^call_[a-z0-9]{24}$/) as string
const failureOf = (...frames: string[]) => fold(decode(...frames))

describe('calls of tools', () => {
  test.each<[string, string[], Block[]]>([
    [
      'as OpenAI streams them',
      [
        calls({ index: 0, id: 'call_1', type: 'function', ...piece({ name: 'a', arguments: '' }) }),
        calls({ index: 0, ...piece({ arguments: '{"x":' }) }),
        calls({ index: 0, ...piece({ arguments: '1}' }) }),
        calls({ index: 1, id: 'call_2', type: 'function', ...piece({ name: 'b', arguments: '' }) }),
        calls({ index: 1, ...piece({ arguments: '{}' }) }),
      ],
      [call('call_1', 'a', '{"x":1}'), call('call_2', 'b', '{}')],
    ],
    [
      'whole and without index',
      [
        calls(
          { id: 'EscTeQY62', ...piece({ name: 'a', arguments: '{"x":1}' }) },
          { id: 'gSIMJiOkT', ...piece({ name: 'b', arguments: '{}' }) },
        ),
      ],
      [call('EscTeQY62', 'a', '{"x":1}'), call('gSIMJiOkT', 'b', '{}')],
    ],
    [
      'all with the same index',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{"x":1}' }) }),
        calls({ index: 0, id: 'two', ...piece({ name: 'b', arguments: '{"y":2}' }) }),
      ],
      [call('one', 'a', '{"x":1}'), call('two', 'b', '{"y":2}')],
    ],
    [
      'mixed piece by piece',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '' }) }),
        calls({ index: 1, id: 'two', ...piece({ name: 'b', arguments: '' }) }),
        calls({ index: 0, ...piece({ arguments: '{"x"' }) }, { index: 1, ...piece({ arguments: '{"y"' }) }),
        calls({ index: 1, ...piece({ arguments: ':2}' }) }, { index: 0, ...piece({ arguments: ':1}' }) }),
      ],
      [call('one', 'a', '{"x":1}'), call('two', 'b', '{"y":2}')],
    ],
    [
      'with text in the middle of the arguments',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{"x"' }) }),
        delta({ content: 'and ' }),
        calls({ index: 0, ...piece({ arguments: ':1}' }) }),
        delta({ content: 'so on' }),
      ],
      [call('one', 'a', '{"x":1}'), { kind: 'text', text: 'and so on' }],
    ],
    [
      'with an empty id on the later pieces, and an empty name',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{' }) }),
        calls({ index: 0, id: '', type: 'function', ...piece({ name: '', arguments: '}' }) }),
      ],
      [call('one', 'a', '{}')],
    ],
    [
      'with id and name on every piece',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{' }) }),
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '}' }) }),
      ],
      [call('one', 'a', '{}')],
    ],
    [
      'with null where there is nothing',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: null }) }),
        calls({ index: 0, id: null, ...piece({ name: null, arguments: '{}' }) }),
      ],
      [call('one', 'a', '{}')],
    ],
    [
      'with an object as arguments',
      [calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: { x: 1 } }) })],
      [call('one', 'a', '{"x":1}')],
    ],
    ['without an id', [calls({ index: 0, ...piece({ name: 'a', arguments: '{}' }) })], [call(minted, 'a', '{}')]],
    [
      'without arguments, another behind it',
      [
        calls({ index: 0, id: 'one', ...piece({ name: 'a' }) }),
        calls({ index: 1, id: 'two', ...piece({ name: 'b', arguments: '{}' }) }),
      ],
      [call('one', 'a', ''), call('two', 'b', '{}')],
    ],
    [
      'in the field from before tools',
      [delta({ function_call: { name: 'a', arguments: '{' } }), delta({ function_call: { arguments: '}' } })],
      [call(minted, 'a', '{}')],
    ],
    [
      'beside an empty list on every text',
      [delta({ content: 'a', tool_calls: [] }), delta({ content: 'b', tool_calls: null })],
      [{ kind: 'text', text: 'ab' }],
    ],
  ])('%s', (_shape, frames, expected) => {
    expect(blocks(...frames, finish('tool_calls'), done)).toEqual(expected)
  })

  test.each(['stop', '', 'eos', 'something_new'])('are calls even if the server says they ended with %j', (reason) => {
    const frames = [calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{}' }) }), finish(reason), done]
    expect(answerOf(decode(...frames)).choices[0]!.finish.reason).toBe('tool-calls')
  })

  test('cut off by the limit stay cut off', () => {
    const frames = [calls({ index: 0, id: 'one', ...piece({ name: 'a', arguments: '{"x":' }) }), finish('length'), done]
    expect(answerOf(decode(...frames)).choices[0]).toMatchObject({
      blocks: [{ arguments: '{"x":' }],
      finish: { reason: 'length' },
    })
  })

  test('come out one by one however their pieces are mixed', () => {
    const one = fc.record({
      name: fc.stringMatching(/^[a-z]{1,6}$/),
      value: fc.dictionary(fc.string(), fc.jsonValue()),
    })
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat({ max: 3 }), { maxLength: 60 }),
        (made, turns) => {
          const texts = made.map(({ value }) => JSON.stringify(value))
          const sent = made.map(() => 0)
          const frames = made.map(({ name }, index) =>
            calls({ index, id: `id${index}`, ...piece({ name, arguments: '' }) }),
          )
          for (const turn of [...turns, ...made.keys()]) {
            const index = turn % made.length
            const from = sent[index]!
            const to = turns.length > 0 && from === 0 ? Math.ceil(texts[index]!.length / 2) : texts[index]!.length
            sent[index] = to
            if (to > from) frames.push(calls({ index, ...piece({ arguments: texts[index]!.slice(from, to) }) }))
          }
          for (const [index, text] of texts.entries())
            if (sent[index]! < text.length)
              frames.push(calls({ index, ...piece({ arguments: text.slice(sent[index]) }) }))
          expect(blocks(...frames, finish('tool_calls'), done)).toEqual(
            made.map(({ name }, index) => call(`id${index}`, name, texts[index]!)),
          )
        },
      ),
    )
  })
})

describe('words', () => {
  test.each<[string, string[], Block[]]>([
    [
      'the role alone says nothing',
      [delta({ role: 'assistant', content: '', refusal: null }), delta({ content: 'a' })],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'a first chunk without role or choices',
      [frame({ choices: [], prompt_filter_results: [] }), delta({ content: 'a' })],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'reasoning_content',
      [delta({ reasoning_content: 'h' }), delta({ reasoning_content: 'm', content: null }), delta({ content: 'a' })],
      [
        { kind: 'thinking', text: 'hm' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'reasoning',
      [delta({ reasoning: 'hm', content: '' }), delta({ content: 'a', reasoning: null })],
      [
        { kind: 'thinking', text: 'hm' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'the same reasoning in two fields counts once',
      [delta({ reasoning_content: 'hm', reasoning: 'hm' })],
      [{ kind: 'thinking', text: 'hm' }],
    ],
    [
      'reasoning in details alone',
      [delta({ reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] })],
      [{ kind: 'thinking', text: 'hm' }],
    ],
    [
      'a list of thinking and text',
      [
        delta({
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
            { type: 'text', text: 'a' },
          ],
        }),
        delta({ content: 'b' }),
      ],
      [
        { kind: 'thinking', text: 'hm' },
        { kind: 'text', text: 'ab' },
      ],
    ],
    ['a refusal', [delta({ content: null, refusal: 'N' }), delta({ refusal: 'o' })], [{ kind: 'refusal', text: 'No' }]],
    [
      'a tag of thinking in text is text',
      [delta({ content: '<think>a</think>b' })],
      [{ kind: 'text', text: '<think>a</think>b' }],
    ],
    [
      'text that goes on behind the finish of its own chunk',
      [delta({ content: 'a' }, 'stop')],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'the role again behind the finish',
      [delta({ content: 'a' }), finish(), delta({ role: 'assistant', content: '' })],
      [{ kind: 'text', text: 'a' }],
    ],
  ])('%s', (_shape, frames, expected) => {
    expect(blocks(...frames, ...(frames.at(-1)!.includes('"stop"') ? [] : [finish()]), done)).toEqual(expected)
  })

  test('sources of a text come with it', () => {
    const source = {
      type: 'url_citation',
      url_citation: { url: 'https://a', title: 'A', start_index: 0, end_index: 1 },
    }
    expect(blocks(delta({ content: 'a' }), delta({ content: '', annotations: [source] }), finish(), done)).toEqual([
      { kind: 'text', text: 'a', citations: [source] },
    ])
  })

  test('several answers stay apart', () => {
    const frames = [
      delta({ content: 'a' }, null, 0),
      delta({ content: 'b' }, null, 1),
      delta({ content: 'c' }, null, 0),
      delta({}, 'stop', 1),
      delta({}, 'length', 0),
    ]
    expect(answerOf(decode(...frames, done)).choices).toMatchObject([
      { blocks: [{ text: 'ac' }], finish: { reason: 'length' } },
      { blocks: [{ text: 'b' }], finish: { reason: 'stop' } },
    ])
  })
})

describe('the end', () => {
  test('is a finish, with or without [DONE] behind it', () => {
    for (const end of [[finish(), done], [finish()], [finish(), 'data: [DONE]']])
      expect(answerOf(decode(delta({ content: 'a' }), ...end)).choices[0]).toMatchObject({
        blocks: [{ text: 'a' }],
        finish: { reason: 'stop' },
      })
  })

  test('without a finish is a failure, and one of several finishes is not enough', () => {
    expect(failureOf(delta({ content: 'a' }))).toMatchObject({
      class: 'server',
      status: 502,
      message: expect.stringMatching(/before it was complete/) as string,
    })
    expect(failureOf(delta({ content: 'a' }), delta({ content: 'b' }, 'stop', 1))).toMatchObject({ class: 'server' })
    expect(failureOf(done)).toMatchObject({ class: 'server' })
    expect(failureOf(delta({ content: 'a' }), done)).toMatchObject({ code: 'upstream_disconnected' })
  })

  test.each<[string, JsonObject, number]>([
    ['the last chunk of its own', { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }, 4],
    ['nothing', {}, 0],
  ])('usage on %s', (_where, usage, output) => {
    const answer = answerOf(decode(delta({ content: 'a' }), finish(), frame({ choices: [], usage }), done))
    expect(answer.usage?.output.visible ?? 0).toBe(output)
  })

  test('usage that grows on every chunk is the last one, never a sum', () => {
    const grown = [1, 2, 3].map((count) =>
      frame({
        choices: [{ index: 0, delta: { content: 'a' }, finish_reason: count === 3 ? 'stop' : null }],
        usage: { prompt_tokens: 8, completion_tokens: count, total_tokens: 8 + count },
      }),
    )
    expect(answerOf(decode(...grown)).usage).toMatchObject({ input: { uncached: 8 }, output: { visible: 3 } })
  })

  test('usage may hide in a field of its own', () => {
    const last = frame({
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      x_groq: { usage: { prompt_tokens: 1, completion_tokens: 2 } },
    })
    expect(answerOf(decode(delta({ content: 'a' }), last, done)).usage).toMatchObject({ output: { visible: 2 } })
  })

  test('usage comes before the end and is kept when the stream is cut', () => {
    const events = decode(
      delta({ content: 'a' }),
      frame({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } }),
    )
    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'block-start',
      'block-delta',
      'usage',
      'block-stop',
      'error',
      'end',
    ])
  })
})

describe('errors inside a stream', () => {
  test.each<[string, string, object]>([
    [
      'named, with its own status',
      `event: error\ndata: ${JSON.stringify({ error: { message: 'bad', type: 'invalid_request_error', code: 'tool_use_failed', status_code: 400 } })}\n\n`,
      { status: 400, code: 'tool_use_failed', message: 'bad' },
    ],
    [
      'on a chunk, with a number as code',
      frame({
        error: { code: 429, message: 'slow down' },
        choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      }) + done,
      { status: 429, class: 'rate-limited', message: 'slow down' },
    ],
    [
      'as OpenAI sends them',
      `data: ${JSON.stringify({ error: { message: 'The server had an error', type: 'server_error', param: null, code: null } })}\n\n`,
      { status: 500, class: 'server' },
    ],
    ['as a text', `data: ${JSON.stringify({ error: 'out of memory' })}\n\n`, { status: 500, message: 'out of memory' }],
    ['as no JSON at all', 'data: upstream connect error\n\n', { class: 'server' }],
  ])('%s', (_shape, bytes, expected) => {
    expect(failureOf(delta({ content: 'a' }), bytes)).toMatchObject(expected)
    expect(failureOf(bytes)).toMatchObject(expected)
  })

  test('a null error is none', () => {
    expect(
      answerOf(
        decode(frame({ error: null, choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }] }), done),
      ).choices[0]!.blocks,
    ).toHaveLength(1)
  })
})

describe('what is encoded', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 })
  const block: fc.Arbitrary<Block> = fc.oneof(
    word.map((text): Block => ({ kind: 'text', text })),
    word.map((text): Block => ({ kind: 'thinking', text })),
    word.map((text): Block => ({ kind: 'refusal', text })),
    fc
      .record({
        id: fc.stringMatching(/^[A-Za-z0-9_.:-]{1,64}$/),
        name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/),
        value: fc.dictionary(word, fc.jsonValue()),
      })
      .map(({ id, name, value }): Block => call(id, name, JSON.stringify(value))),
  )
  const reason = fc.constantFrom<FinishReason>('stop', 'length', 'tool-calls', 'content-filter')
  const answer: fc.Arbitrary<NeutralResponse> = fc
    .record({
      id: fc.stringMatching(/^chatcmpl-[A-Za-z0-9]{1,20}$/),
      created: fc.integer({ min: 1, max: 2_000_000_000 }),
      choices: fc.array(fc.record({ blocks: fc.uniqueArray(block, { maxLength: 5, selector: idOf }), reason }), {
        minLength: 1,
        maxLength: 3,
      }),
    })
    .map(({ id, created, choices }) => ({
      id,
      model: 'shadow',
      created,
      choices: choices.map(({ blocks: list, reason: why }) => ({
        blocks: joinNeighbours(list),
        finish: {
          reason: why === 'stop' && list.some(({ kind }) => kind === 'tool-call') ? ('tool-calls' as const) : why,
          raw: null,
        },
      })),
    }))

  test('as a stream is decoded to the same answer', () => {
    fc.assert(
      fc.property(answer, (made) => {
        const encoder = protocol.createEncoder(options)
        const bytes = unfold(made)
          .map((event) => encoder.push(event))
          .join('')
        const again = answerOf(decode(bytes))
        expect({ ...again, choices: again.choices.map(withoutRaw) }).toEqual({
          ...made,
          choices: made.choices.map(withoutRaw),
        })
      }),
    )
  })

  test('whole says the same as streamed', () => {
    fc.assert(
      fc.property(answer, (made) => {
        const whole = protocol.decodeResponse(protocol.encodeResponse(made, options))
        const encoder = protocol.createEncoder(options)
        const streamed = answerOf(
          decode(
            unfold(made)
              .map((event) => encoder.push(event))
              .join(''),
          ),
        )
        // A message has one place for each kind of words; a stream keeps their order.
        expect(whole.choices.map(sorted)).toEqual(streamed.choices.map(sorted))
      }),
    )
  })
})

const idOf = (block: Block): unknown => (block.kind === 'tool-call' ? block.id : block)

/** Two texts in a row are one on the wire. */
const joinNeighbours = (list: readonly Block[]): Block[] => {
  const joined: Block[] = []
  for (const block of list) {
    const last = joined.at(-1)
    if (last && 'text' in last && 'text' in block && last.kind === block.kind)
      joined[joined.length - 1] = { ...last, text: last.text + block.text }
    else joined.push(block)
  }
  return joined
}

const withoutRaw = ({ blocks: list, finish: { reason } }: NeutralResponse['choices'][number]) => ({
  blocks: list,
  reason,
})

const sorted = ({ blocks: list, finish: told }: NeutralResponse['choices'][number]) => ({
  reason: told.reason,
  text: list.map((block) => (block.kind === 'text' ? block.text : '')).join(''),
  thinking: list.map((block) => (block.kind === 'thinking' ? block.text : '')).join(''),
  refusal: list.map((block) => (block.kind === 'refusal' ? block.text : '')).join(''),
  calls: list.filter((block) => block.kind === 'tool-call'),
})
