import { afterEach, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { eventually, finish, openedByTest, request, send } from '../../../test/support/upstream-recorder.ts'

const opened = openedByTest()
afterEach(() => opened.close())

async function* pieces(count: number, more: { size?: number; fail?: Error; onEnd?: () => void } = {}) {
  try {
    for (let at = 0; at < count; at++) yield Buffer.alloc(more.size ?? 1000, 97 + (at % 26))
    if (more.fail) throw more.fail
  } finally {
    more.onEnd?.()
  }
}

test('a body that comes in pieces is sent as they come', async () => {
  const provider = await opened.mock()
  const recorder = await finish(request(provider.url, { body: pieces(50) }), opened.upstream())
  expect(recorder.status).toBe(200)
  const [attempt] = await provider.log()
  expect(attempt).toMatchObject({ bodyBytes: 50_000 })
  expect(attempt?.headers['transfer-encoding']).toBe('chunked')
})

test('an error in it fails the call, and is its cause', async () => {
  const provider = await opened.mock()
  const fail = new GatewayError('invalid_request', 'odd')
  const recorder = await finish(request(provider.url, { body: pieces(3, { fail }) }), opened.upstream())
  expect(recorder.failures).toHaveLength(1)
  expect(recorder.failure?.cause).toBe(fail)
  expect(await provider.log()).toHaveLength(0)
})

test('an aborted call lets go of it', async () => {
  const provider = await opened.mock()
  let ended = false
  async function* endless() {
    try {
      for (;;) {
        yield Buffer.alloc(1000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      ended = true
    }
  }
  const recorder = send(request(provider.url, { body: endless() }), opened.upstream())
  await eventually(async () => (await provider.connections()) > 0)
  recorder.call?.abort()
  await recorder.until(() => recorder.over)
  expect(recorder.failure?.kind).toBe('aborted')
  await eventually(() => ended)
})

test('no connection: the body is let go', async () => {
  let ended = false
  const body = pieces(1000, { onEnd: () => (ended = true) })
  const recorder = await finish(request('http://127.0.0.1:1/v1', { body }), opened.upstream())
  expect(recorder.failure?.kind).toBe('connect')
  // Nothing of it was asked for, or what was asked for is ended.
  expect(ended || (await body.next()).done === false).toBe(true)
})

test('as long as pieces come the provider need not answer', async () => {
  const provider = await opened.mock()
  async function* slow() {
    for (let at = 0; at < 8; at++) {
      yield Buffer.alloc(100)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const recorder = await finish(request(provider.url, { body: slow(), firstByteTimeoutMs: 200 }), opened.upstream())
  expect(recorder.status).toBe(200)
})
