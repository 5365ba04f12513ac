import { describe, expect, test } from 'vitest'
import type { RawEdits } from '../protocol.ts'
import { inspect } from './inspect.ts'
import { raw } from './raw.ts'

const messages = '"messages": [ {"role":"user","content":"\\u00fc 1.50"} ]'
const edit = (text: string, edits: Partial<RawEdits>): string =>
  raw.request(inspect(Buffer.from(text)).scanned, { model: 'real', forceUsage: false, ...edits }).toString()

describe('the request on the straight road', () => {
  test('changes nothing but the model', () => {
    expect(edit(`{ "x":1e2 , "model" : "shadow",\n ${messages}}`, {})).toBe(
      `{ "x":1e2 , "model" : "real",\n ${messages}}`,
    )
  })

  test('asks for usage in a stream, and leaves the other options alone', () => {
    const ask = (options: string) => edit(`{"model":"s",${messages},"stream":true${options}}`, { forceUsage: true })
    expect(ask('')).toBe(`{"model":"real",${messages},"stream":true,"stream_options":{"include_usage":true}}`)
    expect(ask(',"stream_options":null')).toContain('"stream_options":{"include_usage":true}')
    expect(ask(',"stream_options":{}')).toContain('"stream_options":{"include_usage":true}')
    expect(ask(',"stream_options": {"include_obfuscation" :false}')).toContain(
      '"stream_options": {"include_obfuscation" :false,"include_usage":true}',
    )
    expect(ask(',"stream_options":{"include_usage":false,"x":1}')).toContain('{"include_usage":true,"x":1}')
    expect(ask(',"stream_options":{ "include_usage": true}')).toContain('{ "include_usage": true}')
    expect(edit(`{"model":"s",${messages}}`, { forceUsage: true })).not.toContain('stream_options')
  })

  test('lowers the limit under the name the client gave it', () => {
    const limit = (fields: string, chat = {}) => edit(`{"model":"s",${messages}${fields}}`, { maxTokens: 9, chat })
    expect(limit('')).toContain(',"max_completion_tokens":9}')
    expect(limit('', { maxTokensField: 'max_tokens' })).toContain(',"max_tokens":9}')
    expect(limit(',"max_tokens":null')).toContain('"max_completion_tokens":9')
    expect(limit(',"max_tokens":100')).toContain(`${messages},"max_tokens":9}`)
    expect(limit(',"max_tokens":5')).toContain(`${messages},"max_tokens":5}`)
    expect(limit(',"max_tokens":50,"max_completion_tokens":50')).toContain('"max_tokens":9,"max_completion_tokens":9}')
  })

  test('adds defaults for what the client left out, never a second limit', () => {
    const defaults = { temperature: 0.5, top_p: 1, max_tokens: 3 }
    expect(edit(`{"model":"s",${messages},"temperature":null}`, { defaults })).toBe(
      `{"model":"real",${messages},"temperature":null,"top_p":1,"max_tokens":3}`,
    )
    expect(edit(`{"model":"s",${messages},"max_completion_tokens":5}`, { defaults })).not.toContain('"max_tokens"')
  })
})

describe('the whole answer on the straight road', () => {
  const answer =
    '{"id":"chatcmpl-1","model" : "real" ,"choices":[{"index":0,"message":{"role":"assistant","content":"h\\u00e9y \\"model\\":\\"real\\"","tool_calls":[{"function":{"arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"x":1.0}\n'

  test('hides the model and reads the rest', () => {
    const { body, observed } = raw.response(Buffer.from(answer), { model: 'shadow "1"' })
    expect(body.toString()).toBe(answer.replace('"model" : "real"', '"model" : "shadow \\"1\\""'))
    expect(observed).toEqual({
      deliveredChars: 'héy "model":"real"{}'.length,
      complete: true,
      finish: 'stop',
      upstreamId: 'chatcmpl-1',
      usage: {
        input: { uncached: 3, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
        output: { visible: 2, reasoning: 0 },
      },
    })
  })

  test('an error where an answer was expected is a failure', () => {
    const { observed } = raw.response(Buffer.from('{"error":{"message":"no","type":"server_error"}}'), { model: 's' })
    expect(observed.failure).toMatchObject({ class: 'server', status: 500, message: 'no' })
  })

  test.each([
    '',
    'no json',
    '{"model":"real","choices":[{',
    '{"model":"real","choices":[]',
    '{"model":"real","choices":[]} trailing',
    '[]',
    'null',
    '"choices"',
    '<html>',
    '{}',
    '{"model":"real"}',
    '{"model":"real","choices":{}}',
    '{"model":"real","choices":null}',
    '{"model":"a","model":"real","choices":[]}',
    '{"choices":[],"mod\\u0065l":"a","model":"real"}',
  ])('is complete only if it is an answer of the protocol: %j', (text) => {
    const bytes = Buffer.from(text)
    const { body, observed } = raw.response(bytes, { model: 's' })
    expect(body).toBe(bytes)
    expect(observed).toEqual({ deliveredChars: 0, complete: false })
  })

  test('hides the model behind a byte order mark, an escaped key and a value that is no string', () => {
    for (const text of [
      '\ufeff{"model":"real","choices":[]}',
      '{"mod\\u0065l":"real","choices":[]}',
      '{"model":{"name":"real"},"choices":[]}',
    ]) {
      const { body, observed } = raw.response(Buffer.from(text), { model: 'shadow' })
      expect(body.toString()).toContain(':"shadow"')
      expect(body.toString()).not.toContain('real')
      expect(observed.complete).toBe(true)
    }
  })

  test('may be long: log probabilities are a million values', () => {
    const content = Array.from({ length: 100_000 }, () => ({ token: 'a', logprob: -1.5, bytes: [97] }))
    const text = JSON.stringify({ model: 'real', choices: [{ index: 0, logprobs: { content } }] })
    expect(raw.response(Buffer.from(text), { model: 's' }).observed.complete).toBe(true)
  })
})
