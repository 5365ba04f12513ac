import { describe, expect, test } from 'vitest'
import { answered, sentBody, sideRoad } from '../../../test/support/side-road.ts'
import { readRecordingsIn, recordingsPresent, recut, streamBytes } from '../../../test/support/recordings.ts'
import { completions } from './completions.ts'

const ask = (more: object = {}, kind = 'openai') =>
  sideRoad(completions, { model: 'shadow', prompt: 'hi', ...more }, { kind })
const facts = (body: object) => completions.inspect(Buffer.from(JSON.stringify({ model: 'm', ...body })), {})

test('the limit that is held is the limit that is sent, the default of the API included', () => {
  expect(facts({ prompt: 'a' }).maxTokens).toBe(16)
  expect(JSON.parse(ask().request(undefined).toString())).toMatchObject({ max_tokens: 16, model: 'real-model' })
  expect(JSON.parse(ask({ max_tokens: 50 }).request(20).toString())).toMatchObject({ max_tokens: 20 })
})

test('every prompt is answered, and best_of is paid for', () => {
  expect(facts({ prompt: ['a', 'b'], n: 2, best_of: 3 }).choices).toBe(6)
  expect(facts({ prompt: [1, 2, 3] }).choices).toBe(1)
  expect(facts({ prompt: [[1, 2], [3]] }).choices).toBe(2)
})

test('usage is asked of a stream whatever the client says, and hidden from one that did not ask', () => {
  const road = ask({ stream: true, stream_options: { include_usage: false, other: 1 } })
  expect(sentBody(road)).toMatchObject({ stream_options: { include_usage: true, other: 1 } })
  const tap = road.stream()
  const chunk = (fields: string) => Buffer.from(`data: {"object":"text_completion","model":"real-model",${fields}}\n\n`)
  const first = String(tap.push(chunk('"choices":[{"text":"Hello","index":0,"finish_reason":null}]')))
  const last = String(tap.push(chunk('"choices":[{"text":"","index":0,"finish_reason":"stop"}]')))
  const usage = String(tap.push(chunk('"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":1}')))
  expect(first).toContain('"model":"shadow"')
  expect(last).toContain('"stop"')
  expect(usage).toBe('')
  expect(tap.observed).toMatchObject({ deliveredChars: 5, complete: true, usage: { output: { visible: 1 } } })
})

test.each([
  ['no prompt', {}],
  ['an empty list', { prompt: [] }],
  ['a mixed list', { prompt: ['a', 1] }],
  ['n of 129', { prompt: 'a', n: 129 }],
  ['a negative limit', { prompt: 'a', max_tokens: -1 }],
  ['stream as text', { prompt: 'a', stream: 'yes' }],
  ['stream options without a stream', { prompt: 'a', stream_options: {} }],
])('%s: 400', (_, body) => {
  expect(() => facts(body)).toThrow(expect.objectContaining({ status: 400 }))
})

test('a provider without it is said to have none', () => {
  for (const kind of ['anthropic', 'groq', 'mistral'])
    expect(() => ask({}, kind)).toThrow(expect.objectContaining({ code: 'unsupported_endpoint' }))
})

describe.skipIf(!recordingsPresent)('recordings', () => {
  test('whole answers and streams are metered, with no byte changed but the name', () => {
    const recordings = readRecordingsIn('openai-completions')
    expect(recordings.length).toBeGreaterThan(4)
    for (const recording of recordings) {
      const { id, response } = recording
      const real = JSON.stringify(response.json ?? response.chunks?.join('')).match(
        /\\?"model\\?": ?\\?"([^"\\]+)/,
      )?.[1]
      const streamed = response.chunks !== undefined
      const road = ask({ stream: streamed, ...(streamed && { stream_options: { include_usage: true } }) })
      if (!streamed) {
        const { json, observed } = answered(road, response.json)
        expect(json, id).toEqual({ ...response.json, model: 'shadow' })
        expect(observed, id).toMatchObject({ complete: true, usage: {} })
        continue
      }
      const tap = road.stream()
      const out = recut(streamBytes(recording), 7).map((piece) => String(tap.push(piece)))
      out.push(String(tap.finish()))
      expect(out.join(''), id).toBe(
        streamBytes(recording).toString().replaceAll(`"model":"${real}"`, '"model":"shadow"'),
      )
      expect(tap.observed.complete, id).toBe(true)
      expect(tap.observed.deliveredChars, id).toBeGreaterThan(0)
    }
  })
})
