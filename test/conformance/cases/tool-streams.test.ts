import { describe, expect, test } from 'vitest'
import type { JsonObject, ProtocolId } from '../../../src/core/protocols/neutral/index.ts'
import { protocols } from '../../../src/core/protocols/index.ts'
import { brokenLaws, readRecordings, recordingsPresent } from '../../support/recordings.ts'
import { answerArrives } from '../support/answers.ts'
import { answered, callsIn, chat, claude, google, streamed, textIn, unnamed } from '../support/lines.ts'

/** Cases of the protocols reference, part 16: calls of tools in answers. */
const clients: readonly ProtocolId[] = protocols.map(({ id }) => id)
const tools = (names: readonly string[]): JsonObject => ({
  tools: names.map((name) => ({ name, input_schema: { type: 'object' } })),
})
const anthropicAsks = { client: 'anthropic-messages', ask: tools(['look', 'go']) } as const
const look = { id: 'call_1', type: 'function' }
const go = { id: 'call_2', type: 'function' }

test.each(clients)(
  'case 12: calls that interleave with text and with each other reach a client of %s whole',
  (client) => {
    const { events, failed } = streamed(
      { client, provider: 'openai-chat' },
      chat.stream(
        chat.delta({ role: 'assistant', content: 'I will ' }),
        chat.call(0, look, '', 'look'),
        chat.call(1, go, '', 'go'),
        chat.call(0, {}, '{"at":'),
        chat.delta({ content: 'look.' }),
        chat.call(1, {}, '{"to":"b"}'),
        chat.call(0, {}, '"a"}'),
        chat.delta({}, 'tool_calls'),
      ),
    )
    expect(failed).toBe(false)
    expect(brokenLaws(events)).toEqual([])
    expect(callsIn(events).map((call) => [call.name, JSON.parse(call.arguments) as unknown])).toEqual([
      ['look', { at: 'a' }],
      ['go', { to: 'b' }],
    ])
    expect(textIn(events)).toBe('I will look.')
  },
)

test('case 13: calls are counted from 0, not by the blocks around them', () => {
  const stream = claude.stream(
    { input_tokens: 3, output_tokens: 1 },
    { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
    claude.text('Let me see.'),
    claude.call('toolu_1', 'look', '{"at":', '"a"}'),
    claude.call('toolu_2', 'go', '{}'),
  )
  const { data } = streamed({ client: 'openai-chat', provider: 'anthropic-messages' }, stream)
  const pieces = data.flatMap(({ choices }) =>
    (choices as { delta: { tool_calls?: { index: number }[] } }[]).flatMap(({ delta }) => delta.tool_calls ?? []),
  )
  expect(new Set(pieces.map(({ index }) => index))).toEqual(new Set([0, 1]))
})

test('case 14: arguments of a call by Gemini reach an Anthropic client in a stream as in a whole answer', () => {
  const chunk = google.chunk(
    [{ functionCall: { name: 'look', args: { at: 'Überall', deep: { list: [1, null] } } } }],
    'STOP',
  )
  const line = { ...anthropicAsks, provider: 'gemini' } as const
  const { events } = streamed(line, unnamed(chunk))
  const whole = answered(line, chunk).body['content'] as { type: string; input?: JsonObject }[]
  expect(callsIn(events).map((call) => JSON.parse(call.arguments) as unknown)).toEqual([
    whole.find(({ type }) => type === 'tool_use')!.input,
  ])
  expect(JSON.parse(callsIn(events)[0]!.arguments)).toEqual({ at: 'Überall', deep: { list: [1, null] } })
})

test.each(clients)('case 15: an empty list of calls is no call for a client of %s', (client) => {
  const { events, text } = streamed(
    { client, provider: 'openai-chat' },
    chat.stream(
      chat.delta({ role: 'assistant', content: 'a', tool_calls: [] }),
      chat.delta({ content: 'b', tool_calls: [] }),
      chat.delta({ tool_calls: [] }, 'stop'),
    ),
  )
  expect(callsIn(events)).toEqual([])
  expect(textIn(events)).toBe('ab')
  expect(text).not.toContain('input_json_delta')
})

test.each([
  ['only in the first chunk', look],
  ['nowhere', { type: 'function' }],
  ['as an empty text', { id: '', type: 'function' }],
])('case 16: arguments arrive when the id of their call stands %s', (_, first) => {
  for (const client of clients) {
    const { events } = streamed(
      { client, provider: 'openai-chat' },
      chat.stream(
        chat.call(0, first, '{"at"', 'look'),
        chat.call(0, {}, ':"a"'),
        chat.call(0, {}, '}'),
        chat.delta({}, 'tool_calls'),
      ),
    )
    expect(
      callsIn(events).map((call) => JSON.parse(call.arguments) as unknown),
      client,
    ).toEqual([{ at: 'a' }])
  }
})

test('case 17: what goes on with a call has no name, no id and no null', () => {
  const { data } = streamed(
    { client: 'openai-chat', provider: 'anthropic-messages' },
    claude.stream(
      { input_tokens: 3, output_tokens: 1 },
      { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
      claude.call('toolu_1', 'look', '{"at"', ':"a"', '}'),
    ),
  )
  const pieces = data.flatMap(({ choices }) =>
    (choices as { delta: { tool_calls?: { function: object }[] } }[]).flatMap(({ delta }) => delta.tool_calls ?? []),
  )
  expect(pieces[0]).toMatchObject({ index: 0, id: 'toolu_1', type: 'function', function: { name: 'look' } })
  expect(pieces.length).toBeGreaterThan(2)
  for (const piece of pieces.slice(1)) {
    expect(Object.keys(piece).toSorted()).toEqual(['function', 'index'])
    expect(Object.keys(piece.function)).toEqual(['arguments'])
  }
})

test.each(clients)('case 18: text and calls of one answer both reach a client of %s', (client) => {
  const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":"a"}' } }
  const message = { content: 'Let me see.', tool_calls: [call] }
  const line = { client, provider: 'openai-chat' } as const
  const whole = JSON.stringify(answered(line, chat.whole(message, 'tool_calls')).body)
  for (const part of ['Let me see.', 'look', 'at']) expect(whole).toContain(part)
  const one = chat.delta({ role: 'assistant', content: 'Let me see.', tool_calls: [{ index: 0, ...call }] })
  const { events } = streamed(line, chat.stream(one, chat.delta({}, 'tool_calls')))
  expect(textIn(events)).toBe('Let me see.')
  expect(callsIn(events)).toHaveLength(1)
})

describe('a call without arguments', () => {
  const none = claude.stream(
    { input_tokens: 3, output_tokens: 1 },
    { delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 9 } },
    claude.call('toolu_1', 'look', ''),
  )
  test.each(clients)('case 19: has an empty object of them, for a client of %s', (client) => {
    const { events } = streamed({ client, provider: 'anthropic-messages' }, none)
    expect(callsIn(events).map((call) => JSON.parse(call.arguments) as unknown)).toEqual([{}])
    const gemini = streamed(
      { client, provider: 'gemini' },
      unnamed(google.chunk([{ functionCall: { name: 'look' } }], 'STOP')),
    )
    expect(callsIn(gemini.events).map((call) => JSON.parse(call.arguments) as unknown)).toEqual([{}])
    const empty = chat.stream(chat.call(0, look, '', 'look'), chat.delta({}, 'tool_calls'))
    const { events: fromChat } = streamed({ client, provider: 'openai-chat' }, empty)
    expect(callsIn(fromChat).map((call) => JSON.parse(call.arguments || '{}') as unknown)).toEqual([{}])
  })

  test.skipIf(!recordingsPresent)('case 19: as Anthropic recorded it (skipped where recordings are absent)', () => {
    const provider = protocols.find(({ id }) => id === 'anthropic-messages')!
    const recorded = readRecordings(provider.id).filter(({ id }) => id.includes('anthropic-tool-no-args'))
    expect(recorded).toHaveLength(2)
    for (const recording of recorded)
      for (const client of protocols) expect(answerArrives({ client, provider, recording })?.problems).toEqual([])
  })
})

test.each(clients)(
  'case 20: an answer with calls ends in calls for a client of %s, whatever the provider says',
  (client) => {
    const ends = (provider: ProtocolId, bytes: Buffer) =>
      streamed({ client, provider }, bytes).events.findLast((event) => event.type === 'finish')?.finish.reason
    const called = chat.call(0, look, '{}', 'look')
    expect(ends('openai-chat', chat.stream(called, chat.delta({}, 'stop')))).toBe('tool-calls')
    // Snowflake.
    expect(ends('openai-chat', chat.stream(called, chat.delta({}, '')))).toBe('tool-calls')
    const gemini = google.chunk([{ functionCall: { name: 'look', args: {} } }], 'STOP')
    expect(ends('gemini', unnamed(gemini))).toBe('tool-calls')
    const claudeEnds = { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }
    const block = claude.call('toolu_1', 'look', '{}')
    expect(ends('anthropic-messages', claude.stream({ input_tokens: 3, output_tokens: 1 }, claudeEnds, block))).toBe(
      'tool-calls',
    )
  },
)
