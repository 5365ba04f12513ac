import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { descriptionPresent, mismatch } from '../../../../test/support/openapi.ts'
import {
  answerOf,
  brokenLaws,
  decodeStream,
  isStream,
  readClientRequests,
  readRecordings,
  type Recording,
  recordingsPresent,
  recut,
  streamBytes,
} from '../../../../test/support/recordings.ts'
import { fold, unfold } from '../fold.ts'
import type { Block, JsonObject } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { createTap, rawResponse } from './tap.ts'
import { decodeUsage } from './usage.ts'

const protocol = { createDecoder: () => new Decoder() }
const asked = { include: ['reasoning.encrypted_content'] }
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7, asked }

const tapThrough = (pieces: readonly Buffer[]) => {
  const tap = createTap({ model: 'shadow-ü' })
  const out = pieces.map((piece) => tap.push(piece))
  return { out: Buffer.concat([...out, tap.finish()]).toString(), observed: tap.observed }
}

const events = (bytes: Buffer): JsonObject[] =>
  new SseSplitter()
    .push(bytes)
    .map((frame) => parseFrame(frame).data)
    .filter((data) => data.startsWith('{'))
    .map((data) => JSON.parse(data) as JsonObject)

const lastResponse = (recording: Recording): JsonObject => {
  const last = events(streamBytes(recording)).findLast(({ response }) => response !== undefined)
  return (last?.['response'] ?? {}) as JsonObject
}

/** Each response object of a stream names the model once, in front of anything a user wrote with that name. */
const masked = (bytes: Buffer): string =>
  new SseSplitter()
    .push(bytes)
    .map((frame) => {
      const { data } = parseFrame(frame)
      const { response } = data.startsWith('{') ? (JSON.parse(data) as JsonObject) : {}
      const name = (response as JsonObject | undefined)?.['model']
      const text = frame.toString()
      return typeof name === 'string' ? text.replace(`"model":${JSON.stringify(name)}`, '"model":"shadow-ü"') : text
    })
    .join('')

describe.skipIf(!recordingsPresent)('recordings of the Responses API (skipped where the fixtures are absent)', () => {
  const all = readRecordings('openai-responses')
  const streams = all.filter((recording) => isStream(recording) && recording.response.status === 200)
  const unary = all.filter(({ response }) => response.json?.['output'] !== undefined)
  const failed = streams.filter((recording) => lastResponse(recording)['status'] === 'failed')
  const whole = streams.filter((recording) => !failed.includes(recording))

  test('there are many of them', () => {
    expect(whole.length).toBeGreaterThan(40)
    expect(unary.length).toBeGreaterThan(50)
  })

  test.each(whole)('the straight road changes nothing but the model: $id', (recording) => {
    const bytes = streamBytes(recording)
    const atOnce = tapThrough([bytes])
    expect(atOnce.out).toBe(masked(bytes))
    for (const seed of [1, 2, 3]) expect(tapThrough(recut(bytes, seed))).toEqual(atOnce)
    expect(atOnce.observed).toMatchObject({ complete: true, upstreamId: expect.any(String) as string })
    expect(atOnce.observed.usage).toEqual(decodeUsage(lastResponse(recording)['usage']))
    expect(atOnce.observed.usage).toBeDefined()
  })

  test.each(streams)('a stream keeps the laws and is read alike however it is cut: $id', (recording) => {
    const bytes = streamBytes(recording)
    const told = decodeStream(protocol, [bytes])
    expect(brokenLaws(told)).toEqual([])
    expect(decodeStream(protocol, recut(bytes, 7))).toEqual(told)
  })

  test.each(failed)(
    'a failure is told, and neither the tap nor the decoder takes it for an answer: $id',
    (recording) => {
      const { observed } = tapThrough([streamBytes(recording)])
      expect(fold(decodeStream(protocol, [streamBytes(recording)]))).toEqual(observed.failure)
      expect(observed).toMatchObject({
        complete: false,
        failure: { class: 'rate-limited', code: 'insufficient_quota' },
      })
    },
  )

  // Whoever recorded this one shortened the text of its deltas but not of its last event.
  const unshortened = whole.filter(({ id }) => !id.endsWith('openai-stream--openai-shell-container-1-0'))
  test.each(unshortened)(
    'the deltas tell what the last event repeats, and the tap sees the same end: $id',
    (recording) => {
      const answer = answerOf(decodeStream(protocol, [streamBytes(recording)]))
      const repeated = decodeResponse(lastResponse(recording))
      const { observed } = tapThrough([streamBytes(recording)])
      expect(answer.choices[0]!.finish).toEqual(repeated.choices[0]!.finish)
      expect(answer.choices[0]!.finish.raw).toBe(observed.finish)
      expect(answer.usage).toEqual(observed.usage)
      expect(answer.choices[0]!.blocks.map(plain)).toEqual(repeated.choices[0]!.blocks.map(plain))
    },
  )

  test.each(whole)(
    'told anew, a recorded answer is accepted by the strict helper of the SDK: $id',
    async (recording) => {
      const told = decodeStream(protocol, [streamBytes(recording)])
      const encoder = new Encoder(options)
      const bytes = told.map((event) => encoder.push(event)).join('')
      const client = new OpenAI({
        apiKey: 'x',
        maxRetries: 0,
        fetch: () => Promise.resolve(new Response(bytes, { headers: { 'content-type': 'text/event-stream' } })),
      })
      const read = await client.responses.stream({ model: 'shadow', input: 'hi' }).finalResponse()
      const { output, usage, status } = encodeResponse(answerOf(told), options)
      expect(read).toMatchObject({ usage, status })
      expect(read.output.map(({ type }) => type)).toEqual((output as JsonObject[]).map(({ type }) => type))
    },
  )

  test.each(unary)('a whole answer passes the straight road byte for byte: $id', (recording) => {
    const json = recording.response.json!
    const body = Buffer.from(JSON.stringify(json, null, 1))
    const { body: out, observed } = rawResponse(body, { model: 'shadow-ü' })
    const name = `"model": ${JSON.stringify(json['model'])}`
    expect(out.toString()).toBe(body.toString().replace(`\n ${name}`, '\n "model": "shadow-ü"'))
    expect(observed).toMatchObject({ complete: true, upstreamId: json['id'] })
    expect(observed.usage).toEqual(decodeResponse(json).usage)
  })

  test.each(unary)('a whole answer and the stream that would tell it are one: $id', (recording) => {
    const answer = decodeResponse(recording.response.json!)
    expect(fold(unfold(answer))).toEqual(answer)
    const again = decodeResponse(encodeResponse(answer, options))
    expect(again.choices[0]!.blocks.map(plain)).toEqual(answer.choices[0]!.blocks.map(plain))
    expect(again.choices[0]!.finish.reason).toBe(answer.choices[0]!.finish.reason)
    expect(again.usage).toEqual(answer.usage)
    const encoder = new Encoder(options)
    const bytes = unfold(answer).map((event) => encoder.push(event))
    const streamed = answerOf(decodeStream(protocol, [Buffer.from(bytes.join(''))]))
    expect(streamed).toEqual(again)
  })
})

describe.skipIf(!recordingsPresent || !descriptionPresent)('answers to real clients', () => {
  const answer = answerOf(
    unfold({
      id: 'msg_1',
      model: 'real',
      choices: [{ blocks: [{ kind: 'text', text: 'Hello' }], finish: { reason: 'stop', raw: null } }],
    }),
  )
  test.each(readClientRequests('openai-responses'))(
    'repeat what was asked as the description has it: $id',
    (recorded) => {
      const body = encodeResponse(answer, { ...options, asked: recorded.request.json! })
      expect(mismatch('Response', body)).toBe('')
    },
  )
})

/** OpenAI seals the same state anew each time it sends it, and Copilot changes ids; sources without an address have none elsewhere. */
const plain = (block: Block): unknown => {
  if (block.kind === 'thinking') return { ...block, id: undefined, signature: block.signature !== undefined }
  if (block.kind === 'text')
    return { ...block, citations: (block.citations ?? []).map(({ url, type }) => ({ url, type })) }
  if (block.kind === 'opaque')
    return { ...block, part: { ...block.part, value: { ...block.part.value, id: undefined, fingerprint: undefined } } }
  return block
}
