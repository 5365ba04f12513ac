import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  finish as finishThrough,
  openedByTest,
  request,
  send as sendThrough,
  eventually,
} from '../../../test/support/upstream-recorder.ts'
import type { Recorder } from '../../../test/support/upstream-recorder.ts'
import type { Upstream, UpstreamRequest } from './upstream.ts'

const opened = openedByTest()
const { closers, mock, upstream: open } = opened
let upstream: Upstream

beforeEach(() => {
  upstream = open()
})
afterEach(() => opened.close())

const send = (to: UpstreamRequest, through = upstream): Recorder => sendThrough(to, through)
const finish = (to: UpstreamRequest, through = upstream): Promise<Recorder> => finishThrough(to, through)

/** A server below HTTP: whatever `talk` does with each connection. */
const rawServer = async (talk: (socket: Socket) => void): Promise<{ url: string; sockets: Set<Socket> }> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets }
}

const reply = (text: string) => (socket: Socket) => socket.on('data', () => socket.write(text))
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

describe('one attempt', () => {
  test('the answer arrives byte for byte, whatever the framing', async () => {
    for (const framing of ['chunked', 'length', 'close'] as const) {
      const { url } = await mock({
        chunks: ['data: a\n\n', { base64: '/wA=' }, 'data: b\n\n'],
        framing,
        headers: { 'x-a': ['1', '2'] },
      })
      const got = await finish(request(url))
      expect(Buffer.concat(got.chunks)).toEqual(Buffer.from('data: a\n\n\xff\x00data: b\n\n', 'latin1'))
      expect([got.status, got.ended, got.failures, got.header('x-a'), got.header('constructor')]).toEqual([
        200,
        1,
        [],
        '1',
        undefined,
      ])
    }
  })

  test('the provider sees our framing and only headers that are not about the connection', async () => {
    const { url } = await mock()
    const hostile = {
      host: 'evil',
      connection: 'upgrade',
      'content-length': '1',
      'transfer-encoding': 'chunked',
      upgrade: 'x',
      'accept-encoding': 'gzip',
    }
    const provider = await mock()
    await finish(request(url, { headers: { ...hostile, 'x-request-id': 'att_2', authorization: 'Bearer s' } }))
    await finish(request(provider.url, { headers: { ...hostile, 'x-request-id': 'att_2', authorization: 'Bearer s' } }))
    const [attempt] = await provider.log()
    expect(attempt).toMatchObject({ id: 'att_2', path: '/v1/chat/completions', method: 'POST', body: '{"model":"m"}' })
    expect(attempt!.headers).toEqual({
      host: new URL(provider.url).host,
      connection: 'keep-alive',
      'accept-encoding': 'identity',
      'x-request-id': 'att_2',
      authorization: 'Bearer s',
      'user-agent': 'tollgate',
      'content-length': '13',
    })
  })

  test('GET sends no body', async () => {
    const provider = await mock()
    await finish(request(provider.url, { method: 'GET', path: '/models' }))
    expect((await provider.log())[0]).toMatchObject({ method: 'GET', path: '/v1/models', bodyBytes: 0 })
  })

  test('redirects are handed over, not followed', async () => {
    const target = await mock()
    const provider = await mock({ status: 307, headers: { location: `${target.url}/stolen` }, chunks: [''] })
    const got = await finish(request(provider.url))
    expect([got.status, got.ended]).toEqual([307, 1])
    expect(await target.log()).toEqual([])
  })

  test('connections are used again', async () => {
    const provider = await mock()
    for (let i = 0; i < 20; i++) await finish(request(provider.url))
    // Two, because the next request here starts inside the end of the last, before its connection is free.
    expect(await provider.connections()).toBeLessThanOrEqual(2)
  })

  test('the listener hears nothing before send has returned, not even of a request that is wrong', async () => {
    const { url } = await mock()
    const wrong: Partial<UpstreamRequest>[] = [
      { headers: { 'x-a': 'a\r\nx-b: c' } },
      { headers: { 'x a': 'b' } },
      { headers: { 'x-a': 'secret\u0000' } },
      { path: '/a b' },
      { path: '//\u00e9' },
      { baseUrl: 'nonsense' },
      { baseUrl: 'ftp://127.0.0.1' },
      { allowPrivate: ['10.0.0.0/99'] },
    ]
    for (const more of wrong) {
      const got = send(request(url, more))
      expect(got.over).toBe(false)
      await got.until(() => got.over)
      expect(got.failures).toMatchObject([{ kind: 'protocol', sent: false }])
      expect(got.failure!.message).not.toMatch(/secret|127\.0/)
    }
    expect((await finish(request(url))).status).toBe(200)
  })

  test('a wrong request does not take a connection with it', async () => {
    const { url } = await mock()
    const narrow = open({ maxConnectionsPerOrigin: 1 })
    for (let i = 0; i < 5; i++) await finish(request(url, { headers: { 'x-a': '\n' } }), narrow)
    expect((await finish(request(url), narrow)).status).toBe(200)
  })
})

describe('where calls may go', () => {
  test.each([
    'http://127.0.0.1:1',
    'http://[::1]:1',
    'http://localhost:1',
    'http://0.0.0.0:1',
    'http://10.0.0.1',
    'http://169.254.169.254',
  ])('%s is forbidden and never connected to', async (url) => {
    const got = await finish(request(url), open({ allowPrivate: [] }))
    expect(got.failures).toMatchObject([{ kind: 'forbidden', sent: false }])
    expect(got.failure!.message).not.toMatch(/\d\.\d|localhost/)
  })

  test('a provider allows its own host without opening it to others', async () => {
    const provider = await mock()
    const strict = open({ allowPrivate: [] })
    const named = provider.url.replace('127.0.0.1', 'localhost')
    expect((await finish(request(named, { allowPrivate: ['localhost'] }), strict)).status).toBe(200)
    expect((await finish(request(named), strict)).failure!.kind).toBe('forbidden')
    expect((await finish(request(provider.url, { allowPrivate: ['localhost'] }), strict)).failure!.kind).toBe(
      'forbidden',
    )
  })
})

describe('failures', () => {
  test('connection refused', async () => {
    const { url } = await rawServer(() => {})
    for (const close of closers.splice(-1)) await close()
    expect((await finish(request(url))).failures).toMatchObject([
      { kind: 'connect', sent: false, message: expect.stringContaining('ECONNREFUSED') as string },
    ])
  })

  test('a name that does not resolve', async () => {
    expect((await finish(request('http://does-not-exist.invalid'))).failures).toMatchObject([
      { kind: 'connect', sent: false },
    ])
  })

  test('TLS to a plain port, and a peer that stalls in the handshake', async () => {
    const plain = await rawServer(reply(ok))
    expect((await finish(request(plain.url.replace('http:', 'https:')))).failures).toMatchObject([
      { kind: 'tls', sent: false },
    ])
    const silent = await rawServer(() => {})
    const stalled = await finish(request(silent.url.replace('http:', 'https:'), { connectTimeoutMs: 100 }))
    expect(stalled.failures).toMatchObject([{ kind: 'connect', sent: false }])
  })

  test('no answer in time', async () => {
    const provider = await mock({ fault: { kind: 'hang' } })
    const got = await finish(request(provider.url, { firstByteTimeoutMs: 50 }))
    expect(got.failures).toMatchObject([{ kind: 'first-byte-timeout', sent: true }])
    await eventually(async () => (await provider.connections()) === 0)
  })

  test('silence in the middle, after the head or after a chunk', async () => {
    for (const afterBytes of [0, 5]) {
      const provider = await mock({ chunks: ['data: a\n\n'], fault: { kind: 'hang', afterBytes } })
      const got = await finish(request(provider.url, { idleTimeoutMs: 50 }))
      expect([got.status, got.bytes]).toEqual([200, afterBytes])
      expect(got.failures).toMatchObject([{ kind: 'idle-timeout', sent: true }])
      await eventually(async () => (await provider.connections()) === 0)
    }
  })

  test('a slow stream that keeps coming is not idle', async () => {
    const provider = await mock({ chunks: Array<string>(12).fill('data: a\n\n'), chunkDelayMs: 25 })
    const got = await finish(request(provider.url, { idleTimeoutMs: 150, firstByteTimeoutMs: 150 }))
    expect([got.ended, got.bytes]).toEqual([1, 108])
  })

  test.each(['reset', 'cut'] as const)('%s before the head and in the middle', async (kind) => {
    const before = await mock({ fault: { kind } })
    expect((await finish(request(before.url))).failures).toMatchObject([{ kind: 'disconnected', sent: true }])
    const middle = await mock({ chunks: ['data: a\n\n', 'data: b\n\n'], fault: { kind, afterBytes: 9 } })
    const got = await finish(request(middle.url))
    expect([got.status, got.ended]).toEqual([200, 0])
    expect(got.failures).toMatchObject([{ kind: 'disconnected', sent: true }])
  })

  test.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH\r\n'],
    ['an oversized head', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(1024 * 1024)}\r\n\r\n`],
    ['10 000 headers', `HTTP/1.1 200 OK\r\n${Array.from({ length: 10_000 }, (_, i) => `x${i}: y\r\n`).join('')}\r\n`],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['a broken chunk size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['both lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['an encoding nobody asked for', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nok'],
  ])('%s is a protocol failure and ends the connection', async (_what, bytes) => {
    const { url, sockets } = await rawServer(reply(bytes))
    const got = await finish(request(url))
    expect(got.failures).toMatchObject([{ kind: 'protocol', sent: true }])
    // What arrived may be part of an answer; it must not reach a log by way of the cause.
    expect(got.failure!.cause ?? {}).not.toHaveProperty('data')
    await eventually(() => sockets.size === 0)
  })

  test('a body shorter than its content-length is a cut connection', async () => {
    const { url } = await rawServer((socket) =>
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok')),
    )
    expect((await finish(request(url))).failures).toMatchObject([{ kind: 'disconnected', sent: true }])
  })

  test('informational answers are passed over', async () => {
    const { url } = await rawServer(reply(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${ok}`))
    const got = await finish(request(url))
    expect([got.status, got.text]).toEqual([200, 'ok'])
  })

  test('an answer nobody asked for on an idle connection never reaches the next request', async () => {
    let answers = 0
    const { url } = await rawServer((socket) => {
      socket.on('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${++answers}`)
        if (answers === 1) setTimeout(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'), 5)
      })
    })
    expect((await finish(request(url))).text).toBe('1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await finish(request(url))).text).toBe('2')
  })

  test('a connection that closes as it is used again fails once and is not asked twice', async () => {
    const asked: string[] = []
    const { url } = await rawServer((socket) => {
      let first = true
      socket.on('data', (data) => {
        asked.push(/x-request-id: (\S+)/.exec(data.toString())![1]!)
        if (first) socket.write(ok)
        else socket.resetAndDestroy()
        first = false
      })
    })
    const ids: string[] = []
    for (let i = 0; i < 10; i++) {
      ids.push(`att_${i}`)
      const got = await finish(request(url, { headers: { 'x-request-id': `att_${i}` } }))
      expect(got.ended + got.failures.length).toBe(1)
    }
    expect(asked).toEqual(ids)
  })
})
