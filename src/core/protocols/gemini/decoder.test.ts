import { describe, expect, test } from 'vitest'
import { answerOf, brokenLaws } from '../../../../test/support/recordings.ts'
import type { JsonObject, NeutralEvent } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'

const head = { modelVersion: 'gemini-real', responseId: 'ftnJaMmAMcm-qtsPwvCCoAo' }
const candidate = (parts: JsonObject[], rest: JsonObject = {}): JsonObject => ({
  ...head,
  candidates: [{ content: { role: 'model', parts }, ...rest }],
})
const last = (parts: JsonObject[] = [{ text: '' }], finishReason: string | number = 'STOP'): JsonObject =>
  candidate(parts, { finishReason })
const text = (words: string): JsonObject => candidate([{ text: words }])

const decodeBytes = (bytes: string): NeutralEvent[] => {
  const decoder = new Decoder()
  const frames = new SseSplitter().push(Buffer.from(bytes)).map(parseFrame)
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.finish()]
}
const decode = (...chunks: unknown[]): NeutralEvent[] =>
  decodeBytes(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join(''))
const answer = (...chunks: JsonObject[]) => answerOf(decode(...chunks)).choices[0]!
const blocks = (...chunks: JsonObject[]) => answer(...chunks).blocks
const failureOf = (events: readonly NeutralEvent[]) => events.find((event) => event.type === 'error')?.error
const signed = (signature: string) => ({ kind: 'thinking', text: '', signature, signedBy: 'gemini' })

describe('a stream', () => {
  test('is read with either line end, with the id, the model and the time of the answer', () => {
    const chunks = [{ ...text('a'), createTime: '2026-04-02T17:03:50.399550Z' }, text('b'), last()]
    for (const end of ['\n\n', '\r\n\r\n']) {
      const events = decodeBytes(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}${end}`).join(''))
      expect(brokenLaws(events)).toEqual([])
      expect(answerOf(events)).toMatchObject({ id: head.responseId, model: 'gemini-real', created: 1_775_149_430 })
      expect(answerOf(events).choices[0]!.blocks).toEqual([{ kind: 'text', text: 'ab' }])
    }
  })

  test('runs of thoughts and of text are one block each', () => {
    const thought = (words: string) => candidate([{ text: words, thought: true }])
    expect(blocks(thought('I '), thought('think'), text('I '), text('say'), last())).toEqual([
      { kind: 'thinking', text: 'I think', signedBy: 'gemini' },
      { kind: 'text', text: 'I say' },
    ])
  })

  test('a signature stands in an empty thinking block in front of what it signs', () => {
    const call = { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }
    expect(blocks(text('x'), last([call, { functionCall: { name: 'g' } }]))).toMatchObject([
      { kind: 'text', text: 'x' },
      signed('c2ln'),
      { kind: 'tool-call', name: 'f', arguments: '{"a":1}' },
      { kind: 'tool-call', name: 'g', arguments: '{}' },
    ])
    expect(blocks(text('x'), last([{ text: 'y', thoughtSignature: 'c2ln' }]))).toEqual([
      { kind: 'text', text: 'x' },
      signed('c2ln'),
      { kind: 'text', text: 'y' },
    ])
  })

  test('the signature of an empty text closes the answer, behind its sources', () => {
    const grounding = { groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }] }
    const end = candidate([{ text: '', thoughtSignature: 'c2ln' }], {
      finishReason: 'STOP',
      groundingMetadata: grounding,
    })
    expect(blocks(text('x'), end)).toEqual([
      { kind: 'text', text: 'x', citations: [{ type: 'url_citation', url: 'https://a.example', title: 'A' }] },
      signed('c2ln'),
    ])
  })

  test('a signature on a thought belongs to that thought', () => {
    expect(blocks(candidate([{ text: 'hm', thought: true, thoughtSignature: 'c2ln' }]), last([{ text: 'x' }]))).toEqual(
      [
        { kind: 'thinking', text: 'hm', signature: 'c2ln', signedBy: 'gemini' },
        { kind: 'text', text: 'x' },
      ],
    )
  })

  test('calls without an id get one that follows from the answer; given ids stay, repeated ones do not', () => {
    const calls = [{ name: 'f' }, { name: 'f', id: 'x1' }, { name: 'g', id: 'x1' }].map((functionCall) => ({
      functionCall,
    }))
    const ids = () => blocks(last(calls)).flatMap((block) => (block.kind === 'tool-call' ? [block.id] : []))
    expect(ids()).toEqual(ids())
    expect(new Set(ids()).size).toBe(3)
    expect(ids()[0]).toMatch(/^call_[A-Za-z0-9]{24}$/)
    expect(ids()[1]).toBe('x1')
    const elsewhere = decodeResponse({ ...last(calls), responseId: 'another' }).choices[0]!.blocks[0]
    expect(elsewhere).not.toMatchObject({ id: ids()[0] })
  })

  test('an answer with calls ends with them, though Gemini says STOP', () => {
    expect(answer(last([{ functionCall: { name: 'f' } }])).finish).toEqual({ reason: 'tool-calls', raw: 'STOP' })
    expect(answer(last([{ text: 'x' }], 1)).finish).toEqual({ reason: 'stop', raw: 'STOP' })
  })

  const piece = (jsonPath: string, stringValue: string) =>
    candidate([{ functionCall: { partialArgs: [{ jsonPath, stringValue, willContinue: true }], willContinue: true } }])
  const begun = candidate([{ functionCall: { name: 'f', willContinue: true }, thoughtSignature: 'c2ln' }])

  test('a call whose arguments come in pieces is told whole, whatever ends it', () => {
    const whole = [signed('c2ln'), { kind: 'tool-call', name: 'f', arguments: '{"a":"xy"}' }]
    const pieces = [begun, piece('$.a', 'x'), piece('$.a', 'y')]
    const second = { kind: 'tool-call', name: 'g', arguments: '{}' }
    expect(blocks(...pieces, last([{ functionCall: {} }]))).toMatchObject(whole)
    expect(blocks(...pieces, last([]))).toMatchObject(whole)
    expect(blocks(...pieces, last([{ functionCall: { name: 'g' } }]))).toMatchObject([...whole, second])
    expect(blocks(...pieces, last([{ text: 'z' }]))).toMatchObject([...whole, { kind: 'text', text: 'z' }])
  })

  test('a call that a limit cut off is not made with half of its arguments', () => {
    const told = answer(begun, piece('$.a', 'x'), last([], 'MAX_TOKENS'))
    expect(told).toEqual({ blocks: [], finish: { reason: 'length', raw: 'MAX_TOKENS' } })
  })

  test('a call that cannot be put together is a malformed one, never a stop', () => {
    const told = answer(begun, piece('nowhere', 'x'), last([{ functionCall: {} }]))
    expect(told.finish).toEqual({ reason: 'malformed-tool-call', raw: 'STOP' })
  })

  test.each([
    [{ inlineData: { mimeType: 'image/png', data: 'AA==' } }],
    [{ executableCode: { language: 'PYTHON', code: 'print(1)' }, thoughtSignature: 'c2ln' }],
    [{ codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }],
    [{ toolCall: { id: '1' }, thoughtSignature: 'c2ln' }],
    [{ somethingNew: 5 }],
  ])('%j is kept whole, its signature in it', (part) => {
    expect(blocks(text('x'), last([part]))).toEqual([
      { kind: 'text', text: 'x' },
      { kind: 'opaque', part: { type: 'opaque', protocol: 'gemini', value: part } },
    ])
  })

  test('several candidates are choices, by their index or their order', () => {
    const two = (first: string, second: string, rest: JsonObject = {}) => ({
      ...head,
      candidates: [first, second].map((words) => ({ content: { parts: [{ text: words }] }, ...rest })),
    })
    const events = decode(two('a', 'b'), two('c', 'd', { finishReason: 'STOP' }))
    expect(brokenLaws(events)).toEqual([])
    expect(answerOf(events).choices.map((choice) => choice.blocks)).toEqual([
      [{ kind: 'text', text: 'ac' }],
      [{ kind: 'text', text: 'bd' }],
    ])
    const apart = [1, 0].map((index) => ({
      ...head,
      candidates: [{ index, content: { parts: [{ text: `${index}` }] }, finishReason: 'STOP' }],
    }))
    expect(answerOf(decode(...apart)).choices.map((choice) => choice.blocks)).toEqual([
      [{ kind: 'text', text: '0' }],
      [{ kind: 'text', text: '1' }],
    ])
  })

  test('usage is the latest of what the chunks say, and may come behind the finish', () => {
    const events = decode(
      { ...text('x'), usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 } },
      { ...last(), usageMetadata: { trafficType: 'ON_DEMAND' } },
      { ...head, usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7, totalTokenCount: 12 } },
    )
    expect(brokenLaws(events)).toEqual([])
    expect(answerOf(events).usage).toMatchObject({ input: { uncached: 5 }, output: { visible: 7 } })
  })
})

describe('what is no whole answer', () => {
  test('a stream cut after any chunk is an error, never a finish', () => {
    const chunks = [text('a'), candidate([{ functionCall: { name: 'f', willContinue: true } }]), text('b')]
    for (let length = 0; length <= chunks.length; length++) {
      const events = decode(...chunks.slice(0, length))
      expect(failureOf(events)).toMatchObject({ code: 'upstream_disconnected', status: 502 })
      expect(events.some((event) => event.type === 'finish')).toBe(false)
      expect(brokenLaws(events)).toEqual([])
    }
  })

  test('a refused prompt is an error of class content-filter, as a stream and whole', () => {
    const refused = {
      ...head,
      promptFeedback: { blockReason: 'MODEL_ARMOR' },
      usageMetadata: { trafficType: 'ON_DEMAND' },
    }
    expect(failureOf(decode(refused))).toMatchObject({ class: 'content-filter', status: 400 })
    expect(() => decodeResponse(refused)).toThrow('The provider refused the prompt (MODEL_ARMOR).')
  })

  test('a blocked answer ends with the reason, and what was told before stays', () => {
    const blocked = { ...head, candidates: [{ finishReason: 'SAFETY', finishMessage: 'Hate speech.' }] }
    const finish = { reason: 'content-filter', raw: 'SAFETY', explanation: 'Hate speech.' }
    expect(answer(text('x'), blocked)).toEqual({ blocks: [{ kind: 'text', text: 'x' }], finish })
    expect(decodeResponse(blocked).choices).toEqual([{ blocks: [], finish }])
  })

  test('calls that the model could not write are malformed; other broken ends are errors', () => {
    expect(answer(last([], 'MALFORMED_FUNCTION_CALL')).finish.reason).toBe('malformed-tool-call')
    const events = decode(text('x'), last([], 'OTHER'))
    expect(failureOf(events)).toMatchObject({ class: 'server', status: 502, code: 'other' })
    expect(brokenLaws(events)).toEqual([])
    expect(() => decodeResponse(last([], 'OTHER'))).toThrow('The model stopped without an answer.')
  })

  test('an error in the middle ends the stream with its class', () => {
    const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }
    for (const chunk of [error, [error]]) {
      const events = decode(text('x'), chunk, text('y'))
      expect(failureOf(events)).toMatchObject({ class: 'overloaded', status: 503 })
      expect(brokenLaws(events)).toEqual([])
    }
    expect(answerOf(decode(last([{ text: 'x' }]), error)).choices[0]!.finish.reason).toBe('stop')
  })

  test('what is no chunk is an error; the mark of another protocol is nothing', () => {
    expect(failureOf(decodeBytes('data: {"candidates":\r\n\r\n'))).toMatchObject({ status: 502 })
    const marked = `data: ${JSON.stringify(last([{ text: 'x' }]))}\n\ndata: [DONE]\n\n`
    expect(answerOf(decodeBytes(marked)).choices[0]!.blocks).toEqual([{ kind: 'text', text: 'x' }])
  })

  test.each([{}, { candidates: [] }, { candidates: 'x' }, { candidates: [5] }, { error: { code: 500 } }])(
    '%j is no answer',
    (body) => {
      expect(() => decodeResponse(body)).toThrow(/provider|model/)
    },
  )

  test.each([undefined, null, '', 'FINISH_REASON_UNSPECIFIED', 0])(
    'an answer whose reason is %s did not end, whole or as a stream',
    (finishReason) => {
      const told = text('x')
      const [candidate] = told['candidates'] as JsonObject[]
      const open: JsonObject = {
        ...told,
        candidates: [{ ...candidate, ...(finishReason !== undefined && { finishReason }) }],
      }
      expect(() => decodeResponse(open)).toThrow('The provider ended the answer before it was complete.')
      expect(failureOf(decodeBytes(`data: ${JSON.stringify(open)}\r\n\r\n`))).toMatchObject({
        code: 'upstream_disconnected',
      })
    },
  )
})
