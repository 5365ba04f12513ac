import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerOf, brokenLaws } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { unfold } from '../fold.ts'
import type { Block, Finish, JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'

const thinking = { generationConfig: { thinkingConfig: { includeThoughts: true } } }
const options: EncodeOptions = {
  model: 'shadow',
  includeUsage: true,
  created: 1,
  estimatedInputTokens: 7,
  asked: thinking,
}
const plain = { ...options, asked: {} }
const usage = {
  input: { uncached: 5, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 7, reasoning: 0 },
}
const response = (blocks: readonly Block[], finish: Finish = { reason: 'stop', raw: 'stop' }): NeutralResponse => ({
  id: 'chatcmpl-1',
  model: 'real',
  choices: [{ blocks, finish }],
  usage,
})
const encode = (events: readonly NeutralEvent[], given = options) => {
  const encoder = new Encoder(given)
  return { bytes: events.map((event) => encoder.push(event)).join(''), failure: encoder.failure }
}
const chunksOf = (bytes: string): JsonObject[] =>
  bytes
    .split('\r\n\r\n')
    .slice(0, -1)
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as JsonObject)
const wirePartsOf = (blocks: readonly Block[], given = options): JsonObject[] =>
  chunksOf(encode(unfold(response(blocks)), given).bytes).flatMap(
    (chunk) => (chunk['candidates'] as { content: { parts: JsonObject[] } }[])[0]!.content.parts,
  )
/** The pieces of a text as one, as clients put them together. */
const partsOf = (blocks: readonly Block[], given = options): JsonObject[] => {
  const parts: JsonObject[] = []
  for (const part of wirePartsOf(blocks, given)) {
    const before = parts.at(-1)
    const [said, more] = [before?.['text'], part['text']]
    const joins = before?.['thought'] === part['thought'] && !part['thoughtSignature']
    if (joins && typeof said === 'string' && typeof more === 'string')
      parts[parts.length - 1] = { ...before, text: said + more }
    else parts.push(part)
  }
  return parts
}
const call = (name: string, written: string): Block => ({
  kind: 'tool-call',
  id: `call_${name}`,
  name,
  arguments: written,
})
const sealed = (signature: string, text = ''): Block => ({
  kind: 'thinking',
  text,
  signature,
  signedBy: 'anthropic-messages',
})

describe('the stream for clients', () => {
  test('is data blocks with CRLF and nothing else, one per piece of text, with one id and the name the client knows', () => {
    const deltas = ['Zürich', ' — ', '東京 🙂'].map((text): NeutralEvent => ({
      type: 'block-delta',
      choice: 0,
      index: 0,
      delta: { kind: 'text', text },
    }))
    const [start, open, , ...rest] = unfold(response([{ kind: 'text', text: 'x' }]))
    const { bytes } = encode([start!, open!, ...deltas, ...rest])
    for (const frame of bytes.split('\r\n\r\n').slice(0, -1)) expect(frame).toMatch(/^data: \{"candidates":\[.*\}$/)
    const chunks = chunksOf(bytes)
    expect(chunks).toHaveLength(4)
    expect(new Set(chunks.map((chunk) => chunk['responseId'])).size).toBe(1)
    expect(new Set(chunks.map((chunk) => chunk['modelVersion']))).toEqual(new Set(['shadow']))
    expect(chunks[0]!['candidates']).toEqual([{ content: { parts: [{ text: 'Züric' }], role: 'model' }, index: 0 }])
    expect(chunks.map((chunk) => chunk['usageMetadata'] !== undefined)).toEqual([false, false, false, true])
    expect(chunks.at(-1)).toMatchObject({
      candidates: [{ content: { parts: [{ text: '🙂' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 7, totalTokenCount: 12 },
    })
  })

  test('calls are told whole with their id and an object', () => {
    expect(partsOf([call('f', '{"a": [1, {"b": "ü"}]}'), call('g', '')])).toEqual([
      { functionCall: { id: 'call_f', name: 'f', args: { a: [1, { b: 'ü' }] } } },
      { functionCall: { id: 'call_g', name: 'g', args: {} } },
    ])
  })

  test('thoughts are shown to those who asked', () => {
    const blocks: Block[] = [
      { kind: 'thinking', text: 'hm' },
      { kind: 'text', text: 'x' },
    ]
    expect(partsOf(blocks)).toEqual([{ text: 'hm', thought: true }, { text: 'x' }])
    expect(partsOf(blocks, plain)).toEqual([{ text: 'x' }])
    const snake = { ...options, asked: { generation_config: { thinking_config: { include_thoughts: true } } } }
    expect(partsOf(blocks, snake)).toHaveLength(2)
  })

  test('a signature goes onto the call or text that follows, also when its thought is not shown', () => {
    for (const given of [options, plain]) {
      const carried = (blocks: Block[]) =>
        partsOf(blocks, given).filter((part) => !Object.hasOwn(part as object, 'thought'))
      expect(carried([sealed('s1', 'hm'), call('f', '{}'), call('g', '{}')])).toMatchObject([
        { functionCall: { name: 'f' }, thoughtSignature: 's1' },
        { functionCall: { name: 'g' } },
      ])
      expect(carried([sealed('s1'), { kind: 'text', text: 'x' }])).toEqual([{ text: 'x', thoughtSignature: 's1' }])
      expect(carried([{ kind: 'text', text: 'x' }, sealed('s1')])).toEqual([
        { text: 'x' },
        { text: '', thoughtSignature: 's1' },
      ])
      expect(carried([sealed('s1'), sealed('s2'), call('f', '')])).toMatchObject([
        { text: '', thoughtSignature: 's1' },
        { functionCall: { name: 'f' }, thoughtSignature: 's2' },
      ])
    }
  })

  test('what only another protocol knows is left out, our own parts come back', () => {
    const own = { executableCode: { language: 'PYTHON', code: '1' }, thoughtSignature: 's' }
    const opaque = (protocol: 'gemini' | 'anthropic-messages', value: JsonObject): Block => ({
      kind: 'opaque',
      part: { type: 'opaque', protocol, value },
    })
    expect(partsOf([opaque('anthropic-messages', { type: 'server_tool_use' }), opaque('gemini', own)])).toEqual([own])
  })

  test('the last chunk has something to say, and no empty text stands in it', () => {
    const said: Block = { kind: 'text', text: 'Hi 🙂' }
    expect(wirePartsOf([said])).toEqual([{ text: 'Hi ' }, { text: '🙂' }])
    expect(wirePartsOf([said, call('f', '{}')])).toMatchObject([{ text: 'Hi ' }, { text: '🙂' }, { functionCall: {} }])
    expect(wirePartsOf([sealed('s'), { kind: 'text', text: 'Hi' }])).toEqual([
      { text: 'H', thoughtSignature: 's' },
      { text: 'i' },
    ])
    expect(wirePartsOf([said, { kind: 'thinking', text: '' }])).toEqual([{ text: 'Hi ' }, { text: '🙂' }])
    expect(wirePartsOf([])).toEqual([{ text: '' }])
  })

  test('what was kept back of an answer that broke off comes with the error', () => {
    const encoder = new Encoder(options)
    for (const event of unfold(response([{ kind: 'text', text: 'Hi' }])).slice(0, 3)) encoder.push(event)
    const bytes = encoder.fail(new GatewayError('upstream_disconnected'), 'req_1')
    expect(bytes).toMatch(/^data: .*"text":"i".*\r\n\r\n\r\n\r\ndata: \{"error":/)
  })

  test('several answers keep their index and end together', () => {
    const text = (words: string): Block => ({ kind: 'text', text: words })
    const choices = [[text('Aa')], [text('Bb')]].map((blocks, index) => ({
      blocks,
      finish: { reason: index === 0 ? 'stop' : 'length', raw: null } as const,
    }))
    const chunks = chunksOf(encode(unfold({ ...response([]), choices })).bytes)
    expect(chunks.map((chunk) => (chunk['candidates'] as JsonObject[]).map(({ index }) => index))).toEqual([
      [0],
      [1],
      [0, 1],
    ])
    expect(chunks.at(-1)!['candidates']).toMatchObject([
      { finishReason: 'STOP', content: { parts: [{ text: 'a' }] } },
      { finishReason: 'MAX_TOKENS', content: { parts: [{ text: 'b' }] } },
    ])
  })

  test('an answer that was blocked has no content, one that was cut short keeps what it has', () => {
    const blocked: Finish = { reason: 'refusal', raw: 'refusal', explanation: 'No.' }
    const [only] = chunksOf(encode(unfold(response([], blocked))).bytes)
    expect(only!['candidates']).toEqual([{ finishReason: 'SAFETY', index: 0, finishMessage: 'No.' }])
    const half = chunksOf(encode(unfold(response([{ kind: 'refusal', text: 'I cannot' }], blocked))).bytes)
    expect(half[0]!['candidates']).toMatchObject([{ content: { parts: [{ text: 'I canno' }] } }])
    expect(half[1]!['candidates']).toMatchObject([{ finishReason: 'SAFETY', content: { parts: [{ text: 't' }] } }])
  })

  test('sources stand in the last chunk', () => {
    const citation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 2, end_index: 6 }
    const blocks: Block[] = [
      { kind: 'text', text: 'ü. ' },
      { kind: 'text', text: 'A lake.', citations: [citation] },
    ]
    expect(chunksOf(encode(unfold(response(blocks))).bytes).at(-1)!['candidates']).toMatchObject([
      {
        groundingMetadata: {
          groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }],
          groundingSupports: [{ segment: { startIndex: 6, endIndex: 10, text: 'lake' }, groundingChunkIndices: [0] }],
        },
      },
    ])
  })
})

describe('what cannot be told', () => {
  test.each(['{"a":', '[1]', 'null', '"x"'])(
    'a call with the arguments %s is a failure, whole and as a stream',
    (written) => {
      const answer = response([call('f', written)], { reason: 'tool-calls', raw: 'tool_calls' })
      const { bytes, failure } = encode(unfold(answer))
      expect([bytes, failure]).toEqual(['', 'The model made a tool call that cannot be read.'])
      expect(() => encodeResponse(answer, options)).toThrow('The model made a tool call that cannot be read.')
    },
  )

  test('a call that the limit on output cut off is left out', () => {
    const answer = response([{ kind: 'text', text: 'x' }, call('f', '{"a":')], { reason: 'length', raw: 'length' })
    const { bytes, failure } = encode(unfold(answer))
    expect(failure).toBeUndefined()
    expect(chunksOf(bytes).at(-1)!['candidates']).toMatchObject([{ finishReason: 'MAX_TOKENS' }])
    expect(encodeResponse(answer, options)['candidates']).toMatchObject([{ content: { parts: [{ text: 'x' }] } }])
  })

  test('an end without a word in this protocol, an error and an end without a finish never look finished', () => {
    const paused = unfold(response([{ kind: 'text', text: 'x' }], { reason: 'pause', raw: 'pause_turn' }))
    const error: NeutralEvent = { type: 'error', error: { class: 'server', status: 500, message: 'secret' } }
    const open = unfold(response([{ kind: 'text', text: 'x' }])).slice(0, 4)
    for (const events of [paused, [...open, error, { type: 'end' } as const], [...open, { type: 'end' } as const]]) {
      const { bytes, failure } = encode(events)
      expect(failure).toBeTypeOf('string')
      expect(failure).not.toContain('secret')
      expect(bytes).not.toContain('finishReason')
    }
  })

  test('a call that the model could not write is told in Google’s own word', () => {
    const answer = response([], { reason: 'malformed-tool-call', raw: 'x' })
    expect(encodeResponse(answer, options)['candidates']).toMatchObject([{ finishReason: 'MALFORMED_FUNCTION_CALL' }])
  })
})

describe('both ways', () => {
  const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const name = fc.stringMatching(/^[a-z]{1,8}$/)
  const args = fc.dictionary(words, fc.jsonValue()).map((value) => JSON.stringify(value))
  const made = fc.tuple(name, args)
  /** What one part of Gemini is in the neutral form: a signature stands in front of a call or a text. */
  const said = fc.oneof(
    words.map((text): Block[] => [{ kind: 'text', text }]),
    words.map((text): Block[] => [{ kind: 'thinking', text, signedBy: 'gemini' }]),
    made.map(([tool, written]): Block[] => [call(tool, written)]),
    fc
      .tuple(words, made)
      .map(([signature, [tool, written]]): Block[] => [
        { kind: 'thinking', text: '', signature, signedBy: 'gemini' },
        call(tool, written),
      ]),
    fc.tuple(words, words).map(([signature, text]): Block[] => [
      { kind: 'thinking', text: '', signature, signedBy: 'gemini' },
      { kind: 'text', text },
    ]),
    words.map((code): Block[] => [
      { kind: 'opaque', part: { type: 'opaque', protocol: 'gemini', value: { executableCode: { code } } } },
    ]),
  )
  /** Runs of one kind are one block, and every call has an id of its own. */
  const canonical = (blocks: readonly Block[]): Block[] => {
    const result: Block[] = []
    for (const [index, block] of blocks.entries()) {
      const before = result.at(-1)
      const runs =
        (block.kind === 'text' && before?.kind === 'text') || (isThought(block) && before && isThought(before))
      if (runs && 'text' in block && 'text' in before)
        result[result.length - 1] = { ...before, text: before.text + block.text }
      else result.push(block.kind === 'tool-call' ? { ...block, id: `call_${index}` } : block)
    }
    return result
  }
  const isThought = (block: Block) => block.kind === 'thinking' && block.signature === undefined
  const answers = fc
    .tuple(fc.array(said, { maxLength: 8 }), fc.constantFrom('stop', 'length'))
    .map(([parts, reason]) => {
      const blocks = canonical(parts.flat())
      const called = blocks.some((block) => block.kind === 'tool-call')
      const finish: Finish =
        reason === 'length'
          ? { reason: 'length', raw: 'MAX_TOKENS' }
          : { reason: called ? 'tool-calls' : 'stop', raw: 'STOP' }
      return { ...response(blocks, finish), id: 'ftnJaMmAMcm-qtsPwvCCoAo', model: 'shadow' }
    })

  test('an answer that is written is read again, whole', () => {
    fc.assert(
      fc.property(answers, (given) => {
        expect(decodeResponse(encodeResponse(given, options))).toEqual(given)
      }),
    )
  })

  test('a stream that is written is read again, wherever the network cuts it', () => {
    fc.assert(
      fc.property(answers, fc.integer({ min: 1, max: 40 }), (given, size) => {
        const bytes = Buffer.from(encode(unfold(given)).bytes)
        const splitter = new SseSplitter()
        const decoder = new Decoder()
        const events: NeutralEvent[] = []
        for (let at = 0; at < bytes.length; at += size)
          for (const frame of splitter.push(bytes.subarray(at, at + size)))
            events.push(...decoder.push(parseFrame(frame)))
        events.push(...decoder.finish())
        expect(brokenLaws(events)).toEqual([])
        expect(answerOf(events)).toEqual(given)
      }),
    )
  })
})
