import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { eventually, finish, openedByTest, request } from '../../../test/support/upstream-recorder.ts'

const opened = openedByTest()
afterEach(() => opened.close())

const serve = async (talk: (socket: Socket) => void): Promise<string> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.closers.push(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

test('the memory of a large body goes back when the provider answers', async () => {
  const body = Buffer.alloc(100_000, 'a')
  let seen = 0
  const url = await serve((socket) =>
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.length
      if (seen > body.length) socket.write(ok)
    }),
  )
  // The server has more than the body, its head included, before it answers.
  const length = body.length
  await finish({ ...request(url), body }, opened.upstream())
  expect([length, body.length]).toEqual([100_000, 0])
})

test('a provider that answers before it has read gets the whole body all the same', async () => {
  const body = Buffer.alloc(16 * 1024 * 1024, 'a')
  const parts: Buffer[] = []
  let peer: Socket | undefined
  const url = await serve((socket) => {
    peer = socket
    socket.once('data', (chunk: Buffer) => {
      parts.push(chunk)
      socket.pause()
      socket.write(ok)
      socket.on('data', (more: Buffer) => parts.push(more))
      socket.pause()
    })
  })
  await finish({ ...request(url), body }, opened.upstream())
  expect(body.length).toBe(16 * 1024 * 1024)
  peer!.resume()
  const received = (): Buffer => {
    const sent = Buffer.concat(parts)
    return sent.subarray(sent.indexOf('\r\n\r\n') + 4)
  }
  await eventually(() => received().length >= body.length)
  expect(received().equals(body)).toBe(true)
})
