import { describe, expect, test } from 'vitest'
import { fold, unfold } from './fold.ts'
import type { NeutralEvent, NeutralResponse } from './neutral/index.ts'

const response: NeutralResponse = {
  id: 'a1',
  model: 'm',
  created: 5,
  choices: [
    {
      blocks: [
        { kind: 'thinking', text: 'hm', signature: 's', signedBy: 'anthropic-messages' },
        { kind: 'text', text: 'hello', citations: [{ type: 'x' }] },
        { kind: 'tool-call', id: 'c', name: 'f', arguments: '{}' },
      ],
      finish: { reason: 'tool-calls', raw: 'tool_calls' },
    },
    { blocks: [{ kind: 'refusal', text: 'no' }], finish: { reason: 'stop', raw: 'stop' } },
  ],
  usage: {
    input: { uncached: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
    output: { visible: 2, reasoning: 0 },
  },
}

describe('fold', () => {
  test('folding an unfolded answer gives the answer', () => {
    expect(fold(unfold(response))).toEqual(response)
  })

  test('an unfolded answer keeps the laws of streams', () => {
    const events = unfold(response)
    expect(events[0]!.type).toBe('start')
    expect(events.at(-1)!.type).toBe('end')
    expect(events.filter((event) => event.type === 'finish')).toHaveLength(2)
  })

  test('choices that interleave are kept apart', () => {
    const events: NeutralEvent[] = [
      { type: 'start', id: 'a', model: 'm' },
      { type: 'block-start', choice: 0, index: 0, block: { kind: 'text' } },
      { type: 'block-start', choice: 1, index: 0, block: { kind: 'text' } },
      { type: 'block-delta', choice: 1, index: 0, delta: { kind: 'text', text: 'B' } },
      { type: 'block-delta', choice: 0, index: 0, delta: { kind: 'text', text: 'A' } },
      { type: 'block-stop', choice: 0, index: 0 },
      { type: 'block-stop', choice: 1, index: 0 },
      { type: 'finish', choice: 1, finish: { reason: 'stop', raw: 'stop' } },
      { type: 'finish', choice: 0, finish: { reason: 'length', raw: 'length' } },
      { type: 'end' },
    ]
    expect(fold(events)).toMatchObject({
      choices: [
        { blocks: [{ text: 'A' }], finish: { reason: 'length' } },
        { blocks: [{ text: 'B' }], finish: { reason: 'stop' } },
      ],
    })
  })

  test('a stream that told an error, or ended without a finish, is a failure', () => {
    const error = { class: 'overloaded', status: 529, message: 'Overloaded' } as const
    expect(fold([{ type: 'start', id: '', model: '' }, { type: 'error', error }, { type: 'end' }])).toBe(error)
    expect(fold([{ type: 'start', id: '', model: '' }, { type: 'end' }])).toMatchObject({
      class: 'server',
      code: 'upstream_disconnected',
    })
  })
})
