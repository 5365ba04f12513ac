import { describe, expect, test } from 'vitest'
import type { Block, JsonObject, JsonValue, NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../src/core/protocols/neutral/index.ts'
import { fold, unfold } from '../../src/core/protocols/fold.ts'
import { openaiChat as protocol } from '../../src/core/protocols/openai-chat/index.ts'
import {
  answerOf,
  brokenLaws,
  decodeStream,
  readRecordings,
  type Recording,
  recordingsPresent,
  recut,
  streamBytes,
} from '../support/recordings.ts'
import { dialectOf } from './support/roads.ts'

const options = { model: 'shadow', includeUsage: true, created: 1, estimatedInputTokens: 7 }

/** What an answer says, read as simply as can be: no buffering, no blocks, no repair. */
interface Plain {
  text: string
  reasoning: string
  refusal: string
  calls: { id: string; name: string; arguments: string }[]
  finish: string
  usage: JsonObject | undefined
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** Adds what one delta or message says. */
const add = (plain: Plain, said: JsonObject): void => {
  const { content } = said
  plain.text += text(content)
  for (const part of list(content)) {
    if (part['type'] === 'thinking')
      plain.reasoning += list(part['thinking'])
        .map((inner) => text(inner['text']))
        .join('')
    else plain.text += text(part['text'])
  }
  const details = list(said['reasoning_details']).map((detail) => text(detail['text']) || text(detail['summary']))
  plain.reasoning += text(said['reasoning_content']) || text(said['reasoning']) || details.join('')
  plain.refusal += text(said['refusal'])
  for (const call of list(said['tool_calls'])) {
    const made = isObject(call['function']) ? call['function'] : {}
    const index = typeof call['index'] === 'number' && 'delta' in said ? call['index'] : undefined
    const known = index === undefined ? undefined : plain.calls[index]
    if (known) known.arguments += text(made['arguments'])
    else plain.calls.push({ id: text(call['id']), name: text(made['name']), arguments: text(made['arguments']) })
  }
  const legacy = said['function_call']
  if (isObject(legacy) && text(legacy['name']) !== '')
    plain.calls.push({ id: '', name: text(legacy['name']), arguments: text(legacy['arguments']) })
}

const frames = (recording: Recording): JsonObject[] =>
  (recording.response.chunks ?? [])
    .join('')
    .split(/\r?\n/)
    .filter((line) => line.trim().startsWith('data:') && line.trim() !== 'data: [DONE]')
    .map((line) => JSON.parse(line.trim().slice(5)) as JsonObject)

const empty = (): Plain => ({ text: '', reasoning: '', refusal: '', calls: [], finish: '', usage: undefined })

const readStream = (recording: Recording): Plain[] => {
  const choices: Plain[] = []
  let usage: JsonObject | undefined
  for (const chunk of frames(recording)) {
    const groq = chunk['x_groq']
    const counted = chunk['usage'] ?? (isObject(groq) ? groq['usage'] : undefined)
    if (isObject(counted)) usage = counted
    for (const choice of list(chunk['choices'])) {
      const plain = (choices[(choice['index'] as number | undefined) ?? 0] ??= empty())
      if (isObject(choice['delta'])) add(plain, { ...choice['delta'], delta: true })
      plain.finish = text(choice['finish_reason']) || plain.finish
    }
  }
  return choices.map((plain) => ({ ...plain, usage }))
}

const readWhole = ({ response }: Recording): Plain[] =>
  list(response.json!['choices']).map((choice) => {
    const plain = empty()
    if (isObject(choice['message'])) add(plain, choice['message'])
    plain.finish = text(choice['finish_reason'])
    plain.usage = isObject(response.json!['usage']) ? response.json!['usage'] : undefined
    return plain
  })

const joined = (blocks: readonly Block[], kind: 'text' | 'thinking' | 'refusal'): string =>
  blocks.map((block) => (block.kind === kind ? block.text : '')).join('')

/** The neutral answer in the same plain words. */
const plainOf = ({ choices }: NeutralResponse): Omit<Plain, 'usage' | 'finish'>[] =>
  choices.map(({ blocks }) => ({
    text: joined(blocks, 'text'),
    reasoning: joined(blocks, 'thinking'),
    refusal: joined(blocks, 'refusal'),
    calls: blocks
      .filter((block) => block.kind === 'tool-call')
      .map(({ id, name, arguments: written }) => ({ id, name, arguments: written })),
  }))

/** A server's own id, where it gave one; any other is ours. */
const expectedCalls = (calls: Plain['calls']) =>
  calls.map((call) => ({ ...call, id: call.id === '' ? (expect.stringMatching(/^call_/) as string) : call.id }))

const expectSame = (answer: NeutralResponse, plain: readonly Plain[]): void => {
  expect(plainOf(answer)).toEqual(
    plain.map(({ text: said, reasoning, refusal, calls }) => ({
      text: said,
      reasoning,
      refusal,
      calls: expectedCalls(calls),
    })),
  )
  for (const [index, { finish, calls }] of plain.entries()) {
    const told = answer.choices[index]!.finish
    expect(told.raw).toBe(finish === '' ? null : finish)
    if (calls.length > 0 && finish !== 'length') expect(told.reason).toBe('tool-calls')
  }
  const usage = plain[0]?.usage
  expect(answer.usage === undefined).toBe(usage === undefined)
  if (!usage || !answer.usage) return
  const count = (field: string): number => (typeof usage[field] === 'number' ? usage[field] : 0)
  // The total is the truth where it is larger than its parts; which of the two sides it belongs to is the usage tests' business.
  expect(inputTotal(answer.usage)).toBeGreaterThanOrEqual(count('prompt_tokens'))
  expect(outputTotal(answer.usage)).toBeGreaterThanOrEqual(count('completion_tokens'))
  expect(inputTotal(answer.usage) + outputTotal(answer.usage)).toBe(
    Math.max(count('total_tokens'), count('prompt_tokens') + count('completion_tokens')),
  )
}

/** An error behind the finish takes nothing away: the answer was whole. */
const failed = (recording: Recording): boolean => {
  const chunks = frames(recording)
  const error = chunks.findIndex((chunk) => chunk['error'] != null)
  const before = chunks.slice(0, error).flatMap((chunk) => list(chunk['choices']))
  return error !== -1 && !before.some((choice) => text(choice['finish_reason']) !== '')
}
const finished = (recording: Recording): boolean =>
  recording.response.chunks!.some((chunk) => chunk.includes('[DONE]')) ||
  readStream(recording).every(({ finish }) => finish !== '')

describe.skipIf(!recordingsPresent)('recordings of Chat Completions (skipped where they are absent)', () => {
  const all = readRecordings('openai-chat')
  const streams = all.filter(({ response }) => response.chunks)
  const whole = streams.filter((recording) => !failed(recording) && finished(recording))
  const answers = all.filter(({ response }) => response.status === 200 && list(response.json?.['choices']).length > 0)

  test('there are enough of them', () => {
    expect(whole.length).toBeGreaterThan(50)
    expect(answers.length).toBeGreaterThan(100)
  })

  test.each(streams)('every stream keeps the laws of the neutral form: $id', (recording) => {
    expect(
      brokenLaws(decodeStream(protocol, [streamBytes(recording)], dialectOf(recording.provider, protocol))),
    ).toEqual([])
  })

  test.each(whole)('a stream tells what its chunks say, however it is cut: $id', (recording) => {
    const bytes = streamBytes(recording)
    const events = decodeStream(protocol, [bytes], dialectOf(recording.provider, protocol))
    expectSame(answerOf(events), readStream(recording))
    for (const seed of [1, 2, 3]) {
      expect(
        withoutMinted(decodeStream(protocol, recut(bytes, seed), dialectOf(recording.provider, protocol))),
      ).toEqual(withoutMinted(events))
    }
  })

  test.each(whole)('a stream cut short is never a whole answer: $id', (recording) => {
    const text = streamBytes(recording).toString()
    const end = text.search(/"finish_reason"\s*:\s*"(?!")/)
    const torn = text.slice(0, text.lastIndexOf('data:', end))
    if (end === -1 || torn.trim() === '') return
    const events = decodeStream(protocol, [Buffer.from(torn)])
    expect(fold(events)).toMatchObject({ class: 'server', status: 502 })
    expect(brokenLaws(events)).toEqual([])
  })

  test.each(streams.filter(failed))('an error inside a stream is a failure: $id', (recording) => {
    const told = fold(decodeStream(protocol, [streamBytes(recording)], dialectOf(recording.provider, protocol)))
    expect(told).toMatchObject({ status: 400, message: expect.stringMatching(/./) as string })
  })

  test.each(whole)('the straight road and the crossing see the same answer: $id', (recording) => {
    const bytes = streamBytes(recording)
    const tap = protocol.raw.createTap({ model: 'shadow', includeUsage: true })
    tap.push(bytes)
    tap.finish()
    const answer = answerOf(decodeStream(protocol, [bytes], dialectOf(recording.provider, protocol)))
    expect(tap.observed.complete).toBe(true)
    expect(tap.observed.usage).toEqual(answer.usage)
    expect(tap.observed.upstreamId ?? '').toBe(answer.id)
  })

  test.each(whole)('a stream that is encoded and decoded again is the same answer: $id', (recording) => {
    const before = answerOf(decodeStream(protocol, [streamBytes(recording)], dialectOf(recording.provider, protocol)))
    const encoder = protocol.createEncoder(options)
    const encoded = decodeStream(protocol, [streamBytes(recording)], dialectOf(recording.provider, protocol))
      .map((event) => encoder.push(event))
      .join('')
    const again = answerOf(decodeStream(protocol, [Buffer.from(encoded)]))
    expect(plainWithoutIds(again)).toEqual(plainWithoutIds(before))
    expect(again.choices.map(({ finish }) => finish.reason)).toEqual(before.choices.map(({ finish }) => finish.reason))
    expect(again.model).toBe('shadow')
    if (before.usage) {
      expect(inputTotal(again.usage!)).toBe(inputTotal(before.usage))
      expect(outputTotal(again.usage!)).toBe(outputTotal(before.usage))
      expect(again.usage!.input.cacheRead).toBe(before.usage.input.cacheRead)
      expect(again.usage!.output.reasoning).toBe(before.usage.output.reasoning)
    }
  })

  test.each(answers)('a whole answer tells what it says, and so does the stream made of it: $id', (recording) => {
    const answer = protocol.decodeResponse(recording.response.json!, dialectOf(recording.provider, protocol))
    expectSame(answer, readWhole(recording))
    expect(brokenLaws(unfold(answer))).toEqual([])
    const encoded = protocol.encodeResponse(answer, options)
    expect(plainOf(protocol.decodeResponse(encoded))).toEqual(filledCalls(plainOf(answer)))
    const encoder = protocol.createEncoder(options)
    const streamed = unfold(answer)
      .map((event) => encoder.push(event))
      .join('')
    expect(plainOf(answerOf(decodeStream(protocol, [Buffer.from(streamed)])))).toEqual(filledCalls(plainOf(answer)))
  })

  test.each(answers)('an encoded answer has every key that clients read: $id', (recording) => {
    const encoded = protocol.encodeResponse(
      protocol.decodeResponse(recording.response.json!, dialectOf(recording.provider, protocol)),
      options,
    )
    expect(encoded).toMatchObject({ object: 'chat.completion', model: 'shadow' })
    expect(encoded['id']).toMatch(/^chatcmpl-/)
    expect(Number.isSafeInteger(encoded['created'])).toBe(true)
    for (const choice of list(encoded['choices'])) {
      expect(Object.keys(choice)).toEqual(expect.arrayContaining(['index', 'message', 'logprobs', 'finish_reason']))
      expect(['stop', 'length', 'tool_calls', 'content_filter']).toContain(choice['finish_reason'])
      expect(Object.keys(choice['message'] as JsonObject)).toEqual(
        expect.arrayContaining(['role', 'content', 'refusal', 'annotations']),
      )
    }
  })
})

/** A call without arguments has an empty object as its arguments for every client. */
const filledCalls = (plain: ReturnType<typeof plainOf>): ReturnType<typeof plainOf> =>
  plain.map((one) => ({ ...one, calls: one.calls.map((call) => ({ ...call, arguments: call.arguments || '{}' })) }))

const plainWithoutIds = (answer: NeutralResponse) =>
  filledCalls(plainOf(answer)).map(({ calls, ...said }) => ({
    ...said,
    calls: calls.map((call) => ({ name: call.name, arguments: call.arguments })),
  }))

/** Ids that were made up differ from run to run. */
const withoutMinted = (events: readonly unknown[]): unknown =>
  JSON.parse(JSON.stringify(events).replaceAll(/"call_[a-z0-9]{24}"/g, '"call_"'))
