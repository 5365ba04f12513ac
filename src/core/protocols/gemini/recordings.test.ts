import { describe, expect, test } from 'vitest'
import {
  answerOf,
  brokenLaws,
  readRecordings,
  recordingsPresent,
  recut,
  streamBytes,
} from '../../../../test/support/recordings.ts'
import { unfold } from '../fold.ts'
import { inputTotal, type JsonObject, type NeutralEvent, outputTotal } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { decodeError } from './errors.ts'
import { createTap, rawResponse } from './tap.ts'
import { decodeUsage } from './usage.ts'

const options = {
  model: 'shadow',
  includeUsage: true,
  created: 1,
  estimatedInputTokens: 7,
  asked: { generationConfig: { thinkingConfig: { includeThoughts: true } } },
}
const all = readRecordings('gemini')
const streams = all.filter(({ response }) => response.chunks)
/** One was asked without `alt=sse` and is a JSON array, which we never ask a provider for. */
const answers = all.filter(({ response }) => response.status === 200 && response.json && !Array.isArray(response.json))
const blocked = answers.filter(({ response }) => !response.json!['candidates'])
const whole = answers.filter(({ response }) => response.json!['candidates'])

const decode = (pieces: readonly Buffer[]): NeutralEvent[] => {
  const splitter = new SseSplitter()
  const decoder = new Decoder()
  const events = pieces.flatMap((piece) => splitter.push(piece).flatMap((frame) => decoder.push(parseFrame(frame))))
  return [...events, ...decoder.finish()]
}
const encode = (events: readonly NeutralEvent[]): Buffer => {
  const encoder = new Encoder(options)
  return Buffer.from(events.map((event) => encoder.push(event)).join(''))
}
/** Its last chunk counts the search of another turn and leaves out the answer. */
const isElsewhere = (id: string): boolean => id.includes('test-native-output-with-builtin-tools-stream')
/** The last chunk that tells counts. */
const lastUsage = (chunks: readonly JsonObject[]): JsonObject =>
  chunks
    .map((chunk) => chunk['usageMetadata'] as JsonObject)
    .findLast((usage) => usage?.['promptTokenCount'] !== undefined)!
const chunksOf = (bytes: Buffer): JsonObject[] =>
  new SseSplitter().push(bytes).map((frame) => JSON.parse(parseFrame(frame).data) as JsonObject)
/** Sources and time are told in other words, or not at all. */
const comparable = ({ choices, usage }: ReturnType<typeof answerOf>) => ({
  usage,
  choices: choices.map(({ blocks, finish }) => ({
    finish: finish.reason,
    blocks: blocks.map((block) => (block.kind === 'text' ? { kind: block.kind, text: block.text } : block)),
  })),
})

describe.skipIf(!recordingsPresent)('recordings of Gemini', () => {
  test('are all here', () => {
    expect([streams.length, whole.length, blocked.length]).toEqual([20, 48, 1])
  })

  test.each(streams)('a stream passes the straight road byte for byte, however it is cut: $id', (recording) => {
    const bytes = streamBytes(recording)
    const expected = bytes.toString().replaceAll(/("modelVersion":\s*)"[^"]*"/g, '$1"shadow"')
    for (const seed of [1, 2, 3]) {
      const tap = createTap({ model: 'shadow', includeUsage: true })
      const out = Buffer.concat([...recut(bytes, seed).map((piece) => tap.push(piece)), tap.finish()])
      expect(out.toString()).toBe(expected)
      expect(tap.observed).toMatchObject({ complete: true, upstreamId: answerOf(decode([bytes])).id })
      expect(tap.observed.usage).toEqual(answerOf(decode([bytes])).usage)
    }
  })

  test.each(streams)(
    'a stream keeps the laws, tells all tokens, and is the same however it is cut: $id',
    (recording) => {
      const bytes = streamBytes(recording)
      const events = decode([bytes])
      expect(brokenLaws(events)).toEqual([])
      expect(decode(recut(bytes, 7))).toEqual(events)
      const { usage } = answerOf(events)
      expect(usage!.anomalies).toBeUndefined()
      const missing = isElsewhere(recording.id) ? usage!.output.visible : 0
      expect(inputTotal(usage!) + outputTotal(usage!) - missing).toBe(lastUsage(chunksOf(bytes))['totalTokenCount'])
    },
  )

  test.each(streams)('a stream is the answer that its parts would be as one: $id', (recording) => {
    const bytes = streamBytes(recording)
    const chunks = chunksOf(bytes)
    const candidates = chunks.flatMap((chunk) => chunk['candidates'] as JsonObject[])
    const parts = candidates.flatMap((told) => (told['content'] as { parts: JsonObject[] }).parts ?? [])
    const last = { ...candidates.at(-1), content: { parts } }
    const body = { ...chunks[0], candidates: [last], usageMetadata: lastUsage(chunks) }
    const told = answerOf(decode([bytes]))
    expect(decodeResponse(body)).toEqual(
      isElsewhere(recording.id) ? { ...told, usage: decodeUsage(lastUsage(chunks)) } : told,
    )
  })

  test.each(streams)('a stream crosses to a client of its own protocol and says the same: $id', (recording) => {
    const answer = answerOf(decode([streamBytes(recording)]))
    const again = answerOf(decode([encode(unfold(answer))]))
    expect(comparable(again)).toEqual(comparable(answer))
  })

  test.each(whole)('a whole answer says the same after the neutral form, and tells all tokens: $id', (recording) => {
    const body = recording.response.json!
    const answer = decodeResponse(body)
    const { usage } = answer
    expect(usage!.anomalies).toBeUndefined()
    expect(inputTotal(usage!) + outputTotal(usage!)).toBe((body['usageMetadata'] as JsonObject)['totalTokenCount'])
    const encoded = encodeResponse(answer, options)
    expect(comparable(decodeResponse(encoded))).toEqual(comparable(answer))
    expect(comparable(answerOf(decode([encode(unfold(answer))])))).toEqual(comparable(answer))
    const [told] = body['candidates'] as JsonObject[]
    const reason = told!['finishReason'] === 2 ? 'MAX_TOKENS' : told!['finishReason']
    expect(encoded['candidates']).toMatchObject([{ finishReason: reason }])
  })

  test.each([...whole, ...blocked])('a whole answer passes the straight road byte for byte: $id', (recording) => {
    const text = JSON.stringify(recording.response.json, null, 1)
    const { body, observed } = rawResponse(Buffer.from(text), { model: 'shadow' })
    expect(body.toString()).toBe(text.replace(/("modelVersion": )"[^"]*"/, '$1"shadow"'))
    expect(observed.complete).toBe(true)
    const isRefused = recording.response.json!['promptFeedback'] !== undefined
    expect(observed.usage).toEqual(isRefused ? undefined : decodeResponse(recording.response.json!).usage)
  })

  test('answers with sources cite their addresses at places inside of the text', () => {
    let places = 0
    for (const recording of whole) {
      for (const block of decodeResponse(recording.response.json!).choices[0]!.blocks) {
        if (block.kind !== 'text') continue
        for (const { url, start_index: start, end_index: end } of block.citations ?? []) {
          expect(url).toMatch(/^https?:/)
          expect(Number(end)).toBeGreaterThan(Number(start))
          expect(Number(end)).toBeLessThanOrEqual(Array.from(block.text).length)
          places++
        }
      }
    }
    expect(places).toBeGreaterThan(3)
  })

  test('errors of the provider are told by class', () => {
    const failures = all
      .filter(({ response }) => response.status >= 400)
      .map(
        ({ response }) =>
          decodeError(response.status, () => undefined, Buffer.from(JSON.stringify(response.json))).class,
      )
    expect(failures.toSorted()).toEqual([
      'auth',
      'client',
      'client',
      'context-length',
      'model-not-found',
      'rate-limited',
    ])
  })
})
