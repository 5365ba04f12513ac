import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askedOfM, chunk, chunkedCoding, type Parts, rawRequests, sendRaw } from '../support/raw-http.ts'
import { eventually, chatPath, type Scene, startScene, verify } from '../support/scene.ts'

/** Bytes on the wire, as no client library would write them. Whatever they are: one clear answer, no charge, no call, and the gateway goes on. */
let scene: Scene
let host = ''
beforeAll(async () => {
  scene = await startScene()
  await scene.model('m', 'openai')
  host = new URL(scene.gateway.url).host
}, 60_000)
afterAll(() => scene.close())

const json = askedOfM
const te = chunkedCoding
const chunked = `${chunk(json)}0\r\n\r\n`
const paid = (parts?: Parts): string => rawRequests(scene).paid(parts)
const get = (path: string, ...more: string[]): string => rawRequests(scene).get(path, ...more)
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

/** Nothing stays held: what a vanished connection began is settled as soon as its end is known. */
const quiet = (): Promise<true> =>
  eventually(async () => {
    const books = await verify(scene.gateway)
    expect(books).toMatchObject({ ok: true })
    return books.holds_open === 0 ? true : undefined
  })

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
    await quiet()
    await alive()
  })
})

test('after all of it the books are right and the gateway has logged no error of its own', async () => {
  await quiet()
  expect(scene.gateway.log()).not.toContain('internal_error')
})
