import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startMockProvider } from '../../../test/support/mock-provider.ts'
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

describe('abort', () => {
  test('in the middle of a stream: the provider sees the connection close, the listener hears it at once', async () => {
    const provider = await mock({ chunks: Array<string>(1000).fill('data: a\n\n'), chunkDelayMs: 5 })
    const got = send(request(provider.url))
    await got.until(() => got.bytes > 0)
    got.call!.abort()
    expect(got.failures).toMatchObject([{ kind: 'aborted', sent: true }])
    await eventually(async () => (await provider.connections()) === 0)
    expect((await provider.log())[0]!.outcome).toBe('closed')
    got.call!.abort()
    expect([got.failures.length, got.ended]).toEqual([1, 0])
  })

  test('from inside onData, and by a listener that throws', async () => {
    const provider = await mock({ chunks: ['data: a\n\n', 'data: b\n\n'], fault: { kind: 'hang', afterBytes: 18 } })
    const aborting = send(request(provider.url))
    aborting.take = () => {
      aborting.call!.abort()
      return false
    }
    await aborting.until(() => aborting.over)
    expect(aborting.failures).toMatchObject([{ kind: 'aborted' }])
    const throwing = send(request(provider.url))
    throwing.take = () => {
      throw new Error('a bug in the listener')
    }
    await throwing.until(() => throwing.over)
    expect(throwing.failures).toMatchObject([
      { kind: 'aborted', sent: true, cause: { message: 'a bug in the listener' } },
    ])
    await eventually(async () => (await provider.connections()) === 0)
  })

  test('while it waits for a connection: it is never sent, and those behind it are', async () => {
    const provider = await mock({ chunks: ['data: a\n\n'], chunkDelayMs: 100 })
    const narrow = open({ maxConnectionsPerOrigin: 1 })
    const ask = (id: string): Recorder => send(request(provider.url, { headers: { 'x-request-id': id } }), narrow)
    const [first, second, third] = [ask('1'), ask('2'), ask('3')]
    second.call!.abort()
    expect(second.failures).toMatchObject([{ kind: 'aborted', sent: false }])
    await Promise.all([first, third].map((each) => each.until(() => each.over)))
    expect([first.ended, third.ended]).toEqual([1, 1])
    expect((await provider.log()).map(({ id }) => id)).toEqual(['1', '3'])
  })

  test('a wait for a free connection ends at the connect timeout', async () => {
    const provider = await mock({ fault: { kind: 'hang' } })
    const narrow = open({ maxConnectionsPerOrigin: 1 })
    const holder = send(request(provider.url, { connectTimeoutMs: 150 }), narrow)
    await eventually(async () => (await provider.log()).length === 1)
    const waiting = await finish(request(provider.url, { connectTimeoutMs: 150 }), narrow)
    expect(waiting.failures).toMatchObject([{ kind: 'connect', sent: false }])
    holder.call!.abort()
    await eventually(async () => (await provider.connections()) === 0)
    expect(await provider.log()).toHaveLength(1)
  })

  test('before the connection stands', async () => {
    const provider = await mock()
    const got = send(request(provider.url))
    got.call!.abort()
    expect(got.failures).toMatchObject([{ kind: 'aborted', sent: false }])
    expect((await finish(request(provider.url))).status).toBe(200)
    expect(await provider.log()).toHaveLength(1)
  })

  test('1 000 calls aborted at any stage leave no connection open', async () => {
    const provider = await mock({ chunks: Array<string>(50).fill('data: a\n\n'), chunkDelayMs: 10 })
    const narrow = open({ maxConnectionsPerOrigin: 64 })
    const calls = Array.from({ length: 1_000 }, () => send(request(provider.url, { connectTimeoutMs: 20_000 }), narrow))
    for (const [i, each] of calls.entries()) {
      if (i % 4 === 0) each.call!.abort()
      else if (i % 4 === 1) each.take = () => (each.call!.abort(), true)
      else setTimeout(() => each.call!.abort(), i % 40)
    }
    await Promise.all(calls.map((each) => each.until(() => each.over)))
    expect(calls.every(({ failures, ended }) => failures.length + ended === 1)).toBe(true)
    await eventually(async () => (await provider.connections()) === 0)
    expect((await finish(request(provider.url), narrow)).status).toBe(200)
  })

  test('close ends every call and every connection', async () => {
    const provider = await mock({ chunks: Array<string>(1000).fill('data: a\n\n'), chunkDelayMs: 5 })
    const mine = open({ maxConnectionsPerOrigin: 2 })
    const calls = [1, 2, 3].map(() => send(request(provider.url), mine))
    await calls[0]!.until(() => calls[0]!.bytes > 0)
    await mine.close()
    expect(calls.map(({ failures }) => failures[0]?.kind)).toEqual(['aborted', 'aborted', 'aborted'])
    await eventually(async () => (await provider.connections()) === 0)
    expect((await finish(request(provider.url), mine)).failures).toMatchObject([{ kind: 'aborted', sent: false }])
  })
})

describe('back-pressure', () => {
  test('a paused call stops reading a 50 MB answer, is not idle, and goes on where it stopped', async () => {
    const total = 50 * 1024 * 1024
    const provider = await startMockProvider()
    closers.push(() => provider.stop())
    await provider.script('*', { fill: { chunk: 'x'.repeat(64 * 1024), bytes: total } })
    const got = send(request(provider.url, { idleTimeoutMs: 60 }))
    got.take = () => {
      got.chunks = []
      return got.bytes < 1024 * 1024
    }
    await got.until(() => got.bytes >= 1024 * 1024)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(got.over).toBe(false)
    expect(got.bytes).toBeLessThan(1024 * 1024 + 512 * 1024)
    const [attempt] = await provider.log()
    // What the provider could write without us reading: the socket buffers of two kernels.
    expect(attempt!.sentBytes).toBeLessThan(24 * 1024 * 1024)
    got.take = () => {
      got.chunks = []
      return true
    }
    got.call!.resume()
    await got.until(() => got.over)
    expect([got.ended, got.bytes]).toEqual([1, total])
  })

  test('pausing after every chunk loses nothing', async () => {
    const chunks = Array.from({ length: 300 }, (_, i) => `data: ${i}\n\n`)
    const provider = await mock({ chunks })
    const got = send(request(provider.url))
    got.take = () => {
      setImmediate(() => got.call!.resume())
      return false
    }
    await got.until(() => got.over)
    expect([got.ended, got.text]).toEqual([1, chunks.join('')])
  })

  test('one call may resume another from inside its own data', async () => {
    const chunks = Array.from({ length: 50 }, (_, i) => `data: ${i}\n\n`)
    const provider = await mock({ chunks, chunkDelayMs: 2 })
    const paused = send(request(provider.url))
    paused.take = () => false
    const driving = send(request(provider.url))
    driving.take = () => {
      paused.call!.resume()
      return true
    }
    await driving.until(() => driving.over)
    paused.take = () => true
    paused.call!.resume()
    await paused.until(() => paused.over)
    expect([paused.text, driving.text]).toEqual([chunks.join(''), chunks.join('')])
  })
})
