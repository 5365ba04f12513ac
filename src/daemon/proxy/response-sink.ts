import type { ServerResponse } from 'node:http'
import type { ClientSink } from '../../core/exchange/call.ts'

/** How long a client may refuse to read before it counts as gone. */
const stallMs = 120_000

/** The client's end of an exchange over a node:http response. */
export class ResponseSink implements ClientSink {
  readonly #response: ServerResponse
  #open = true
  #stall: NodeJS.Timeout | null = null

  constructor(response: ServerResponse) {
    this.#response = response
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
    this.#response.on('close', () => {
      this.#clearStall()
      if (!this.#response.writableFinished) onGone()
    })
  }

  start(status: number, headers: string[]): void {
    this.#response.writeHead(status, headers)
  }

  write(bytes: Buffer | string): boolean {
    if (this.#response.write(bytes)) return true
    this.#stall ??= setTimeout(() => this.#response.destroy(), stallMs)
    return false
  }

  end(bytes?: Buffer | string): void {
    this.#response.end(bytes)
  }

  destroy(): void {
    this.#response.destroy()
  }

  #clearStall(): void {
    if (this.#stall) clearTimeout(this.#stall)
    this.#stall = null
  }
}
