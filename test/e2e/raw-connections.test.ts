import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askedOfM, chunk, chunkedCoding, type Parts, rawRequests, sendRaw } from '../support/raw-http.ts'
import { chatBody, chatPath, eventually, type Scene, startScene, verify } from '../support/scene.ts'

/** Requests that come in pieces, one behind the other, with one half of the connection closed, or by the thousand. */
let scene: Scene
beforeAll(async () => {
  scene = await startScene()
  await scene.model('m', 'openai')
}, 60_000)
afterAll(() => scene.close())

const json = askedOfM
const te = chunkedCoding
const paid = (parts?: Parts): string => rawRequests(scene).paid(parts)
const get = (path: string, ...more: string[]): string => rawRequests(scene).get(path, ...more)
const chunks = (body: string): string => paid({ framing: [te], body })

const attempts = async (): Promise<number> => (await scene.provider.log()).length

const alive = async (): Promise<void> => {
  const response = await fetch(`${scene.gateway.url}/health/live`)
  expect(response.status).toBe(200)
  await response.text()
}

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

  const inChunks = (bytes: number): string => {
    const text = JSON.stringify(chatBody('m', { user: 'x'.repeat(bytes) }))
    return paid({ framing: [te], body: `${text.replace(/./g, '1\r\n$&\r\n')}0\r\n\r\n` })
  }

  test('a body may come byte by byte', async () => {
    const answer = await sendRaw(scene.gateway.url, [inChunks(40_000)], { until: 1 })
    expect(answer.responses.map(({ status }) => status)).toEqual([200])
    expect((await scene.provider.log()).at(-1)!.body).toContain('x'.repeat(40_000))
  })

  test.each([
    ['somebody', 400, (bytes: string) => bytes],
    ['a stranger', 401, (bytes: string) => bytes.replace(scene.key, 'sk-x')],
  ])('a million chunks of one byte from %s are not read to their end', async (_, status, from) => {
    const before = await attempts()
    const bytes = from(inChunks(1_000_000))
    const started = performance.now()
    const answer = await sendRaw(scene.gateway.url, [bytes], { timeoutMs: 10_000 })
    expect(answer).toMatchObject({ closed: true, responses: [{ status }] })
    await alive()
    expect(performance.now() - started).toBeLessThan(1_500)
    expect(await attempts()).toBe(before)
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
