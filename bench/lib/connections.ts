import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { LoadRequest } from './load-protocol.ts'
import { ResponseParser } from './response-parser.ts'
import type { ResponseSink } from './response-parser.ts'

export const frameRequest = ({ port, path, headers, body }: LoadRequest): Buffer => {
  const lines = Object.entries({ 'content-type': 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** A keep-alive connection that carries one exchange at a time. */
export class Connection implements ResponseSink {
  readonly socket: Socket
  readonly #parser = new ResponseParser(this)
  readonly #closed: (connection: Connection) => void
  #status = 0
  #done: ((status: number) => void) | null = null
  #body: ((slice: Buffer) => void) | null = null

  constructor(port: number, closed: (connection: Connection) => void) {
    this.#closed = closed
    this.socket = connect(port, '127.0.0.1')
    this.socket.setNoDelay(true)
    this.socket.on('data', (chunk: Buffer) => this.#parser.push(chunk))
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('close', () => {
      this.#closed(this)
      this.#finish(0)
    })
  }

  /** `done` is called once: with the status after the whole answer, or with 0 if the connection broke first. */
  send(request: Buffer, done: (status: number) => void, body: ((slice: Buffer) => void) | null = null): void {
    this.#done = done
    this.#body = body
    this.socket.write(request)
  }

  get status(): number {
    return this.#status
  }

  onHead(status: number): void {
    this.#status = status
  }
  onBody(slice: Buffer): void {
    this.#body?.(slice)
  }
  onEnd(): void {
    this.#finish(this.#status)
  }

  #finish(status: number): void {
    const done = this.#done
    this.#done = null
    this.#body = null
    done?.(status)
  }
}

/** Idle connections to one port, the one used last on top. */
export class ConnectionPool {
  readonly #port: number
  readonly #idle: Connection[] = []
  #size = 0

  constructor(port: number) {
    this.#port = port
  }

  get size(): number {
    return this.#size
  }

  /** An idle connection, else a new one while there are fewer than `limit`, else null. */
  take(limit: number): Connection | null {
    const idle = this.#idle.pop()
    if (idle) return idle
    if (this.#size >= limit) return null
    this.#size++
    return new Connection(this.#port, (closed) => {
      this.#size--
      const at = this.#idle.indexOf(closed)
      if (at !== -1) this.#idle.splice(at, 1)
    })
  }

  give(connection: Connection): void {
    if (!connection.socket.destroyed) this.#idle.push(connection)
  }
}
