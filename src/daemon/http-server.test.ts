import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHttpServer } from './http-server.ts'
import { readBody } from './proxy/read-body.ts'

/** Slow clients, with limits of a fraction of a second. */
const limits = { headersTimeoutMs: 200, requestTimeoutMs: 400, keepAliveTimeoutMs: 100, checkIntervalMs: 20 }
let server: Server
let served: string[]
let given: string[]

beforeEach(async () => {
  served = []
  given = []
  server = createHttpServer(
    (request, response) => {
      served.push(request.url ?? '')
      readBody(request, 1_000_000).then(
        (body) => response.end(String(body.length)),
        (error: unknown) => given.push(String(error)),
      )
    },
    (request, response) => {
      if (request.url !== '/api/admin/waits') response.end('admin')
    },
    limits,
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

/** Writes the first piece, then the letters of the second one at a time; resolves to all that came when the server closes. */
const sendSlowly = (first: string, slow = '', everyMs = 30): Promise<{ text: string; ms: number }> =>
  new Promise((resolve) => {
    const started = performance.now()
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    let text = ''
    let at = 0
    socket.write(first)
    const dripping = setInterval(() => {
      if (at < slow.length && socket.writable) socket.write(slow[at++]!)
    }, everyMs)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')))
    socket.on('close', () => {
      clearInterval(dripping)
      resolve({ text, ms: performance.now() - started })
    })
  })

const head = 'POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n'

describe('a slow client is given up', () => {
  test.each([
    ['that says nothing', '', ''],
    ['whose headers drip', head, `X-A: ${'a'.repeat(1000)}`],
    ['whose body drips', `${head}Content-Length: 1000\r\n\r\n`, 'a'.repeat(1000)],
    ['whose body never begins', `${head}Content-Length: 1000\r\n\r\n`, ''],
    ['whose chunks drip', `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n'.repeat(200)],
    ['whose last chunk never comes', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`, ''],
    ['that asks to continue and does not', `${head}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`, ''],
  ])('%s', async (_, first, slow) => {
    const { text, ms } = await sendSlowly(first, slow)
    expect(text).toMatch(/HTTP\/1\.1 408 Request Timeout\r\n[^]*"code":"request_timeout"/)
    expect(text).toContain('connection: close')
    expect(ms).toBeLessThan(1500)
  })

  test('a cut body is told from a whole one', async () => {
    await sendSlowly(`${head}Content-Length: 1000\r\n\r\n`)
    expect(given).toEqual(['Error'])
  })

  test('a connection without a request is closed after its time', async () => {
    const { text, ms } = await sendSlowly(`GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    // Node adds a second to what it tells the client, so that a request on its way is not lost.
    expect(ms).toBeLessThan(3_000)
  })
})

describe('a refusal on the wire is in the words of its plane', () => {
  const broken = [
    ['two transfer codings', 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n', 400],
    ['no host', '\r\n', 400],
    ['an expectation that nobody meets', 'Host: a\r\nExpect: tea\r\n\r\n', 417],
    ['an upgrade', 'Host: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', 426],
    ['headers without end', `Host: a\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a header without a name', 'Host: a\r\n: b\r\n\r\n', 400],
  ] as const
  test.each(broken)('%s', async (_, rest, status) => {
    const bodyOf = async (path: string) => {
      const { text } = await sendSlowly(`POST ${path} HTTP/1.1\r\n${rest}`)
      const [, type] = /content-type: (.*)\r\n/i.exec(text) ?? []
      return { type, body: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as unknown }
    }
    const [admin, proxy] = await Promise.all([bodyOf('/api/admin/users?limit=1'), bodyOf('/v1/chat/completions')])
    expect(proxy).toMatchObject({ type: 'application/json', body: { type: 'error', error: { param: null } } })
    const known = { title: expect.any(String), detail: expect.any(String), request_id: expect.stringMatching(/^req_/) }
    expect(admin).toMatchObject({ type: 'application/problem+json', body: { status, ...known } })
  })

  test('a body that does not come', async () => {
    const { text } = await sendSlowly('POST /api/admin/waits HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 408 [^]*problem\+json[^]*"code":"request_timeout"/)
  })
})

test('requests of one connection are served one after the other', async () => {
  const one = 'GET /v1/a HTTP/1.1\r\nHost: a\r\n\r\n'
  const two = 'POST /v1/b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n'
  const { text } = await sendSlowly(one + two, 'abc')
  expect(served).toEqual(['/v1/a', '/v1/b'])
  expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2)
})
