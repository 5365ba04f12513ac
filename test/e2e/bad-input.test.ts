import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw } from '../support/raw-http.ts'
import {
  chatBody,
  chatPath,
  messagesBody,
  messagesPath,
  postBytes,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** Bodies that no good client sends. What is refused costs, holds and sends nothing; what is opaque passes as it came. */
const limit = 6 * 1024 * 1024
let scene: Scene
beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_MAX_BODY: String(limit) } })
  await scene.model('chat', 'openai')
  await scene.model('messages', 'anthropic')
  // Behind the other protocol: these requests are read in full and written anew.
  await scene.model('chat-crossing', 'anthropic')
  await scene.model('messages-crossing', 'openai')
}, 60_000)
afterAll(() => scene.close())

type Valid = ReturnType<typeof chatBody> & { max_tokens?: number }
type Text = string | Buffer

interface Case {
  readonly what: string
  readonly body: (valid: Valid) => Text
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string
  /** Only one of the protocols knows the field. */
  readonly only?: 'chat' | 'messages'
}

const send = (path: string, key: string | null, body: Text, headers: Record<string, string> = {}) =>
  postBytes(scene.gateway, path, key, body, headers)

const attempts = () => scene.provider.log()
const json = JSON.stringify
/** The body with raw JSON text as the value of a field. */
const withText = (valid: Valid, field: string, text: string): string => {
  const rest = Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field))
  return `${json(rest).slice(0, -1)},${json(field)}:${text}}`
}
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

const invalidJson: Case[] = [
  ['an empty body', () => ''],
  ['spaces only', () => ' \n '],
  ['a cut body', (valid: Valid) => json(valid).slice(0, -1)],
  ['a trailing comma', (valid: Valid) => `${json(valid).slice(0, -1)},}`],
  ['single quotes', (valid: Valid) => json(valid).replaceAll('"', "'")],
  ['a comment', (valid: Valid) => `/* hello */${json(valid)}`],
  ['NaN', (valid: Valid) => withText(valid, 'temperature', 'NaN')],
  ['Infinity', (valid: Valid) => withText(valid, 'temperature', '-Infinity')],
  ['a hexadecimal number', (valid: Valid) => withText(valid, 'max_tokens', '0x10')],
  ['a plus sign', (valid: Valid) => withText(valid, 'max_tokens', '+1')],
  ['a leading zero', (valid: Valid) => withText(valid, 'max_tokens', '01')],
  ['two documents', (valid: Valid) => json(valid) + json(valid)],
  ['a line break in a string', (valid: Valid) => withText(valid, 'user', '"a\nb"')],
  ['a broken escape', (valid: Valid) => withText(valid, 'user', '"\\x41"')],
  ['NUL behind the end', (valid: Valid) => `${json(valid)}\0`],
  ['ten million commas', () => `{"a":[${','.repeat(5_000_000)}]}`],
].map(([what, body]) => ({ what, body, status: 400, code: 'invalid_json' }) as Case)

const refused: Case[] = [
  ...invalidJson,
  ...['null', '1', '"text"', '[]', 'true'].map((text) => ({
    what: `${text} instead of an object`,
    body: () => text,
    status: 400,
    code: 'invalid_request',
  })),
  ...[129, 20_000, 2_000_000].map((depth) => ({
    what: `depth ${depth}`,
    body: (valid: Valid) => withText(valid, 'metadata', nested(depth)),
    status: 400,
    code: 'json_too_deep',
  })),
  ...['model', 'stream', 'max_tokens', 'messages', 'x'].map((field) => ({
    what: `${field} twice`,
    body: (valid: Valid) => `${withText(valid, field, '1').slice(0, -1)},"${field}":2}`,
    status: 400,
    code: 'duplicate_key',
  })),
  {
    what: 'model twice, once in escapes',
    body: (valid) => `${json(valid).slice(0, -1)},"mod\\u0065l":"other"}`,
    status: 400,
    code: 'duplicate_key',
  },
  ...[[0xff], [0xc0, 0xae], [0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]].map((bytes) => ({
    what: `the bytes ${Buffer.from(bytes).toString('hex')}`,
    body: (valid: Valid) => {
      const [before, after] = json({ ...valid, user: '§' }).split('§') as [string, string]
      return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)])
    },
    status: 400,
    code: 'invalid_utf8',
  })),
  ...[
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'multipart/form-data; boundary=x',
    'multipart/form-data',
    'application/json\tx',
    'application/json garbage',
    'application/json;;;',
    'application/jsonp',
    'application/json, text/plain',
  ].map((type) => ({
    what: `the type ${json(type)}`,
    body: json,
    headers: { 'content-type': type },
    status: 415,
    code: 'unsupported_media_type',
  })),
  ...['gzip', 'br', 'deflate', 'zstd', 'gzip, gzip', 'compress'].map((coding) => ({
    what: `the content coding ${coding}`,
    body: json,
    headers: { 'content-encoding': coding },
    status: 415,
    code: 'unsupported_media_type',
  })),
  ...[
    '1e309',
    '-1',
    '1.5',
    '1e18',
    '9223372036854775808',
    '9007199254740993',
    '9'.repeat(30),
    '"100"',
    '[5]',
    'true',
    '{}',
  ].map((value) => ({
    what: `max_tokens ${value}`,
    body: (valid: Valid) => withText(valid, 'max_tokens', value),
    status: 400,
    code: 'invalid_request',
  })),
  ...['0', '-0', '1e-400'].map((value) => ({
    what: `max_tokens ${value}`,
    body: (valid: Valid) => withText(valid, 'max_tokens', value),
    status: 400,
    code: 'invalid_request',
    only: 'chat' as const,
  })),
  ...['0', '-1', '129', '1.5', '"2"', '18446744073686646784', '1e309'].map((value) => ({
    what: `n ${value}`,
    body: (valid: Valid) => withText(valid, 'n', value),
    status: 400,
    code: 'invalid_request',
    only: 'chat' as const,
  })),
  ...['"true"', '1', '0', '[]', '{}'].map((value) => ({
    what: `stream ${value}`,
    body: (valid: Valid) => withText(valid, 'stream', value),
    status: 400,
    code: 'invalid_request',
  })),
  {
    what: 'stream_options without stream',
    body: (valid) => json({ ...valid, stream_options: { include_usage: true } }),
    status: 400,
    code: 'invalid_request',
    only: 'chat',
  },
  {
    what: 'include_usage that is no flag',
    body: (valid) => json({ ...valid, stream: true, stream_options: { include_usage: 'yes' } }),
    status: 400,
    code: 'invalid_request',
    only: 'chat',
  },
  {
    what: 'no max_tokens',
    body: (valid) => json({ ...valid, max_tokens: undefined }),
    status: 400,
    code: 'invalid_request',
    only: 'messages',
  },
  ...['null', '""', '1', '["chat"]', json('a'.repeat(10_000)), '"a\\nb"', '"a\\u0000b"'].map((value) => ({
    what: `the model ${value.slice(0, 20)}`,
    body: (valid: Valid) => withText(valid, 'model', value),
    status: 400,
    code: 'invalid_request',
  })),
  ...[
    '"unknown"',
    '"../chat"',
    '"CHAT"',
    '"chat "',
    '"real-chat"',
    '"openai/real-chat"',
    '"__proto__"',
    '"chat\\ud800"',
    '"\' OR 1=1--"',
  ].map((value) => ({
    what: `the model ${value}`,
    body: (valid: Valid) => withText(valid, 'model', value),
    status: 404,
    code: 'model_not_found',
  })),
  {
    what: 'no model',
    body: (valid) => json({ ...valid, model: undefined }),
    status: 400,
    code: 'invalid_request',
  },
  ...['null', '[]', ' [ ] ', '{}', '"hello"', '1'].map((value) => ({
    what: `messages ${value}`,
    body: (valid: Valid) => withText(valid, 'messages', value),
    status: 400,
    code: 'invalid_request',
  })),
  ...[
    'api_base',
    'base_url',
    'api_key',
    'custom_llm_provider',
    'extra_headers',
    'proxy',
    'organization',
    'timeout',
    'fallbacks',
  ].map((field) => ({
    what: `${field} in the body`,
    body: (valid: Valid) => withText(valid, field, '"http://127.0.0.1:1/"'),
    status: 400,
    code: 'forbidden_field',
  })),
  {
    what: 'api_base in escapes',
    body: (valid) => `${json(valid).slice(0, -1)},"api\\u005fbase":"http://127.0.0.1:1/"}`,
    status: 400,
    code: 'forbidden_field',
  },
  {
    what: 'a body over the limit',
    body: (valid) => json({ ...valid, user: 'x'.repeat(limit) }),
    status: 413,
    code: 'request_too_large',
  },
]

const protocols = [
  ['chat', chatPath, chatBody],
  ['messages', messagesPath, messagesBody],
] as const

describe.each(protocols)('a body for %s', (name, path, bodyOf) => {
  test.each(refused.filter(({ only }) => !only || only === name))(
    'is refused: $what',
    async ({ body, headers, status, code }) => {
      const before = (await attempts()).length
      const answer = await send(path, scene.key, body(bodyOf(name)), headers)
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status })
      const { error } = JSON.parse(answer.text) as { error: { message: string; code?: string } }
      if (name === 'chat') expect(error.code).toBe(code)
      expect(error.message.length).toBeGreaterThan(10)
      expect(error.message.length).toBeLessThan(600)
      expect(answer.text).not.toMatch(/sk-provider|\bat .*\.[jt]s:/)
      expect((await attempts()).length).toBe(before)
      expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
    },
  )

  test('without a type is refused', async () => {
    const answer = await send(path, scene.key, Buffer.from(json(bodyOf(name))), { 'content-type': '' })
    expect(answer.status).toBe(415)
  })

  test.each([
    ['a lone surrogate in escapes', '"\\ud800 and \\udfff"'],
    ['NUL and U+FFFF in escapes', '"a\\u0000b\\uffff"'],
    ['controls of direction, and no character', '"\u202eabc\u2066\u200b\ufeff\uffff"'],
    ['keys of JavaScript', '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}},"\\u005f_proto__":3}'],
    ['the same key twice, nested', '{"a":1,"a":2}'],
    ['numbers beyond what JavaScript can hold', '[1e309,-0,1e-400,9007199254740993,0.1000000000000000055]'],
    ['depth 127', nested(127)],
    ['spaces and escapes as they are', '{ "a" :\t[ 1 ,2 ]\n, "\\u0062":"\\/\\u00e9" }'],
  ])('passes byte for byte: %s', async (_, text) => {
    const body = withText(bodyOf(name), 'metadata', text)
    const answer = await send(path, scene.key, body)
    expect(answer.status).toBe(200)
    const sent = (await attempts()).at(-1)!.body
    expect(sent).toContain(text)
    expect(sent.replace(`"real-${name}"`, `"${name}"`).replace(/,"max_(?:completion_)?tokens":\d+\}$/, '}')).toBe(body)
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test.each([
    ['application/json', 'application/json'],
    ['capitals', 'Application/JSON'],
    ['utf-8', 'application/json; charset=utf-8'],
    ['UTF-8 in quotes', 'application/json;charset="UTF-8"'],
  ])('may be of the type %s', async (_, type) => {
    expect((await send(path, scene.key, json(bodyOf(name)), { 'content-type': type })).status).toBe(200)
  })

  test('may begin with a byte order mark, which no provider sees', async () => {
    const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(json(bodyOf(name)))])
    expect((await send(path, scene.key, body)).status).toBe(200)
    expect((await attempts()).at(-1)).toMatchObject({ model: `real-${name}` })
    expect((await attempts()).at(-1)!.body).toMatch(/^\{/)
  })

  test('a limit, a number and a model that pass are not the last of their kind', async () => {
    const most = { max_tokens: 1_000_000, user: 'x'.repeat(limit - 2000) }
    expect((await send(path, scene.key, json(bodyOf(name, most)))).status).toBe(200)
  })

  test('two types in one request are refused', async () => {
    const { host } = new URL(scene.gateway.url)
    const text = json(bodyOf(name))
    const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${scene.key}\r\nContent-Length: ${text.length}\r\n`
    const types = 'Content-Type: application/json\r\nContent-Type: application/json\r\n'
    const answer = await sendRaw(scene.gateway.url, [`${head}${types}\r\n${text}`], { until: 1 })
    expect(answer.responses[0]).toMatchObject({ status: 415 })
  })

  test('a body that grows over the limit is refused as soon as it does', async () => {
    const { host } = new URL(scene.gateway.url)
    const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${scene.key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
    // The end never comes: an answer can only be one to what has come so far.
    const whole = Array.from({ length: limit / 65_536 }, () => chunk)
    const silent = await sendRaw(scene.gateway.url, [head, ...whole], { timeoutMs: 500 })
    expect(silent.responses).toEqual([])
    const answer = await sendRaw(scene.gateway.url, [head, ...whole, '1\r\n \r\n'])
    expect(answer).toMatchObject({ closed: true, responses: [{ status: 413 }] })
  })

  const keys = (count: number, key: (i: number) => string): string =>
    `{${Array.from({ length: count }, (_, i) => `"${key(i)}":1`).join(',')}}`

  test.each([
    ['500 000 keys', () => keys(500_000, (i) => i.toString(36)), true],
    ['keys like numbers', () => keys(400_000, (i) => String(i * 65_536)), true],
    ['1 000 000 objects', () => `[${'{},'.repeat(1_000_000)}1]`, true],
    ['a string of 5 MiB', () => json('x'.repeat(5 * 1024 * 1024)), true],
    ['escapes only', () => `"${'\\u0041'.repeat(800_000)}"`, true],
    ['words that are looked for', () => `"${'image_url url file_id '.repeat(200_000)}"`, true],
    ['as many values as may be', () => keys(249_900, (i) => i.toString(36)), true],
    ['500 000 keys at the top', () => keys(500_000, (i) => i.toString(36)), false],
  ] as const)('does not stop the others: %s', async (_, make, inside) => {
    const text = make()
    for (const model of [name, `${name}-crossing`]) {
      const valid = bodyOf(model)
      const tool =
        name === 'chat'
          ? `[{"type":"function","function":{"name":"f","parameters":{"type":"object","x":${text}}}}]`
          : `[{"name":"f","input_schema":{"type":"object","x":${text}}}]`
      const body = inside ? withText(valid, 'tools', tool) : `${json(valid).slice(0, -1)},${text.slice(1)}`
      const lags: number[] = []
      // Each time against what this machine can do at this moment.
      for (let turn = 0; turn < 5 && !lags.some((lag) => lag <= 1); turn++) {
        const before = timeToRead(body)
        const lag = await lagDuring(() => send(path, scene.key, body))
        lags.push(lag / Math.max(200, mostReadings * Math.max(before, timeToRead(body))))
      }
      expect(Math.min(...lags)).toBeLessThanOrEqual(1)
    }
  })
})

/** A body is scanned, read, told anew and sent: so many times the milliseconds that JavaScript itself takes to read it and write it again, and no more. */
const mostReadings = 4
const timeToRead = (body: string): number => {
  const begun = performance.now()
  JSON.stringify(JSON.parse(body))
  return performance.now() - begun
}

/** The longest time, in milliseconds, that the gateway let another client wait while it did something. */
const lagDuring = async (work: () => Promise<{ status: number }>): Promise<number> => {
  let busy = true
  const done = work().finally(() => (busy = false))
  let longest = 0
  while (busy) {
    const asked = performance.now()
    await (await fetch(`${scene.gateway.url}/health/live`)).text()
    longest = Math.max(longest, performance.now() - asked)
  }
  expect([200, 400, 404, 413]).toContain((await done).status)
  return longest
}

test('after all of it the books are right and nothing broke inside', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  expect(scene.gateway.log()).not.toMatch(/internal_error|Maximum call stack|TypeError/)
})
