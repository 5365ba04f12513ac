import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendRaw } from '../support/raw-http.ts'
import { chatBody, chatPath, eventually, type Scene, startScene, verify } from '../support/scene.ts'

/** Bytes on the wire, as no client library would write them. Whatever they are: one clear answer, no charge, no call, and the gateway goes on. */
let scene: Scene
let host = ''
beforeAll(async () => {
  scene = await startScene()
  await scene.model('m', 'openai')
  host = new URL(scene.gateway.url).host
}, 60_000)
afterAll(() => scene.close())

type Headers = readonly string[]
interface Parts {
  readonly line?: string
  /** Instead of the Host line. */
  readonly host?: Headers
  /** Instead of the lines that frame the body. */
  readonly framing?: Headers
  readonly more?: Headers
  /** The body as it goes over the wire. */
  readonly body?: string
}

const json = JSON.stringify(chatBody('m'))
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const chunked = `${chunk(json)}0\r\n\r\n`
const te = 'Transfer-Encoding: chunked'

/** A paid request that would succeed, but for what is changed in it. */
const paid = ({ line, host: hosts, framing, more = [], body = json }: Parts = {}): string =>
  [
    line ?? `POST ${chatPath} HTTP/1.1`,
    ...(hosts ?? [`Host: ${host}`]),
    'Content-Type: application/json',
    `Authorization: Bearer ${scene.key}`,
    ...(framing ?? [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...more,
    '',
    body,
  ].join('\r\n')
const get = (path: string, ...more: string[]): string =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${scene.key}`, ...more, '', ''].join('\r\n')
const length = (value: string): string => paid({ framing: [`Content-Length: ${value}`] })
const coding = (value: string): string => paid({ framing: [`Transfer-Encoding: ${value}`], body: chunked })
const chunks = (body: string): string => paid({ framing: [te], body })
const manyHeaders = (count: number): string[] => Array.from({ length: count }, (_, i) => `X-${i}: 1`)

interface Case {
  readonly what: string
  readonly bytes: () => string | Buffer
  readonly status: readonly number[]
  /** Whether the connection ends; it does after every doubt about framing. */
  readonly closes?: boolean
  /** Calls that arrive at the provider. */
  readonly sent?: number
  readonly code?: string
}

const row = (
  what: string,
  bytes: () => string | Buffer,
  status: number | readonly number[],
  more: Partial<Case> = {},
): Case => {
  const list = typeof status === 'number' ? [status] : status
  return { what, bytes, status: list, closes: list.some((one) => one !== 200 && one !== 404 && one !== 401), ...more }
}
const served = { sent: 1, closes: false }

const framing: Case[] = [
  row('a plain request', () => paid(), 200, served),
  row('a chunked request', () => chunks(chunked), 200, served),
  row('Content-Length and Transfer-Encoding', () => paid({ framing: [te, 'Content-Length: 5'], body: chunked }), 400),
  row('Transfer-Encoding and Content-Length', () => paid({ framing: ['Content-Length: 5', te], body: chunked }), 400),
  row('two different lengths', () => paid({ framing: [`Content-Length: ${json.length}`, 'Content-Length: 3'] }), 400),
  row(
    'two equal lengths',
    () => paid({ framing: [`Content-Length: ${json.length}`, `Content-Length: ${json.length}`] }),
    400,
  ),
  row('a list of lengths', () => length(`${json.length}, ${json.length}`), 400),
  ...['+2', '-1', '0x2', '', ' 2 2', '18446744073709551618', '2;', '２', '2.0', '1e1'].map((value) =>
    row(`length "${value}"`, () => Buffer.from(length(value)), 400),
  ),
  row('a space in front of the colon', () => paid({ framing: [`Content-Length : ${json.length}`] }), 400),
  ...[
    'xchunked',
    'chunked, identity',
    'chunked, chunked',
    'chunked;q=1',
    '\x0bchunked',
    'identity',
    ', chunked',
    '',
  ].map((value) => row(`transfer coding ${JSON.stringify(value)}`, () => coding(value), 400)),
  row('Transfer-Encoding twice', () => paid({ framing: [te, te], body: chunked }), 400),
  row(
    'Transfer-Encoding with a folded value',
    () => paid({ framing: ['Transfer-Encoding:', ' chunked'], body: chunked }),
    400,
  ),
  ...['gzip, chunked', 'deflate, chunked'].map((value) => row(`transfer coding ${value}`, () => coding(value), 501)),
  row('Chunked in capitals', () => coding('Chunked'), 200, served),
  row('chunked on HTTP/1.0', () => paid({ line: `POST ${chatPath} HTTP/1.0`, framing: [te], body: chunked }), 400),
  ...['0x2', '-2', '2_0', 'FFFFFFFFFFFFFFFFF', '', ' 2', '2 '].map((size) =>
    row(`chunk size "${size}"`, () => chunks(`${size}\r\n{}\r\n0\r\n\r\n`), 400),
  ),
  row('a chunk line that ends with LF', () => chunks(`${json.length.toString(16)}\n${json}\r\n0\r\n\r\n`), 400),
  row('chunk data without its line end', () => chunks(`${json.length.toString(16)}\r\n${json}0\r\n\r\n`), 400),
  row('chunk data longer than its size', () => chunks(`2\r\n${json}\r\n0\r\n\r\n`), 400),
  row('a chunk extension of 20 KB', () => chunks(`2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 400),
  row(
    'trailers that look like headers',
    () => chunks(`${chunk(json)}0\r\nAuthorization: Bearer x\r\nHost: evil\r\nX-Api-Key: y\r\n\r\n`),
    200,
    served,
  ),
  row('a length among the trailers', () => chunks(`${chunk(json)}0\r\nContent-Length: 3\r\n\r\n`), 400),
]

const lines: Case[] = [
  row('line ends without CR', () => paid().replaceAll('\r\n', '\n'), 400),
  row('a bare CR in a value', () => paid({ more: ['X-A: a\rb'] }), 400),
  row('NUL in a value', () => paid({ more: ['X-A: a\0b'] }), 400),
  row('a folded header', () => paid({ more: ['X-A: a', ' b'] }), 400),
  row('a space in front of the first header', () => paid().replace('\r\nHost', '\r\n Host'), 400),
  row('a byte above 127 in a name', () => paid({ more: ['X-\xff: a'] }), 400),
  row('a header without a colon', () => paid({ more: ['nonsense'] }), 400),
  row('a header without a name', () => paid({ more: [': a'] }), 400),
  row('no Host', () => paid({ host: [] }), 400, { code: 'bad_host' }),
  row('two Hosts', () => paid({ host: [`Host: ${host}`, 'Host: evil'] }), 400, { code: 'bad_host' }),
  row('two equal Hosts', () => paid({ host: [`Host: ${host}`, `Host: ${host}`] }), 400, { code: 'bad_host' }),
  ...['a/b', 'a?b', 'a@b', 'a b', 'a#b', 'a,b', 'a\\b', '<a>', 'a'.repeat(300), ''].map((value) =>
    row(`Host "${value.slice(0, 20)}"`, () => paid({ host: [`Host: ${value}`] }), 400, { code: 'bad_host' }),
  ),
  row('a Host of IPv6', () => paid({ host: ['Host: [::1]:4100'] }), 200, served),
  row('HTTP/1.32', () => paid({ line: `POST ${chatPath} HTTP/1.32` }), 400),
  row('HTTP/0.9', () => paid({ line: `POST ${chatPath} HTTP/0.9` }), 400),
  row('no version', () => paid({ line: `POST ${chatPath}` }), 400),
  row('http/1.1 in small letters', () => paid({ line: `POST ${chatPath} http/1.1` }), 400),
  row('HTTP/2.0 on this line', () => paid({ line: `POST ${chatPath} HTTP/2.0` }), 505),
  row('the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400),
  row('HTTP/1.0', () => paid({ line: `POST ${chatPath} HTTP/1.0` }), 200, { sent: 1, closes: true }),
  row('a method with @', () => paid({ line: `P@ST ${chatPath} HTTP/1.1` }), 400),
  row('a method of 64 KB', () => `${'A'.repeat(65_536)} / HTTP/1.1\r\n\r\n`, 400),
  row('post in small letters', () => paid({ line: `post ${chatPath} HTTP/1.1` }), 400),
  row('an unknown method', () => paid({ line: `BREW ${chatPath} HTTP/1.1` }), 400),
  ...['TRACE', 'PROPFIND', 'GET', 'DELETE', 'OPTIONS', 'PUT'].map((method) =>
    row(`${method} where POST is served`, () => paid({ line: `${method} ${chatPath} HTTP/1.1` }), 405, {
      closes: false,
    }),
  ),
  ...['TRACE', 'PROPFIND'].map((method) =>
    row(`${method} on the admin plane`, () => paid({ line: `${method} /api/admin/users HTTP/1.1` }), 405),
  ),
  row('CONNECT', () => `CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n`, [], { closes: true }),
  row(
    'an offer of h2c',
    () => paid({ more: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQ'] }),
    200,
    served,
  ),
  row('a WebSocket', () => get('/v1/responses', 'Connection: Upgrade', 'Upgrade: websocket'), 426, {
    code: 'upgrade_required',
  }),
  row(
    'Connection names the credentials',
    () => paid({ more: ['Connection: authorization, content-type'] }),
    200,
    served,
  ),
  row(
    'header names of JavaScript',
    () => paid({ more: ['__proto__: a', 'constructor: b', 'toString: c', 'hasOwnProperty: d'] }),
    200,
    served,
  ),
  row(
    'names with underscores',
    () => paid({ more: ['Content_Length: 3', 'Transfer_Encoding: chunked', 'X_Forwarded_For: 1.1.1.1'] }),
    200,
    served,
  ),
  row('a GET with a body', () => get('/v1/models', 'Content-Length: 5') + 'hello' + get('/health/live'), [200, 200], {
    closes: false,
  }),
  row('a GET whose body is a request', () => get('/v1/models', `Content-Length: ${paid().length}`) + paid(), 200, {
    closes: false,
  }),
  row('Expect: junk', () => paid({ more: ['Expect: junk'] }), 417),
  row('an empty line in front', () => `\r\n${paid()}`, 200, served),
  row('TLS on the plain port', () => Buffer.from(`16030100c8010000c40303${'ab'.repeat(200)}`, 'hex'), 400),
  row('random bytes', () => Buffer.from('80ff00017f03e2a8'.repeat(25), 'hex'), 400),
]

const limits: Case[] = [
  row('100 headers', () => paid({ more: manyHeaders(96) }), 200, served),
  row('101 headers', () => paid({ more: manyHeaders(97) }), 431, { code: 'headers_too_large' }),
  row(
    '2100 headers that hide the length',
    () => paid({ framing: [], more: [...manyHeaders(2100), `Content-Length: ${json.length}`] }),
    431,
  ),
  row('headers of 16 KB', () => paid({ more: [`X-A: ${'a'.repeat(16_384)}`] }), 431, { code: 'headers_too_large' }),
  row('a credential of 1 MB', () => paid({ more: [`X-Api-Key: ${'a'.repeat(1_048_576)}`] }), 431),
  row('a cookie of 8 KB', () => paid({ more: [`Cookie: ${'a'.repeat(8192)}`] }), 200, served),
  row('300 cookies', () => paid({ more: Array.from({ length: 300 }, () => 'Cookie: a=b') }), 431),
  row(
    '500 accepted codings',
    () => paid({ more: [`Accept-Encoding: ${Array.from({ length: 500 }, (_, i) => `x${i}`).join(', ')}`] }),
    200,
    served,
  ),
  row('a URL of 9 KB', () => get(`/v1/models?${'a'.repeat(9000)}`), 414, { code: 'url_too_long' }),
  row('a URL of 17 KB', () => get(`/v1/models?${'a'.repeat(17_000)}`), 414, { code: 'url_too_long' }),
  row('an X-Request-Id of 10 KB', () => paid({ more: [`X-Request-Id: ${'a'.repeat(10_000)}`] }), 200, served),
]

const targets: Case[] = [
  row('another host in full', () => paid({ line: `POST http://evil${chatPath} HTTP/1.1` }), 400, {
    code: 'misdirected',
  }),
  row('the admin plane of another host', () => paid({ line: 'GET http://x/api/admin/users HTTP/1.1' }), 400, {
    code: 'misdirected',
  }),
  row('our own host in full', () => paid({ line: `POST http://${host}${chatPath} HTTP/1.1` }), 200, served),
  row('another scheme', () => paid({ line: 'GET file:///etc/passwd HTTP/1.1' }), 400),
  row('an asterisk', () => paid({ line: 'OPTIONS * HTTP/1.1' }), 400, { code: 'bad_url' }),
  row('no path', () => paid({ line: 'GET ?x HTTP/1.1' }), 400),
  ...['%zz', '%', '%00', '%c0%ae', '\xff'].flatMap((bad) => [
    row(`${JSON.stringify(bad)} in a path`, () => get(`/v1/models/${bad}`), 400),
    row(`${JSON.stringify(bad)} in a query`, () => get(`/v1/models?a=${bad}`), 400),
    row(`${JSON.stringify(bad)} on the admin plane`, () => get(`/api/admin/users/${bad}`), 400),
  ]),
  ...[
    '/v1/%2e%2e/api/admin/users',
    '/v1/../api/admin/users',
    '/v1/./models',
    '//v1/models',
    '//api/admin/users',
    '/api/./admin/users',
    '/api;x=1/admin/users',
    '/API/admin/users',
    '/V1/models',
    '/v1//models',
    '/v1/models;x=1',
    '/v1%2fmodels',
    '/v1/chat/completions/../../models',
    '/v1\\models',
    '/api/v1/../admin/users',
    '/v1/models%00',
  ].map((path) =>
    row(`the path ${path}`, () => get(path), path.includes('%00') ? 400 : 404, { closes: path.includes('%00') }),
  ),
  row('a fragment', () => get('/v1/models#x'), 404),
  row(
    'X-Original-URL',
    () => get('/health/live', 'X-Original-URL: /api/admin/users', 'X-HTTP-Method-Override: POST'),
    200,
  ),
  row(
    'a method override',
    () => paid({ line: `GET ${chatPath} HTTP/1.1`, more: ['X-HTTP-Method-Override: POST'] }),
    405,
    { closes: false },
  ),
]

const order: Case[] = [
  row('two requests at once', () => paid() + paid(), [200, 200], { sent: 2, closes: false }),
  row('a paid request behind a broken one', () => length('-1') + paid(), 400),
  row('a paid request behind one with two Hosts', () => paid({ host: ['Host: a', 'Host: b'] }) + paid(), 400),
  row('a paid request behind one that says close', () => get('/v1/models', 'Connection: close') + paid(), 200, {
    closes: true,
  }),
  row('a paid request behind a refused expectation', () => paid({ more: ['Expect: junk'] }) + paid(), 417),
  row(
    'a paid request behind a chunked one of HTTP/1.0',
    () => paid({ line: `POST ${chatPath} HTTP/1.0`, framing: [te], body: chunked }) + paid(),
    400,
  ),
  row('16 waiting requests', () => get('/v1/models').repeat(17), Array<number>(17).fill(200), { closes: false }),
  row('1000 waiting requests', () => paid() + get('/v1/models').repeat(1000), [...Array<number>(17).fill(200), 400], {
    sent: 1,
  }),
  row('garbage behind a request that is being answered', () => `${paid()}\0\0\0\0`, [], { closes: true }),
]

const attempts = async (): Promise<number> => (await scene.provider.log()).length

const alive = async (): Promise<void> => {
  const response = await fetch(`${scene.gateway.url}/health/live`)
  expect(response.status).toBe(200)
  await response.text()
}

describe.each([
  ['framing of a body', framing],
  ['lines and headers', lines],
  ['limits', limits],
  ['targets', targets],
  ['requests in a row', order],
])('%s', (_, cases) => {
  test.each(cases)('$what', async ({ bytes, status, closes = false, sent = 0, code }) => {
    const before = await attempts()
    const started = performance.now()
    const answer = await sendRaw(scene.gateway.url, [bytes()], {
      ...(!closes && { until: status.length }),
      timeoutMs: 3_000,
    })
    const took = performance.now() - started
    expect(answer.responses.map((response) => response.status)).toEqual(status)
    expect(answer.closed).toBe(closes)
    if (closes) expect(answer.rest).toBe('')
    expect(took).toBeLessThan(2_500)
    for (const { status: got, headers, body } of answer.responses) {
      expect(headers.get('content-type')).toMatch(/^application\/(problem\+)?json/)
      expect(body).not.toContain(scene.key)
      if (got >= 400) JSON.parse(body)
      if (got === 405) expect(headers.get('allow')).toBeTruthy()
    }
    if (code !== undefined) expect(answer.responses.at(-1)?.body).toContain(`"code":"${code}"`)
    expect((await attempts()) - before).toBe(sent)
    expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
    await alive()
  })
})

describe('what comes in pieces', () => {
  test('a paid request that arrives behind a broken one is not begun', async () => {
    const before = await attempts()
    const answer = await sendRaw(scene.gateway.url, [paid({ host: ['Host: a', 'Host: b'] }), paid(), paid()], {
      pauseMs: 5,
    })
    expect(answer).toMatchObject({ closed: true, responses: [{ status: 400 }] })
    expect(await attempts()).toBe(before)
  })

  test('a paid request is whole at any cut', async () => {
    const before = await attempts()
    const bytes = chunks(chunk(json.slice(0, 10)) + chunk(json.slice(10)) + '0\r\n\r\n')
    for (let at = 1; at < bytes.length; at += 37) {
      const pieces = [bytes.slice(0, at), bytes.slice(at)]
      const answer = await sendRaw(scene.gateway.url, pieces, { until: 1, pauseMs: 1 })
      expect(answer.responses.map(({ status }) => status)).toEqual([200])
    }
    expect((await attempts()) - before).toBe(Math.ceil((bytes.length - 1) / 37))
  })

  test('a client that closes its direction and reads on gets its whole answer', async () => {
    const answer = await sendRaw(scene.gateway.url, [paid()], { halfClose: true })
    expect(answer).toMatchObject({ closed: true, rest: '', responses: [{ status: 200 }] })
    expect(JSON.parse(answer.responses[0]!.body)).toMatchObject({ model: 'm' })
  })

  test.each([false, true])(
    'also when the answer takes its time (stream: %s), with nothing in it but interim answers and comments',
    async (stream) => {
      await scene.model(`slow-${stream}`, 'openai')
      const text = 'one two three four five'
      await scene.provider.script(`real-slow-${stream}`, { text, delayMs: 200, chunkDelayMs: 60 })
      const body = JSON.stringify(chatBody(`slow-${stream}`, { stream }))
      const answer = await sendRaw(scene.gateway.url, [paid({ body })], { halfClose: true })
      expect(answer).toMatchObject({ closed: true, rest: '', responses: [{ status: 200 }] })
      const received = answer.responses[0]!.body
      if (stream) expect(received.trimEnd()).toMatch(/data: \[DONE\]$/)
      for (const line of received.split('\n')) {
        if (stream && line !== '') expect(line).toMatch(/^(data: |:)/)
      }
    },
  )

  test('a client that has really gone is noticed in the silence of a stream, and the provider is stopped', async () => {
    await scene.model('silence', 'openai')
    await scene.provider.script('real-silence', { text: 'one two three four', chunkDelayMs: 600 })
    const attempt = async () => (await scene.provider.log()).find((one) => one.model === 'real-silence')
    const socket = connect(Number(new URL(scene.gateway.url).port), '127.0.0.1')
    let received = ''
    socket.on('error', () => {}).on('data', (bytes: Buffer) => (received += bytes.toString()))
    socket.write(paid({ body: JSON.stringify(chatBody('silence', { stream: true })) }))
    await eventually(async () => (received.includes('"one"') ? true : undefined))
    socket.destroy()
    // Sooner than the provider says its next word.
    await eventually(async () => ((await attempt())?.outcome === 'closed' ? true : undefined), 500)
  })

  test('a client that has really gone before the answer is in the log as gone', async () => {
    await scene.model('late', 'openai')
    await scene.provider.script('real-late', { delayMs: 400 })
    const socket = connect(Number(new URL(scene.gateway.url).port), '127.0.0.1')
    socket.on('error', () => {}).write(paid({ body: JSON.stringify(chatBody('late')) }))
    await eventually(async () =>
      (await scene.provider.log()).some(({ model }) => model === 'real-late') ? true : undefined,
    )
    socket.destroy()
    const logged = await eventually(
      async () => (await scene.gateway.call<{ data: object[] }>('requests.list', { model: 'late' })).data[0],
    )
    expect(logged).toMatchObject({ status: 499, error_code: 'client_closed', usage_quality: 'exact' })
  })

  test('a client that closes in the middle of its body leaves nothing behind', async () => {
    const before = await attempts()
    await sendRaw(scene.gateway.url, [paid({ framing: ['Content-Length: 1000'] })], { halfClose: true })
    await sendRaw(scene.gateway.url, [chunks(chunk(json))], { halfClose: true })
    expect(await attempts()).toBe(before)
    expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  })

  test('the body is asked for only when it is wanted', async () => {
    const expecting = { more: ['Expect: 100-continue'] }
    const wanted = await sendRaw(
      scene.gateway.url,
      [paid({ ...expecting, body: '', framing: [`Content-Length: ${json.length}`] }), json],
      {
        until: 1,
        pauseMs: 100,
      },
    )
    expect(wanted).toMatchObject({ interim: 1, responses: [{ status: 200 }] })
    const stranger = paid({ ...expecting, body: '', framing: ['Content-Length: 1000'] }).replace(scene.key, 'sk-x')
    const unwanted = await sendRaw(scene.gateway.url, [stranger])
    expect(unwanted).toMatchObject({ closed: true, interim: 0, responses: [{ status: 401 }] })
  })

  test.each(['../../etc', 'a b', 'a'.repeat(129), '{"a":1}', 'ü'])(
    'a request id like %s is replaced by our own',
    async (id) => {
      const answer = await sendRaw(scene.gateway.url, [get('/v1/models', `X-Request-Id: ${id}`)], { until: 1 })
      const { headers } = answer.responses[0]!
      expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-z]+$/)
      expect(headers.get('x-request-id')).toBe(headers.get('x-gateway-request-id'))
    },
  )

  test('a request id that splits a header is a header of its own and is not echoed', async () => {
    const answer = await sendRaw(scene.gateway.url, [get('/v1/models', 'X-Request-Id: a\r\nSet-Cookie: b=c')], {
      until: 1,
    })
    expect(answer.responses[0]!.headers.get('x-request-id')).toBe('a')
    expect(answer.responses[0]!.headers.has('set-cookie')).toBe(false)
  })

  test('a million chunks of one byte cost memory and time in proportion to their bytes', async () => {
    const before = await attempts()
    const text = JSON.stringify(chatBody('m', { user: 'x'.repeat(1_000_000) }))
    const bytes = `${text.replace(/./g, '1\r\n$&\r\n')}0\r\n\r\n`
    const started = performance.now()
    const busy = sendRaw(scene.gateway.url, [paid({ framing: [te], body: bytes })], { until: 1, timeoutMs: 20_000 })
    let slowest = 0
    for (let i = 0; i < 20; i++) {
      const asked = performance.now()
      await alive()
      slowest = Math.max(slowest, performance.now() - asked)
    }
    const answer = await busy
    expect(answer.responses.map(({ status }) => status)).toEqual([200])
    expect((await attempts()) - before).toBe(1)
    expect(slowest).toBeLessThan(500)
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('a refusal reaches a client that is still sending', async () => {
    const stranger = paid({ framing: ['Content-Length: 4000000'], body: '' }).replace(scene.key, 'sk-x')
    const pieces = Array.from({ length: 40 }, () => Buffer.alloc(100_000, 0x20))
    const answer = await sendRaw(scene.gateway.url, [stranger, ...pieces], { pauseMs: 1 })
    expect(answer).toMatchObject({ closed: true, responses: [{ status: 401 }] })
  })
})

test('5 000 connections that say nothing or half of something keep nobody waiting', async () => {
  const port = Number(new URL(scene.gateway.url).port)
  const sockets: Socket[] = []
  try {
    for (let batch = 0; batch < 10; batch++) {
      const opened = Array.from({ length: 500 }, (_, i) => {
        const socket = connect(port, '127.0.0.1')
        sockets.push(socket.on('error', () => {}))
        if (i % 2 === 0) socket.write(`POST ${chatPath} HTTP/1.1\r\nHost: a\r\nX-A: `)
        return once(socket, 'connect')
      })
      await Promise.all(opened)
    }
    const started = performance.now()
    const answer = await sendRaw(scene.gateway.url, [paid()], { until: 1 })
    expect(answer.responses.map(({ status }) => status)).toEqual([200])
    expect(performance.now() - started).toBeLessThan(1_000)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  await alive()
})

test('after all of it the books are right and the gateway has logged no error of its own', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  expect(scene.gateway.log()).not.toContain('internal_error')
})
