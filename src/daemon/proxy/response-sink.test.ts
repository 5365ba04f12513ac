import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ResponseSink } from './response-sink.ts'

/** A client that closed its direction after the first bytes of a stream, and the end of the gateway. */
const halfClosed = async (first: string, asBytes = false) => {
  let left = (): void => undefined
  const gone = new Promise<void>((resolve) => (left = resolve))
  const server = createServer((_, response) => {
    const sink = new ResponseSink(response)
    sink.listen({ onDrain() {}, onGone: left })
    sink.start(200, ['content-type', 'text/event-stream'])
    sink.write(asBytes ? Buffer.from(first) : first)
  })
  // As the gateway has it: a client may close its direction and still read.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => undefined)
  onTestFinished(() => {
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  client.write('POST / HTTP/1.1\r\nhost: a\r\n\r\n')
  await once(client, 'data')
  return { client, gone }
}

test.each([
  ['\n', 'data: {}\n\n', false],
  ['\r\n', 'data: {}\r\n\r\n', false],
  ['\r\n, as bytes', 'data: {}\r\n\r\n', true],
])(
  'a client that leaves between events whose lines end with %j is noticed without a further event',
  async (_, event, asBytes) => {
    const { client, gone } = await halfClosed(event, asBytes)
    client.destroy()
    await gone
  },
)

test.each([
  ['\n\n', 'data: {}\n\n'],
  ['\r\n\r\n', 'data: {}\r\n\r\n'],
])('a client that only closed its direction gets comments that end as its events do: %j', async (end, event) => {
  const { client } = await halfClosed(event)
  client.end()
  const [bytes] = (await once(client, 'data')) as [Buffer]
  expect(bytes.toString()).toContain(`:${end}`)
})
