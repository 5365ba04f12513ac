import { describe, expect, test } from 'vitest'
import type { Finish } from '../neutral/index.ts'
import { decodeFinish, encodeFinish } from './finish.ts'

describe('stop reasons', () => {
  test.each([
    ['end_turn', 'stop'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool-calls'],
    ['refusal', 'refusal'],
    ['pause_turn', 'pause'],
    ['model_context_window_exceeded', 'context-exceeded'],
  ])('%s is %s, both ways', (stop_reason, reason) => {
    const finish = decodeFinish({ stop_reason }, false)
    expect(finish).toEqual({ reason, raw: stop_reason })
    expect(encodeFinish(finish, false)?.['stop_reason']).toBe(stop_reason)
  })

  test('the sequence that matched travels with its reason', () => {
    const finish = decodeFinish({ stop_reason: 'stop_sequence', stop_sequence: 'END' }, false)
    expect(finish).toEqual({ reason: 'stop-sequence', raw: 'stop_sequence', stopSequence: 'END' })
    expect(encodeFinish(finish, false)).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' })
    expect(encodeFinish({ reason: 'stop-sequence', raw: 'stop' }, false)).toMatchObject({
      stop_reason: 'end_turn',
      stop_sequence: null,
    })
  })

  test('an explanation of a refusal travels with it', () => {
    const finish = decodeFinish(
      { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'cyber', explanation: 'Why.' } },
      false,
    )
    expect(finish).toMatchObject({ reason: 'refusal', explanation: 'Why.' })
    expect(encodeFinish(finish, false)?.['stop_details']).toEqual({
      type: 'refusal',
      category: null,
      explanation: 'Why.',
    })
  })

  test.each<[Finish, string]>([
    [{ reason: 'content-filter', raw: 'content_filter' }, 'refusal'],
    [{ reason: 'other', raw: 'compaction' }, 'compaction'],
  ])('%j becomes %s', (finish, expected) => {
    expect(encodeFinish(finish, false)?.['stop_reason']).toBe(expected)
  })

  test('an unknown or missing reason is not taken for a stop', () => {
    expect(decodeFinish({ stop_reason: 'from_the_future' }, false)).toEqual({ reason: 'other', raw: 'from_the_future' })
    expect(decodeFinish({ stop_reason: null }, false)).toEqual({ reason: 'other', raw: null })
  })

  test.each<Finish>([
    { reason: 'other', raw: 'FUTURE' },
    { reason: 'other', raw: null },
    { reason: 'malformed-tool-call', raw: 'MALFORMED_FUNCTION_CALL' },
  ])('%j has no word here and is never made one', (finish) => {
    expect(encodeFinish(finish, false)).toBeUndefined()
  })

  test('a call that was cut by the limit stays a length', () => {
    expect(decodeFinish({ stop_reason: 'max_tokens' }, true).reason).toBe('length')
  })
})
