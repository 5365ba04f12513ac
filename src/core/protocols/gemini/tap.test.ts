import { describe, expect, test } from 'vitest'
import { createTap, rawResponse } from './tap.ts'

const chunk = (parts: object[], rest: object = {}, more: object = {}): string =>
  JSON.stringify({
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...rest }],
    modelVersion: 'gemini-real',
    responseId: 'ftnJaMmAMcm-qtsPwvCCoAo',
    ...more,
  })
const usage = (candidatesTokenCount: number) => ({ usageMetadata: { promptTokenCount: 5, candidatesTokenCount } })
const frames = (...chunks: string[]): string => chunks.map((json) => `data: ${json}\r\n\r\n`).join('')
const masked = (text: string): string => text.replaceAll('"modelVersion":"gemini-real"', '"modelVersion":"shadow"')
const run = (text: string, { size = 1 << 20, choices = 1 } = {}) => {
  const tap = createTap({ model: 'shadow', includeUsage: true, choices })
  const bytes = Buffer.from(text)
  const out: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) out.push(tap.push(bytes.subarray(at, at + size)))
  return { out: Buffer.concat([...out, tap.finish()]).toString(), observed: tap.observed }
}
const end = chunk([{ text: '' }], { finishReason: 'STOP' }, usage(9))

describe('the straight road of a stream', () => {
  test('only the name of the model changes, wherever the bytes are cut', () => {
    const text = frames(chunk([{ text: 'Zürich 🙂 "gemini-real"' }], {}, usage(3)), chunk([{ text: 'x' }]), end)
    for (const size of [1, 7, 64, 1 << 20]) {
      const { out, observed } = run(text, { size })
      expect(out).toBe(masked(text))
      expect(observed).toEqual({
        complete: true,
        deliveredChars: 23,
        finish: 'STOP',
        upstreamId: 'ftnJaMmAMcm-qtsPwvCCoAo',
        usage: {
          input: { uncached: 5, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
          output: { visible: 9, reasoning: 0 },
        },
      })
    }
  })

  test('arguments of tools that look like the protocol are nobody’s business', () => {
    const args = { modelVersion: 'gemini-real', finishReason: 'STOP', text: 'x', error: { code: 1 } }
    const text = frames(chunk([{ functionCall: { name: 'f', args } }]))
    const { out, observed } = run(text)
    expect(out).toContain(JSON.stringify(args))
    expect(observed).toEqual({
      complete: false,
      deliveredChars: JSON.stringify(args).length,
      upstreamId: expect.any(String) as string,
    })
  })

  test('usage is right at the end though most reports pass unread', () => {
    const many = Array.from({ length: 100 }, (_, index) => chunk([{ text: 'x' }], {}, usage(index)))
    expect(run(frames(...many, chunk([], { finishReason: 'STOP' }))).observed.usage?.output.visible).toBe(99)
    expect(run(frames(...many)).observed).toMatchObject({
      complete: false,
      deliveredChars: 100,
      usage: { output: { visible: 99 } },
    })
  })

  test('of arguments that come in pieces only their texts are counted', () => {
    const pieces = [{ jsonPath: '$.location', stringValue: 'Boston', willContinue: true }]
    expect(
      run(frames(chunk([{ functionCall: { partialArgs: pieces, willContinue: true } }]))).observed.deliveredChars,
    ).toBe(6)
  })

  test('every candidate must end; a server may give fewer than were asked for', () => {
    const at = (index: number, rest: object = {}) => chunk([{ text: 'x' }], { index, ...rest })
    const done = { finishReason: 'STOP' }
    expect(run(frames(at(0), at(1), at(0, done)), { choices: 2 }).observed.complete).toBe(false)
    expect(run(frames(at(0), at(1), at(0, done), at(1, done)), { choices: 2 }).observed.complete).toBe(true)
    expect(run(frames(at(0, done)), { choices: 2 }).observed.complete).toBe(true)
    expect(run(frames(at(0), at(1)), { choices: 2 }).observed.complete).toBe(false)
  })

  test('a refused prompt is a whole answer to a client of Gemini', () => {
    const text = frames(JSON.stringify({ promptFeedback: { blockReason: 'SAFETY' }, modelVersion: 'gemini-real' }))
    const { out, observed } = run(text)
    expect(out).toBe(masked(text))
    expect(observed).toMatchObject({ complete: true, finish: 'SAFETY', deliveredChars: 0 })
  })

  test('an error is not passed on: neither it nor what follows', () => {
    const error = JSON.stringify({ error: { code: 503, message: 'gemini-real is busy', status: 'UNAVAILABLE' } })
    const { out, observed } = run(frames(chunk([{ text: 'x' }]), error, end))
    expect(out).toBe(masked(frames(chunk([{ text: 'x' }]))))
    expect(observed).toMatchObject({ complete: false, failure: { class: 'overloaded', status: 503 } })
    const late = run(frames(end, error))
    expect(late.out).toBe(masked(frames(end)))
    expect(late.observed).toMatchObject({ complete: true })
    expect(late.observed.failure).toBeUndefined()
  })

  test('a cut stream is not complete, and half a frame is not passed on', () => {
    const { out, observed } = run(frames(chunk([{ text: 'x' }])) + 'data: {"candidates":[{"con')
    expect(out).toBe(masked(frames(chunk([{ text: 'x' }]))))
    expect(observed.complete).toBe(false)
    expect(run(`data: ${end}`).observed.complete).toBe(true)
    expect(run(`data: ${end}`).out).toBe(`data: ${masked(end)}\r\n\r\n`)
  })

  test('the name hides in no odd frame', () => {
    const escaped = String.raw`{"model\u0056ersion":"gemini-real","candidates":[{"finishReason":"STOP"}]}`
    const twice = '{"modelVersion":"gemini-real","candidates":[],"modelVersion":"gemini-real"}'
    const odd = [
      `data: ${escaped}\n\n`,
      `data: ${twice}\n\n`,
      `data: {"modelVersion":\ndata: "gemini-real"}\n\n`,
      `event: x\ndata: {"modelVersion":"gemini-real"}\n\n`,
      `: "modelVersion":"gemini-real"\n\n`,
      `data: {"modelVersion":"gemini-real"\n\n`,
      `data: "modelVersion": "gemini-real"\n\n`,
    ]
    for (const frame of odd) expect(run(frame).out).not.toContain('gemini-real')
    expect(run(odd[0]!).observed.complete).toBe(true)
  })

  test('the mark of another protocol, which Google’s SDK cannot read, is taken out', () => {
    expect(run(`${frames(end)}data: [DONE]\n\n`).out).toBe(masked(frames(end)))
  })
})

describe('the straight road of a whole answer', () => {
  const read = (text: string) => rawResponse(Buffer.from(text), { model: 'shadow' })

  test('only the name of the model changes', () => {
    const text = JSON.stringify(
      JSON.parse(chunk([{ text: 'Zürich "modelVersion"' }], { finishReason: 'STOP' }, usage(4))),
      null,
      2,
    )
    const { body, observed } = read(text)
    expect(body.toString()).toBe(text.replace('"gemini-real"', '"shadow"'))
    expect(observed).toMatchObject({
      complete: true,
      deliveredChars: 21,
      finish: 'STOP',
      usage: { output: { visible: 4 } },
    })
  })

  test('a refused prompt is an answer', () => {
    const { body, observed } = read('{"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"gemini-real"}')
    expect(body.toString()).toBe('{"promptFeedback":{"blockReason":"SAFETY"},"modelVersion":"shadow"}')
    expect(observed).toMatchObject({ complete: true, finish: 'SAFETY' })
  })

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"candidates":{}}',
    '<html>',
    '{"candidates":[',
    '{"candidates":[],"candidates":[]}',
  ])('%j is none and comes back as it is', (text) => {
    const { body, observed } = read(text)
    expect(body.toString()).toBe(text)
    expect(observed).toEqual({ complete: false, deliveredChars: 0 })
  })

  test('an error with a status of 200 is an error', () => {
    expect(read('{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}').observed).toMatchObject({
      complete: false,
      failure: { class: 'rate-limited', status: 429 },
    })
  })
})
