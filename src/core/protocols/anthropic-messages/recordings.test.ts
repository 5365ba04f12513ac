import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fold, unfold } from '../fold.ts'
import type { Block, JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { anthropicMessages as protocol } from './index.ts'
import { renameFallback } from './mask.ts'

const folder = join(import.meta.dirname, '../../../../../shared/fixtures/anthropic-messages')
const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }

interface Recording {
  readonly id: string
  readonly request: { readonly json?: JsonObject } | null
  readonly response: { readonly status: number; readonly json?: JsonObject; readonly chunks?: readonly string[] }
}

const load = (): Recording[] =>
  readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recording)

/** The same bytes in pieces of 1 to 40 bytes, cut anywhere, from a seeded generator. */
const pieces = (bytes: Buffer, seed: number): Buffer[] => {
  const cut: Buffer[] = []
  let state = seed
  for (let at = 0; at < bytes.length;) {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    const end = at + 1 + (state % 40)
    cut.push(bytes.subarray(at, end))
    at = end
  }
  return cut
}

const tapThrough = (chunks: readonly Buffer[], model: string) => {
  const tap = protocol.raw.createTap({ model, includeUsage: true })
  const out = chunks.map((chunk) => tap.push(chunk))
  out.push(tap.finish())
  return { out: Buffer.concat(out), observed: tap.observed }
}

const decode = (bytes: Buffer): NeutralEvent[] => {
  const splitter = new SseSplitter()
  const decoder = protocol.createDecoder()
  const events: NeutralEvent[] = []
  for (const frame of splitter.push(bytes)) events.push(...decoder.push(parseFrame(frame)))
  return [...events, ...decoder.finish()]
}

const whole = (events: Iterable<NeutralEvent>): NeutralResponse => {
  const folded = fold(events)
  if ('class' in folded) throw new Error(folded.message)
  return folded
}

/** Arguments as values: the text a stream is told in keeps the model's own spaces. The models that a fallback names are never the client's to know. */
const comparable = (blocks: readonly Block[]) =>
  blocks.map((block) =>
    block.kind === 'tool-call'
      ? { ...block, arguments: JSON.parse(block.arguments) as unknown }
      : block.kind === 'opaque'
        ? { ...block, part: { ...block.part, value: renameFallback(block.part.value, 'shadow') } }
        : block,
  )

const events = (text: string): JsonObject[] =>
  new SseSplitter()
    .push(Buffer.from(text))
    .map(parseFrame)
    .filter((frame) => frame.data !== '')
    .map((frame) => JSON.parse(frame.data) as JsonObject)

const isFinished = (recording: Recording): boolean =>
  recording.response.chunks!.some((chunk) => chunk.includes('event: message_stop'))

/** Text to compare byte for byte; blocks that tell of a switch between models are the one thing written anew, so those answers are compared as values. */
const exact = (stream: string): unknown => (stream.includes('"fallback"') ? events(stream) : stream)
const exactJson = (body: string): unknown => (body.includes('"fallback"') ? (JSON.parse(body) as unknown) : body)

describe.skipIf(!existsSync(folder))('recordings of Anthropic (skipped where the fixtures are absent)', () => {
  const all = existsSync(folder) ? load() : []
  const streams = all.filter((recording) => recording.response.chunks)
  const unary = all.filter((recording) => recording.response.json && recording.response.status === 200)

  test.each(streams)('the straight road changes nothing but the model: $id', (recording) => {
    const bytes = Buffer.from(recording.response.chunks!.join(''))
    const expected = Buffer.from(bytes.toString('utf8').replaceAll(/("model"\s*:\s*)"claude[^"]*"/g, '$1"shadow-ü"'))
    const atOnce = tapThrough([bytes], 'shadow-ü')
    expect(exact(atOnce.out.toString())).toEqual(exact(expected.toString()))
    for (const seed of [1, 2, 3]) {
      const cut = tapThrough(pieces(bytes, seed), 'shadow-ü')
      expect(cut.out.equals(atOnce.out)).toBe(true)
      expect(cut.observed).toEqual(atOnce.observed)
    }
    expect(atOnce.observed.complete).toBe(isFinished(recording))
    expect(atOnce.observed.usage).toBeDefined()
  })

  test.each(streams.filter((recording) => !isFinished(recording)))(
    'a recording that was cut is no answer: $id',
    (recording) => {
      expect(fold(decode(Buffer.from(recording.response.chunks!.join(''))))).toMatchObject({ class: 'server' })
    },
  )

  test.each(streams.filter(isFinished))('the tap and the decoder see the same answer: $id', (recording) => {
    const bytes = Buffer.from(recording.response.chunks!.join(''))
    const { observed } = tapThrough([bytes], 'shadow')
    const told = decode(bytes)
    const folded = whole(told)
    expect(told.at(-1)).toEqual({ type: 'end' })
    expect(folded.usage).toEqual(observed.usage)
    expect(folded.id).toBe(observed.upstreamId)
    expect(folded.choices[0]!.finish.raw).toBe(observed.finish)
    const shown = folded.choices[0]!.blocks.reduce(
      (sum, block) =>
        sum +
        ('text' in block
          ? block.text.length
          : block.kind === 'tool-call' && block.arguments !== '{}'
            ? block.arguments.length
            : 0),
      0,
    )
    // The tap measures bytes: server tools' arguments count too, characters outside the basic plane count once.
    expect(observed.deliveredChars).toBeGreaterThanOrEqual(shown - Math.ceil(shown * 0.02))
  })

  test.each(streams.filter(isFinished))(
    'an answer that is encoded and decoded again is the same answer: $id',
    (recording) => {
      const told = decode(Buffer.from(recording.response.chunks!.join('')))
      const encoder = protocol.createEncoder(options)
      const again = whole(decode(Buffer.from(told.map((event) => encoder.push(event)).join(''))))
      const before = whole(told)
      const { extra: _, ...usage } = before.usage!
      expect(again).toEqual({ ...before, model: 'shadow', usage, choices: again.choices })
      expect(comparable(again.choices[0]!.blocks)).toEqual(comparable(before.choices[0]!.blocks))
      expect(again.choices[0]!.finish.reason).toBe(before.choices[0]!.finish.reason)
    },
  )

  test.each(unary)('a whole answer and the stream that would tell it are one: $id', (recording) => {
    const answer = protocol.decodeResponse(recording.response.json!)
    const { extensions: _, ...told } = answer
    expect(fold(unfold(answer))).toEqual(told)
    const encoder = protocol.createEncoder(options)
    const again = whole(
      decode(
        Buffer.from(
          unfold(answer)
            .map((event) => encoder.push(event))
            .join(''),
        ),
      ),
    )
    expect(comparable(again.choices[0]!.blocks)).toEqual(comparable(answer.choices[0]!.blocks))
    const encoded = protocol.encodeResponse(answer, options)
    expect(comparable(protocol.decodeResponse(encoded).choices[0]!.blocks)).toEqual(
      comparable(answer.choices[0]!.blocks),
    )
    expect(encoded['stop_reason']).toBe(recording.response.json!['stop_reason'])
  })

  test.each(unary)('a whole answer passes the straight road byte for byte: $id', (recording) => {
    const body = Buffer.from(JSON.stringify(recording.response.json, null, 1))
    const { body: out, observed } = protocol.raw.response(body, { model: 'shadow' })
    const expected = body.toString('utf8').replaceAll(/("model": )"claude[^"]*"/g, '$1"shadow"')
    expect(exactJson(out.toString())).toEqual(exactJson(expected))
    expect(observed).toMatchObject({ complete: true, upstreamId: recording.response.json!['id'] })
    expect(observed.usage).toEqual(protocol.decodeResponse(recording.response.json!).usage)
  })

  const requests = all.filter((recording) => recording.request?.json)
  test.each(requests)('a real request survives the neutral form: $id', (recording) => {
    const body = recording.request!.json!
    const facts = protocol.inspect(Buffer.from(JSON.stringify(body)))
    expect(facts).toMatchObject({ model: body['model'], maxTokens: body['max_tokens'] })
    // Shortened recordings hold "ELIDED" where an image was.
    const text = JSON.stringify(body).replaceAll('"ELIDED"', '"RUxJREVE"')
    const neutral = protocol.decodeRequest(JSON.parse(text) as JsonObject)
    const { body: again } = protocol.encodeRequest(neutral, { model: neutral.model, defaultMaxTokens: 1 })
    expect(protocol.decodeRequest(again).messages.map((message) => message.role)).toEqual(
      neutral.messages.map((message) => message.role),
    )
    expect(again['tools'] ?? []).toHaveLength(((body['tools'] as unknown[]) ?? []).length)
    expect(again).toMatchObject({
      max_tokens: body['max_tokens'],
      ...(body['thinking'] != null && { thinking: body['thinking'] }),
    })
  })

  test('errors of the provider are told by class', () => {
    const failures = all
      .filter((recording) => recording.response.status >= 400)
      .map(
        ({ response }) =>
          protocol.decodeError(response.status, () => undefined, Buffer.from(JSON.stringify(response.json))).class,
      )
    expect(failures.toSorted()).toEqual(['auth', 'context-length'])
  })
})
