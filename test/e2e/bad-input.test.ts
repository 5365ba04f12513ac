import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCustomer } from '../support/gateway.ts'
import { sendRaw } from '../support/raw-http.ts'
import {
  chatBody,
  chatPath,
  messagesBody,
  messagesPath,
  post,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** Bodies, headers and credentials that no good client sends. What is refused costs, holds and sends nothing; what is opaque passes as it came. */
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

const send = async (path: string, key: string | null, body: Text, headers: Record<string, string> = {}) => {
  const response = await fetch(scene.gateway.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

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
      for (let turn = 0; turn < 3 && !lags.some((lag) => lag <= 200); turn++)
        lags.push(await lagDuring(() => send(path, scene.key, body)))
      expect(Math.min(...lags)).toBeLessThanOrEqual(200)
    }
  })
})

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

describe('headers', () => {
  const secrets = {
    cookie: 'session=client-secret',
    'openai-organization': 'org-client-secret',
    'openai-project': 'proj-client-secret',
    'proxy-authorization': 'Basic client-secret',
    'x-forwarded-for': '203.0.113.7',
    forwarded: 'for=203.0.113.7',
    'x-provider-url': 'http://127.0.0.1:1/client-secret',
    'x-custom-host': 'http://127.0.0.1:1/client-secret',
    'x-api-base': 'http://127.0.0.1:1/client-secret',
    'x-portkey-provider': 'client-secret',
    'x-portkey-custom-host': 'http://127.0.0.1:1/client-secret',
    'x-gateway-attempt': 'client-secret',
    'x-amz-security-token': 'client-secret',
    'user-agent': 'client-secret/1.0',
    referer: 'https://client-secret.example/',
    origin: 'https://client-secret.example',
    te: 'trailers',
    'x-stainless-lang': 'client-secret',
    'anthropic-beta': 'oauth-2025-04-20',
    __proto__: 'x',
  }

  test.each(protocols)('of a client for %s choose no destination and reach no provider', async (name, path, bodyOf) => {
    for (const how of ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']) {
      const credential = how === 'authorization' ? `Bearer ${scene.key}` : scene.key
      const answer = await send(path, null, json(bodyOf(name)), { ...secrets, [how]: credential })
      expect(answer.status).toBe(200)
      const { headers } = (await attempts()).at(-1)!
      expect(json(headers)).not.toMatch(/client-secret|203\.0\.113|sk-tg-|oauth/)
      expect(Object.keys(headers).toSorted()).toEqual(
        [
          ...(name === 'chat' ? ['authorization'] : ['anthropic-version', 'x-api-key']),
          'accept-encoding',
          'connection',
          'content-length',
          'content-type',
          'host',
          'user-agent',
          'x-request-id',
        ].toSorted(),
      )
      expect(headers['accept-encoding']).toBe('identity')
      expect(headers['user-agent']).toMatch(/^tollgate/)
      expect(headers['x-request-id']).toMatch(/^req_/)
    }
  })

  test.each(protocols)('of a provider of %s never reach the client', async (name, path, bodyOf) => {
    const headers = {
      'set-cookie': ['a=provider-secret', 'b=c'],
      server: 'provider-secret',
      'access-control-allow-origin': '*',
      'access-control-allow-credentials': 'true',
      'x-ratelimit-limit-requests': '99999',
      'anthropic-ratelimit-requests-limit': '99999',
      'openai-organization': 'provider-secret',
      'openai-processing-ms': '5',
      'anthropic-organization-id': 'provider-secret',
      'x-request-id': 'provider-secret',
      'request-id': 'provider-secret',
      'cf-ray': 'provider-secret',
      'strict-transport-security': 'max-age=1',
      'alt-svc': 'h3=":443"',
      location: 'http://127.0.0.1:1/',
      via: 'provider-secret',
      'x-envoy-upstream': 'provider-secret',
      'content-disposition': 'attachment',
      link: '<http://127.0.0.1:1/>',
    }
    const allowed = [
      'connection',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
      'transfer-encoding',
      'cache-control',
      'x-accel-buffering',
      'x-gateway-cost',
      'x-gateway-request-id',
      'x-request-id',
      'request-id',
      'x-should-retry',
      'retry-after',
    ]
    for (const status of [200, 400, 429, 500]) {
      for (const stream of [false, true]) {
        const model = `${name}-headers-${status}-${stream}`
        await scene.model(model, name === 'chat' ? 'openai' : 'anthropic')
        const chunks = status === 200 ? {} : { chunks: [json({ error: { message: 'no', type: 'x' } })] }
        await scene.provider.script(`real-${model}`, { status, headers, ...chunks })
        const answer = await send(path, scene.key, json(bodyOf(model, { stream })))
        const got = Object.fromEntries(answer.headers)
        expect(json(got) + answer.text).not.toMatch(/provider-secret|99999|127\.0\.0\.1/)
        expect(Object.keys(got).filter((header) => !allowed.includes(header))).toEqual([])
      }
    }
  })

  test('that claim an address are believed from nobody', async () => {
    const { key } = await createCustomer(scene.gateway, { key: { allow_ips: ['203.0.113.7/32'] } })
    const claims = ['203.0.113.7', '203.0.113.7, 127.0.0.1', Array(50).fill('203.0.113.7').join(','), 'junk']
    for (const claim of claims) {
      const answer = await send(chatPath, key, json(chatBody('chat')), {
        'x-forwarded-for': claim,
        'x-real-ip': claim,
        forwarded: `for=${claim}`,
      })
      expect(answer.status).toBe(403)
    }
  })

  test('of a foreign page open nothing', async () => {
    const response = await fetch(scene.gateway.url + chatPath, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(405)
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    await response.text()
  })
})

describe('credentials', () => {
  const flipped = (key: string, at: number): string => {
    const other = key[at] === 'A' ? 'B' : 'A'
    return key.slice(0, at) + other + key.slice(at + 1)
  }
  const swapped = (key: string): string =>
    key.replace(/[a-z](?=[^a-z]*$)/i, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    )
  type Lines = (key: string) => readonly string[]
  type Row = readonly [what: string, lines: Lines, status: number, query: (key: string) => string]
  const none = (): string => ''
  const rows: readonly Row[] = (
    [
      ['none', () => [], 401],
      ['Bearer alone', () => ['Authorization: Bearer'], 401],
      ['Bearer and a space', () => ['Authorization: Bearer '], 401],
      ['an empty Authorization', () => ['Authorization:'], 401],
      ['an empty x-api-key', () => ['x-api-key:'], 401],
      ['Basic', (key) => [`Authorization: Basic ${Buffer.from(`user:${key}`).toString('base64')}`], 401],
      ['Basic with the key', (key) => [`Authorization: Basic ${key}`], 401],
      ['the key without a scheme', (key) => [`Authorization: ${key}`], 401],
      ['bearer in small letters', (key) => [`authorization: bearer ${key}`], 200],
      ['BEARER in capitals', (key) => [`AUTHORIZATION: BEARER ${key}`], 200],
      ['two spaces', (key) => [`Authorization: Bearer  ${key}`], 200],
      ['two Authorization headers', (key) => [`Authorization: Bearer ${key}`, 'Authorization: Bearer other'], 401],
      ['the same Authorization twice', (key) => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`], 401],
      ['two x-api-key', (key) => [`x-api-key: ${key}`, `x-api-key: ${key}x`], 401],
      ['two that differ', (key) => [`Authorization: Bearer ${key}`, `x-api-key: ${flipped(key, 10)}`], 401],
      ['two that are the same', (key) => [`Authorization: Bearer ${key}`, `x-api-key: ${key}`], 200],
      ['a changed character', (key) => [`x-api-key: ${flipped(key, 20)}`], 401],
      ['a changed checksum', (key) => [`x-api-key: ${flipped(key, key.length - 1)}`], 401],
      ['a character less', (key) => [`x-api-key: ${key.slice(0, -1)}`], 401],
      ['a character more', (key) => [`x-api-key: ${key}A`], 401],
      ['another case', (key) => [`x-api-key: ${swapped(key)}`], 401],
      ['a space behind', (key) => [`x-api-key: ${key} `], 200],
      ['NUL behind', (key) => [`x-api-key: ${key}\0`], 400],
      ['a line break behind', (key) => [`x-api-key: ${key}\n`], 400],
      ['URL encoding', (key) => [`x-api-key: ${key.replaceAll('-', '%2D')}`], 401],
      ['the prefix only', () => ['x-api-key: sk-tg-'], 401],
      ['quotes around', (key) => [`x-api-key: "${key}"`], 401],
      ['a list', (key) => [`x-api-key: ${key}, ${key}`], 401],
      ["SQL: ' OR 1=1--", () => ["x-api-key: ' OR 1=1--"], 401],
      ['SQL: %', () => ['x-api-key: sk-tg-%'], 401],
      ['SQL: _', () => [`x-api-key: sk-tg-${'_'.repeat(49)}`], 401],
      ['SQL: \\', () => ['Authorization: Bearer \\'], 401],
      ['SQL: "; drop', () => ['Authorization: Bearer "; drop table api_keys'], 401],
      ['bytes above 127', () => ['x-api-key: sk-tg-\xff\xfe'], 401],
      ['the key in the query', () => [], 401, (key) => `?key=${key}&api_key=${key}&access_token=${key}`],
      ['the key in a cookie', (key) => [`Cookie: key=${key}`], 401],
      ['15 KB', () => [`x-api-key: sk-tg-${'A'.repeat(15_000)}`], 401],
      ['1 MB', () => [`x-api-key: sk-tg-${'A'.repeat(1_048_576)}`], 431],
    ] as readonly (readonly [string, Lines, number, Row[3]?])[]
  ).map(([what, lines, status, query]): Row => [what, lines, status, query ?? none])

  test.each(rows)('%s', async (_, lines, status, query) => {
    const before = (await attempts()).length
    const text = json(chatBody('chat'))
    const bytes = [
      `POST ${chatPath}${query(scene.key)} HTTP/1.1`,
      `Host: ${new URL(scene.gateway.url).host}`,
      'Content-Type: application/json',
      `Content-Length: ${text.length}`,
      ...lines(scene.key),
      '',
      text,
    ].join('\r\n')
    const answer = await sendRaw(scene.gateway.url, [bytes], { until: 1 })
    expect(answer.responses.map((response) => response.status)).toEqual([status])
    expect(answer.responses[0]!.body).not.toMatch(/sk-tg-\w/)
    if (status === 401)
      expect(JSON.parse(answer.responses[0]!.body)).toMatchObject({
        error: { code: expect.stringMatching(/^(invalid_api_key|ambiguous_credentials)$/) },
      })
    expect((await attempts()).length - before).toBe(status === 200 ? 1 : 0)
  })

  test('no key was written to the log', async () => {
    expect(scene.gateway.log()).not.toContain('sk-tg-')
  })

  test('a thousand keys that are nearly right cost next to nothing each', async () => {
    const started = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        post(scene.gateway, chatPath, flipped(scene.key, 6 + (i % 49)), chatBody('chat')),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect((performance.now() - started) / 1000).toBeLessThan(20)
  })
})

describe('the admin plane', () => {
  let token = ''
  beforeAll(async () => {
    token = (await scene.gateway.call<{ secret: string }>('tokens.create', { name: 'test', role: 'admin' })).secret
  })
  const path = '/api/admin/operations/users.create'
  const valid = { email: 'somebody@example.com' }
  type Row = readonly [what: string, body: Text, status: number, headers: Record<string, string>]
  const cases = (
    [
      ['a cut body', '{"email":', 400],
      ['two documents', '{}{}', 400],
      ['null', 'null', 400],
      ['an array', '[]', 400],
      ['depth 20 000', `{"email":${nested(20_000)}}`, 400],
      ['300 000 values', `{"email":[${'1,'.repeat(300_000)}1]}`, 400],
      ['a key twice', '{"email":"a@example.com","email":"b@example.com"}', 400],
      ['a key twice, once in escapes', '{"email":"a@example.com","\\u0065mail":"b@example.com"}', 400],
      ['bytes that are not UTF-8', Buffer.from('{"email":"\xff@example.com"}', 'latin1'), 400],
      ['__proto__', '{"email":"a@example.com","__proto__":{"role":"admin"}}', 400],
      ['__proto__ in escapes', '{"email":"a@example.com","\\u005f_proto__":{"role":"admin"}}', 400],
      ['constructor', '{"email":"a@example.com","constructor":{"prototype":{}}}', 400],
      ['an unknown field', json({ ...valid, balance: '1000' }), 400],
      ['a lone surrogate in a name', '{"email":"a@example.com","name":"\\ud800"}', 400],
      ['NUL in a name', '{"email":"a@example.com","name":"a\\u0000b"}', 400],
      ['controls of direction in a name', json({ ...valid, name: 'a\u202eb' }), 400],
      ['a number for a text', '{"email":5}', 400],
      ['an object for a text', '{"email":{"$ne":1}}', 400],
      ['null for what is required', '{"email":null}', 400],
      ['text/plain', json(valid), 415, { 'content-type': 'text/plain' }],
      ['a form', 'email=a', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
      ['multipart', '--x--', 415, { 'content-type': 'multipart/form-data; boundary=x' }],
      ['UTF-16', json(valid), 415, { 'content-type': 'application/json; charset=utf-16' }],
      ['no type', Buffer.from(json(valid)), 415, { 'content-type': '' }],
      ['gzip', json(valid), 415, { 'content-encoding': 'gzip' }],
      ['a body over the limit', json({ ...valid, name: 'x'.repeat(1_100_000) }), 413],
      ['a body from a stranger', json(valid), 401, { authorization: 'Bearer tgadm-x' }],
      ['the API key of a user', json(valid), 401, { authorization: 'Bearer sk-tg-x' }],
      ['Basic', json(valid), 401, { authorization: 'Basic eDp5' }],
      ['an API key in x-api-key', json(valid), 401, { authorization: '', 'x-api-key': 'sk-tg-x' }],
      ['a token in the query', json(valid), 401, { authorization: '' }],
    ] as readonly (readonly [string, Text, number, Row[3]?])[]
  ).map(([what, body, status, headers]): Row => [what, body, status, headers ?? {}])

  test.each(cases)('refuses %s', async (_, body, status, headers) => {
    const answer = await send(path, null, body, { authorization: `Bearer ${token}`, ...headers })
    expect({ status: answer.status, text: answer.text }).toMatchObject({ status })
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const problem = JSON.parse(answer.text) as Record<string, unknown>
    expect(problem).toMatchObject({ status, request_id: answer.headers.get('x-gateway-request-id') })
    for (const field of ['type', 'title', 'detail', 'code']) expect(problem[field]).toEqual(expect.any(String))
    expect(answer.text).not.toContain(token)
    const { data } = await scene.gateway.call<{ data: object[] }>('users.list', { q: 'somebody' })
    expect(data).toEqual([])
  })

  test('accepts a byte order mark', async () => {
    const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(json({ email: 'marked@example.com' }))])
    expect((await send(path, null, body, { authorization: `Bearer ${token}` })).status).toBe(200)
  })

  test('knows no two tokens, and no token twice', async () => {
    const { host } = new URL(scene.gateway.url)
    const line = `Authorization: Bearer ${token}\r\n`
    const bytes = `GET /api/admin/users HTTP/1.1\r\nHost: ${host}\r\n${line}${line}\r\n`
    const answer = await sendRaw(scene.gateway.url, [bytes], { until: 1 })
    expect(answer.responses.map((response) => response.status)).toEqual([401])
  })
})

test('after all of it the books are right and nothing broke inside', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  expect(scene.gateway.log()).not.toMatch(/internal_error|Maximum call stack|TypeError/)
})
