import { describe, expect, test } from 'vitest'
import { blockedPrompt, blockReason, decodeFinish, encodeFinish, finishWord } from './finish.ts'

const reasonOf = (value: number | string, called = false) => {
  const word = finishWord(value)
  if (word === undefined) return undefined
  const finish = decodeFinish(word, null, called)
  return 'class' in finish ? `error ${finish.status}` : finish.reason
}

describe('finish reasons', () => {
  test.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content-filter'],
    ['RECITATION', 'content-filter'],
    ['BLOCKLIST', 'content-filter'],
    ['PROHIBITED_CONTENT', 'content-filter'],
    ['SPII', 'content-filter'],
    ['MODEL_ARMOR', 'content-filter'],
    ['IMAGE_SAFETY', 'content-filter'],
    ['MALFORMED_FUNCTION_CALL', 'malformed-tool-call'],
    ['UNEXPECTED_TOOL_CALL', 'malformed-tool-call'],
    ['TOO_MANY_TOOL_CALLS', 'malformed-tool-call'],
    ['MALFORMED_RESPONSE', 'error 502'],
    ['OTHER', 'error 502'],
    ['LANGUAGE', 'error 502'],
    ['NO_IMAGE', 'error 502'],
    ['toString', 'other'],
    ['A_NEW_ONE', 'other'],
    [1, 'stop'],
    [2, 'length'],
    [3, 'content-filter'],
    [5, 'error 502'],
    [7, 'content-filter'],
    [9, 'malformed-tool-call'],
    [99, 'other'],
    [0, undefined],
    ['', undefined],
    ['FINISH_REASON_UNSPECIFIED', undefined],
  ])('%s is %s', (word, reason) => {
    expect(reasonOf(word)).toBe(reason)
  })

  test.each(['STOP', 'UNEXPECTED_TOOL_CALL', 'A_NEW_ONE', 1])('%s with a call is a call', (word) => {
    expect(reasonOf(word, true)).toBe('tool-calls')
  })

  test.each([
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content-filter'],
    ['MALFORMED_FUNCTION_CALL', 'malformed-tool-call'],
  ])('%s stays %s though there was a call', (word, reason) => {
    expect(reasonOf(word, true)).toBe(reason)
  })

  test('nothing but an answer that ended by itself is told as one', () => {
    const stops = ['stop', 'stop-sequence', 'tool-calls'] as const
    for (const reason of stops) expect(encodeFinish({ reason, raw: 'x' })).toBe('STOP')
    expect(encodeFinish({ reason: 'length', raw: 'max_tokens' })).toBe('MAX_TOKENS')
    expect(encodeFinish({ reason: 'context-exceeded', raw: null })).toBe('MAX_TOKENS')
    expect(encodeFinish({ reason: 'content-filter', raw: 'content_filter' })).toBe('SAFETY')
    expect(encodeFinish({ reason: 'content-filter', raw: 'RECITATION' })).toBe('RECITATION')
    expect(encodeFinish({ reason: 'refusal', raw: 'refusal' })).toBe('SAFETY')
    expect(encodeFinish({ reason: 'malformed-tool-call', raw: null })).toBe('MALFORMED_FUNCTION_CALL')
    expect(encodeFinish({ reason: 'pause', raw: 'pause_turn' })).toBeUndefined()
    expect(encodeFinish({ reason: 'other', raw: 'weird' })).toBeUndefined()
    expect(encodeFinish({ reason: 'other', raw: 'A_NEW_ONE' })).toBe('A_NEW_ONE')
  })

  test('a refused prompt is a failure of class content-filter with the reason', () => {
    const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }
    expect(blockedPrompt(body)).toMatchObject({ class: 'content-filter', status: 400, message: /PROHIBITED_CONTENT/ })
    const armor = { promptFeedback: { blockReason: 'MODEL_ARMOR', blockReasonMessage: 'The prompt violated filters.' } }
    expect(blockedPrompt(armor)).toMatchObject({ message: 'The prompt violated filters.' })
    expect(blockReason({ promptFeedback: { blockReason: 1 } })).toBe('reason 1')
  })

  test.each([
    {},
    { promptFeedback: null },
    { promptFeedback: { safetyRatings: [] } },
    { promptFeedback: { blockReason: 'BLOCK_REASON_UNSPECIFIED' } },
  ])('%j refuses nothing', (body) => {
    expect(blockedPrompt(body)).toBeUndefined()
  })
})
