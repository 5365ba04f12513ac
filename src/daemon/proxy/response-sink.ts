import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientSink } from '../../core/exchange/call.ts'
import { discardBody } from './read-body.ts'

/** How long a client may refuse to read before it counts as gone. */
const stallMs = 120_000

/**
 * When to look, in milliseconds after a client has closed its direction, whether it still reads; then every `probeMs`. The first write to a client that has gone
 * brings its reset, the second finds it.
 */
const firstProbesMs = [25, 50]
const probeMs = 1_000

/** The client's end of an exchange over a node:http response. */
export class ResponseSink implements ClientSink {
  readonly #response: ServerResponse
  readonly #upload: IncomingMessage | undefined
  #open = true
  #stall: NodeJS.Timeout | null = null
  #probe: NodeJS.Timeout | null = null
  #last: Buffer | string = ''

  /** `upload`: the request, when its body may not have been read to its end. */
  constructor(response: ServerResponse, upload?: IncomingMessage) {
    this.#response = response
    this.#upload = upload
    // A client that left before anybody listened.
    response.on('close', () => (this.#open = false))
  }

  get open(): boolean {
    return this.#open && !this.#response.destroyed
  }

  listen({ onDrain, onGone }: { onDrain(): void; onGone(): void }): void {
    this.#response.on('drain', () => {
      this.#clearStall()
      onDrain()
    })
    const { socket } = this.#response
    const onHalfClosed = (): void => this.#probeAfter(0)
    if (socket?.readableEnded) onHalfClosed()
    else socket?.once('end', onHalfClosed)
    this.#response.on('close', () => {
      this.#clearStall()
      socket?.off('end', onHalfClosed)
      if (this.#probe) clearTimeout(this.#probe)
      if (!this.#response.writableFinished) onGone()
    })
  }

  start(status: number, headers: string[]): void {
    // What is left of the body means nothing to us, so the connection cannot carry another request.
    this.#response.writeHead(status, this.#unread ? [...headers, 'connection', 'close'] : headers)
  }

  write(bytes: Buffer | string): boolean {
    this.#last = bytes
    if (this.#response.write(bytes)) return true
    this.#stall ??= setTimeout(() => this.#response.destroy(), stallMs)
    return false
  }

  end(bytes?: Buffer | string): void {
    if (!this.#unread) return void this.#response.end(bytes)
    if (bytes !== undefined && bytes.length > 0) this.#response.write(bytes)
    discardBody(this.#unread, () => this.#response.end())
  }

  get #unread(): IncomingMessage | undefined {
    return this.#upload?.complete === false && !this.#upload.destroyed ? this.#upload : undefined
  }

  breakOff(bytes: Buffer | string): void {
    // The socket must have taken the bytes: a reset throws away what still waits.
    this.#response.write(bytes, () => this.#response.destroy())
  }

  destroy(): void {
    this.#response.destroy()
  }

  /**
   * A client that has closed its direction may have gone or may still read: on the wire both look the same until something is written. So something is written that
   * means nothing: in front of the head an interim answer, between events a comment.
   */
  #probeAfter(count: number): void {
    this.#probe = setTimeout(() => {
      const response = this.#response
      if (response.writableEnded) return
      if (response.headersSent) {
        const end = eventEnd(this.#last)
        if (end !== undefined && !response.writableNeedDrain) response.write(`:${end}`)
      } else if (response.req.httpVersionMinor > 0) response.writeContinue()
      this.#probeAfter(count + 1)
    }, firstProbesMs[count] ?? probeMs)
  }

  #clearStall(): void {
    if (this.#stall) clearTimeout(this.#stall)
    this.#stall = null
  }
}

/** What ends the event that the bytes end with; undefined inside of one, where nothing may be written. Gemini's events end with CRLF. */
const eventEnd = (bytes: Buffer | string): string | undefined => {
  const last = typeof bytes === 'string' ? bytes.slice(-4) : bytes.toString('latin1', Math.max(0, bytes.length - 4))
  return last.endsWith('\n\n') ? '\n\n' : last === '\r\n\r\n' ? last : undefined
}
