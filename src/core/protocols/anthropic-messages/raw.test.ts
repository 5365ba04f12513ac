import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../neutral/index.ts'
import { maxFrameBytes } from '../sse.ts'
import { inspect } from './inspect.ts'
import { raw } from './raw.ts'

const odd =
  '{ "max_tokens":1.0e3 ,\n "model" : "shadow","messages":[{"role":"user","content":"\\u00e9 1.50"}], "x":1.10 }'
const request = (body: string, edits: Partial<Parameters<typeof raw.request>[1]> = {}): string =>
  raw.request(inspect(Buffer.from(body)).scanned, { model: 'real', forceUsage: true, ...edits }).toString()

describe('the raw request', () => {
  test('only the model changes: order, spaces, numbers and escapes stay as written', () => {
    expect(request(odd)).toBe(odd.replace('"shadow"', '"real"'))
  })

  test('the limit is lowered, never raised, and 0 stays 0', () => {
    expect(JSON.parse(request(odd, { maxTokens: 500 }))).toMatchObject({ max_tokens: 500 })
    expect(request(odd, { maxTokens: 5000 })).toContain('1.0e3')
    expect(JSON.parse(request(odd.replace('1.0e3', '0'), { maxTokens: 5 }))).toMatchObject({ max_tokens: 0 })
  })

  test('defaults fill what the client left out and nothing else', () => {
    const body = JSON.parse(request(odd, { defaults: { temperature: 0.2, x: 9, top_k: 4 } })) as JsonObject
    expect(body).toMatchObject({ temperature: 0.2, top_k: 4, x: 1.1 })
  })

  test('a thinking budget follows the limit that was lowered below it', () => {
    const body = (budget: number) =>
      JSON.stringify({
        model: 'm',
        max_tokens: 8000,
        messages: [{}],
        thinking: { type: 'enabled', budget_tokens: budget },
      })
    const thinking = (budget: number, maxTokens: number) =>
      (JSON.parse(request(body(budget), { maxTokens })) as JsonObject)['thinking']
    expect(thinking(4000, 6000)).toEqual({ type: 'enabled', budget_tokens: 4000 })
    expect(thinking(4000, 3000)).toEqual({ type: 'enabled', budget_tokens: 2999 })
    expect(thinking(4000, 900)).toEqual({ type: 'disabled' })
    // What was wrong before stays wrong: the provider says so.
    expect(thinking(9000, 3000)).toEqual({ type: 'enabled', budget_tokens: 9000 })
  })
})

describe('the raw answer', () => {
  const body = (fields: JsonObject) =>
    Buffer.from(
      JSON.stringify({
        id: 'msg_1',
        type: 'message',
        model: 'real-1',
        content: [{ type: 'text', text: 'hé' }],
        stop_reason: 'end_turn',
        ...fields,
      }),
    )

  test('names the shadow model and reads usage and finish', () => {
    const { body: out, observed } = raw.response(body({ usage: { input_tokens: 3, output_tokens: 2 } }), {
      model: 'shadow',
    })
    expect(out.toString()).toBe(body({ model: 'shadow', usage: { input_tokens: 3, output_tokens: 2 } }).toString())
    expect(observed).toEqual({
      deliveredChars: 2,
      complete: true,
      finish: 'end_turn',
      upstreamId: 'msg_1',
      usage: {
        input: { uncached: 3, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
        output: { visible: 2, reasoning: 0 },
      },
    })
  })

  test('arguments of a tool that speak of models stay as the model wrote them', () => {
    const content = [{ type: 'tool_use', id: 't', name: 'f', input: { model: 'real-1' } }]
    const { body: out } = raw.response(body({ content }), { model: 'shadow' })
    expect(JSON.parse(out.toString())).toMatchObject({ model: 'shadow', content })
  })

  test.each([
    '',
    '<html>',
    '[]',
    '[1]',
    'null',
    '{"a":',
    '{}',
    '{"type":"message","model":"real"}',
    '{"model":"real","content":"text"}',
    '{"model":"real","content":null}',
    '{"model":"real","content":[]',
    '{"model":"real","content":[],"model":"real"}',
  ])('is complete only if it is an answer of the protocol: %j', (text) => {
    const bytes = Buffer.from(text)
    const { body: out, observed } = raw.response(bytes, { model: 'shadow' })
    expect(out).toBe(bytes)
    expect(observed).toEqual({ deliveredChars: 0, complete: false })
  })

  test('an error object with status 200 is a failure', () => {
    const bytes = Buffer.from('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
    expect(raw.response(bytes, { model: 's' }).observed.failure).toMatchObject({ class: 'overloaded', status: 529 })
  })
})

describe('the tap', () => {
  const tap = () => raw.createTap({ model: 'shadow', includeUsage: true })
  const frame = (type: string, fields: JsonObject) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
  const text = (value: string) => frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: value } })

  test('a chunk in which nothing changes passes as the very same buffer', () => {
    const watched = tap()
    const chunk = Buffer.from(text('a') + frame('ping', {}) + text('b'))
    expect(watched.push(chunk)).toBe(chunk)
  })

  test('padding behind the data stays', () => {
    const padded = Buffer.from(
      `event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":4}}      \n\n`,
    )
    expect(tap().push(padded)).toBe(padded)
  })

  test('frames torn by the network go out whole', () => {
    const watched = tap()
    const bytes = Buffer.from(text('grüße 🙂'))
    expect(watched.push(bytes.subarray(0, 70))).toHaveLength(0)
    expect(watched.push(bytes.subarray(70)).equals(bytes)).toBe(true)
    expect(watched.observed.deliveredChars).toBe(7)
  })

  test('delivered characters are counted by text, reasoning and arguments, not by signatures; escapes count once', () => {
    const watched = tap()
    const delta = (fields: JsonObject) => frame('content_block_delta', { index: 0, delta: fields })
    watched.push(
      Buffer.from(
        text('a"b\\c\nd\u0001') +
          delta({ type: 'thinking_delta', thinking: '12345' }) +
          delta({ type: 'input_json_delta', partial_json: '{}' }) +
          delta({ type: 'signature_delta', signature: 'x'.repeat(99) }) +
          delta({ text: 'other key order', type: 'text_delta' }),
      ),
    )
    expect(watched.observed.deliveredChars).toBe(8 + 5 + 2 + 15)
  })

  test('malformed and unknown frames pass unharmed', () => {
    const watched = tap()
    const strange = Buffer.from(
      ': comment\n\nevent: message_start\ndata: {"type":"mess\n\ndata: [1]\n\nevent: new_thing\ndata: {"type":"new_thing"}\n\ndata:\n\n',
    )
    expect(watched.push(strange)).toBe(strange)
    expect(watched.observed).toEqual({ deliveredChars: 0, complete: false })
  })

  test('only the model is replaced, in whatever layout the frame came', () => {
    const watched = tap()
    const bytes =
      'data: { "type" : "message_start",\r\ndata: "message":{"id":"msg_1","model" :  "real/1","usage":{"input_tokens":2}} }  \r\n\r\n'
    expect(watched.push(Buffer.from(bytes)).toString()).toBe(bytes.replace('"real/1"', '"shadow"'))
    expect(watched.observed).toMatchObject({ upstreamId: 'msg_1', usage: { input: { uncached: 2 } } })
  })

  test.each([
    ['an object', 'event: message_start\ndata: {"type":"message_start","message":{"model":{"name":"real"}}}\n\n'],
    ['an array', 'event: message_start\ndata: {"type":"message_start","message":{"model":["real"]}}\n\n'],
    ['an escaped key', 'data: {"type":"message_start","message":{"mod\\u0065l":"real"}}\n\n'],
    ['a byte order mark in front', '\ufeffdata: {"type":"message_start","message":{"model":"real"}}\n\n'],
    ['two names', 'data: {"type":"message_start","message":{"model":"real","model":"real"}}\n\n'],
    ['a frame that is cut', 'event: message_start\ndata: {"type":"message_start","message":{"model":"real","con\n\n'],
    ['no field of the standard', ' data: {"type":"message_start","message":{"model":"real"}}\n\n'],
  ])('never the real name: %s', (_, bytes) => {
    const out = tap().push(Buffer.from(bytes)).toString()
    expect(out).not.toContain('real')
    expect(out).toContain('"model":"shadow"')
  })

  test('an error event is a failure and its words do not reach the client', () => {
    const watched = tap()
    const before = text('a')
    const out = watched.push(
      Buffer.from(
        `${before}event: error\ndata: {"type":"error","error":{"type":"api_error","message":"host 10.0.0.1"}}\n\n`,
      ),
    )
    expect(out.toString()).toBe(before)
    expect(watched.observed).toMatchObject({
      complete: false,
      failure: { class: 'server', status: 500, message: 'host 10.0.0.1' },
    })
  })

  test('a last frame without its blank line is completed, a torn one is not sent', () => {
    const whole = tap()
    whole.push(Buffer.from('event: message_stop\ndata: {"type":"message_stop"}\n'))
    expect(whole.finish().toString()).toBe('event: message_stop\ndata: {"type":"message_stop"}\n\n\n')
    expect(whole.observed.complete).toBe(true)
    const torn = tap()
    torn.push(Buffer.from('event: content_block_delta\ndata: {"type":"content_bl'))
    expect(torn.finish()).toHaveLength(0)
  })

  test('an event beyond the bound ends the stream as a failure', () => {
    const watched = tap()
    watched.push(Buffer.from(`data: ${'x'.repeat(maxFrameBytes)}`))
    expect(watched.push(Buffer.from('x'))).toHaveLength(0)
    expect(watched.observed.failure).toMatchObject({ class: 'server', status: 502 })
  })
})
