import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject } from '../neutral/index.ts'
import { formatEvent, maxFrameBytes, parseFrame, SseSplitter } from '../sse.ts'
import { createTap, rawResponse } from './tap.ts'

const tap = () => createTap({ model: 'shadow' })
const frame = (type: string, fields: JsonObject): string => formatEvent(type, JSON.stringify({ type, ...fields }))
const created = frame('response.created', {
  sequence_number: 0,
  response: {
    id: 'resp_1',
    object: 'response',
    status: 'in_progress',
    model: 'real',
    output: [],
    metadata: { model: 'mine' },
  },
})
const delta = (text: string, sequence_number = 1): string =>
  frame('response.output_text.delta', {
    sequence_number,
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    delta: text,
  })
const parse = (bytes: string): JsonObject[] =>
  new SseSplitter().push(Buffer.from(bytes)).flatMap((raw) => {
    const { data } = parseFrame(raw)
    return data === '' ? [] : [JSON.parse(data) as JsonObject]
  })

describe('a stream that passes', () => {
  test('is the same buffer when nothing changes', () => {
    const watched = tap()
    const bytes = Buffer.from(delta('a') + delta('b'))
    expect(watched.push(bytes)).toBe(bytes)
    expect(watched.observed).toEqual({ deliveredChars: 2, complete: false })
  })

  test("loses the model's name and nothing that a user calls a model", () => {
    expect(tap().push(Buffer.from(created)).toString()).toBe(created.replace('"model":"real"', '"model":"shadow"'))
  })

  test('delivered characters are counted by every kind of delta; escapes and long characters count once', () => {
    const watched = tap()
    const bytes =
      delta('a"b\\c\nd\u0001') +
      frame('response.reasoning_summary_text.delta', { delta: '12345', obfuscation: 'xxxxxxxx' }) +
      frame('response.function_call_arguments.delta', { delta: '{}' }) +
      formatEvent('', JSON.stringify({ delta: 'é🙂', type: 'response.output_text.delta' })) +
      formatEvent('', JSON.stringify({ type: 'response.refusal.delta', delta: 'No' }))
    watched.push(Buffer.from(bytes))
    expect(watched.observed.deliveredChars).toBe(8 + 5 + 2 + 3 + 2)
  })

  test('text that comes without deltas is counted with its item', () => {
    const watched = tap()
    const item = { type: 'message', content: [{ type: 'output_text', text: 'Hello' }] }
    watched.push(Buffer.from(frame('response.output_item.done', { output_index: 0, item })))
    watched.push(Buffer.from(delta('Hello') + frame('response.output_item.done', { output_index: 1, item })))
    expect(watched.observed.deliveredChars).toBe(10)
  })

  test.each([
    ['completed', null, 'completed'],
    ['incomplete', { reason: 'max_output_tokens' }, 'max_output_tokens'],
  ])('is complete with its last event: %s', (status, incomplete_details, finish) => {
    const watched = tap()
    const usage = { input_tokens: 5, output_tokens: 7, total_tokens: 12 }
    const last = frame(`response.${status}`, {
      response: { id: 'resp_1', model: 'real', status, incomplete_details, usage },
    })
    expect(watched.push(Buffer.from(created + delta('x') + last)).toString()).not.toContain('"real"')
    expect(watched.observed).toMatchObject({
      complete: true,
      finish,
      upstreamId: 'resp_1',
      usage: { input: { uncached: 5 }, output: { visible: 7 } },
    })
  })

  test('malformed and unknown frames pass unharmed', () => {
    const strange = Buffer.from(
      ': comment\n\nevent: new\ndata: {"type":"new"}\n\ndata: {"type":"resp\n\ndata: [1]\n\ndata:\n\n',
    )
    const watched = tap()
    expect(watched.push(strange)).toBe(strange)
    expect(watched.observed).toEqual({ deliveredChars: 0, complete: false })
  })

  test.each([
    ['an object', 'data: {"type":"response.created","response":{"model":{"name":"real"}}}\n\n'],
    ['an escaped key', 'data: {"type":"response.created","response":{"mod\\u0065l":"real"}}\n\n'],
    ['a byte order mark in front', '\ufeffdata: {"type":"response.created","response":{"model":"real"}}\n\n'],
    ['two names', 'data: {"type":"response.created","response":{"model":"real","model":"real"}}\n\n'],
    ['two responses', 'data: {"type":"response.created","response":{"model":"real"},"response":{"model":"real"}}\n\n'],
    ['two lines of data', 'data: {"type":"response.created",\ndata: "response":{"model" : "real"}}\n\n'],
    ['two lines with a return', 'data: {"type":"response.created",\r\ndata: "response":{"model" : "real"}}\r\n\r\n'],
    [
      'another name of the event',
      'event: response.output_text.delta\ndata: {"type":"response.created","response":{"model":"real"}}\n\n',
    ],
    ['a type nobody knows', 'data: {"type":"response.paused","response":{"model":"real"}}\n\n'],
    [
      'a frame that is cut',
      'event: response.created\ndata: {"type":"response.created","response":{"model":"real","out\n\n',
    ],
    ['no field of the standard', ' data: {"type":"response.created","response":{"model":"real"}}\n\n'],
  ])('never the real name: %s', (_, bytes) => {
    const out = tap().push(Buffer.from(bytes)).toString()
    expect(out).not.toContain('real')
    expect(out).toContain('"shadow"')
  })

  test('a last frame without its blank line is completed, a torn one is not sent', () => {
    const whole = tap()
    whole.push(Buffer.from('data: {"type":"response.completed","response":{"model":"real"}}\n'))
    expect(whole.finish().toString()).toBe('data: {"type":"response.completed","response":{"model":"shadow"}}\n\n\n')
    expect(whole.observed.complete).toBe(true)
    const torn = tap()
    torn.push(Buffer.from('data: {"type":"response.comp'))
    expect(torn.finish()).toHaveLength(0)
  })
})

describe('a stream that fails', () => {
  const broken = new GatewayError('upstream_disconnected', 'It broke.')

  test('is counted on from what the client saw, not from the error that it did not', () => {
    const watched = tap()
    const failed = frame('error', { sequence_number: 2, message: 'no' })
    const sent = watched.push(Buffer.from(created + delta('x', 1) + failed)).toString()
    const numbers = parse(sent + watched.fail!(broken, 'req_1')).map((event) => event['sequence_number'])
    expect(numbers).toEqual([0, 1, 2, 3])
  })

  test.each([
    ['an error event', frame('error', { error: { code: 'server_error', message: 'host 10.0.0.1' } })],
    [
      'a failed response',
      frame('response.failed', { response: { error: { code: 'server_error', message: 'host 10.0.0.1' } } }),
    ],
    [
      'a completed response that says it failed',
      frame('response.completed', {
        response: { status: 'failed', error: { code: 'server_error', message: 'host 10.0.0.1' } },
      }),
    ],
    ['a bare error', formatEvent('', JSON.stringify({ error: { code: 'server_error', message: 'host 10.0.0.1' } }))],
  ])('the words of the provider do not reach the client: %s', (_, failure) => {
    const watched = tap()
    const before = delta('x')
    expect(watched.push(Buffer.from(before + failure + delta('more'))).toString()).toBe(before)
    expect(watched.observed).toMatchObject({ complete: false, failure: { class: 'server', message: 'host 10.0.0.1' } })
    expect(watched.push(Buffer.from(delta('still more')))).toHaveLength(0)
  })

  test('ends with the numbers that come next and the response that was begun', async () => {
    const watched = tap()
    const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [] }
    const done = frame('response.output_item.done', { sequence_number: 8, output_index: 0, item })
    watched.push(Buffer.from(created + delta('x', 7) + done + 'data: {"type":"resp'))
    const ending = watched.finish().toString() + watched.fail!(broken, 'req_1')
    expect(parse(ending)).toEqual([
      { type: 'error', sequence_number: 9, code: 'upstream_disconnected', message: 'It broke.', param: null },
      {
        type: 'response.failed',
        sequence_number: 10,
        response: {
          id: 'resp_1',
          object: 'response',
          status: 'failed',
          model: 'shadow',
          output: [item],
          metadata: { model: 'mine' },
          error: { code: 'server_error', message: 'It broke.' },
        },
      },
    ])
    const client = new OpenAI({
      apiKey: 'x',
      maxRetries: 0,
      fetch: () =>
        Promise.resolve(new Response(created + ending, { headers: { 'content-type': 'text/event-stream' } })),
    })
    const stream = client.responses.stream({ model: 'shadow', input: 'hi' })
    await expect(stream.finalResponse()).rejects.toMatchObject({ message: 'It broke.', code: 'upstream_disconnected' })
  })

  test('that never began has one event to tell it', () => {
    expect(parse(tap().fail!(broken, 'req_1'))).toMatchObject([{ type: 'error', sequence_number: 0 }])
  })

  test('an event beyond the bound is a failure', () => {
    const watched = tap()
    watched.push(Buffer.from(`data: ${'x'.repeat(maxFrameBytes)}`))
    expect(watched.push(Buffer.from('x'))).toHaveLength(0)
    expect(watched.observed.failure).toMatchObject({ class: 'server', status: 502 })
  })
})

describe('a whole answer', () => {
  const pass = (body: string) => rawResponse(Buffer.from(body), { model: 'shadow' })

  test('loses only the name', () => {
    const body =
      '{ "id":"resp_1", "model" : "real", "output":[{"type":"message","content":[{"text":"hey"}]}], "metadata":{"model":"real"} }'
    const { body: out, observed } = pass(body)
    expect(out.toString()).toBe(body.replace('"real"', '"shadow"'))
    expect(observed).toEqual({ deliveredChars: 3, complete: true, finish: 'completed', upstreamId: 'resp_1' })
  })

  test.each(['', 'null', '[]', '<html>', '{}', '{"output":{}}', '{"output":[],"output":[]}', '{"output":[]'])(
    'what is none is not complete and comes back as it is: %s',
    (body) => {
      expect(pass(body)).toEqual({ body: Buffer.from(body), observed: { deliveredChars: 0, complete: false } })
    },
  )

  test('one still being made is not complete; one that failed is a failure', () => {
    expect(pass('{"status":"queued","output":[]}').observed).toMatchObject({ complete: false })
    const failed = '{"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"slow"}}'
    expect(pass(failed).observed).toMatchObject({
      complete: false,
      failure: { class: 'rate-limited', message: 'slow' },
    })
  })
})
