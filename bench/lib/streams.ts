import { nowUs } from './clock.ts'
import { Connection, frameRequest } from './connections.ts'
import type { EndResult, EndStreams, OpenStreams, WindowResult } from './load-protocol.ts'
import { Samples } from './stats.ts'

const AT = 0x40
const STAMP = 25

/** Finds the stamps of the mock provider (`@000012:0001234567890123@`) in bytes that may be cut anywhere. */
export class StampReader {
  #carry: Buffer | null = null

  read(slice: Buffer, found: (index: number, timeUs: number) => void): void {
    const data = this.#carry ? Buffer.concat([this.#carry, slice]) : slice
    this.#carry = null
    for (let at = data.indexOf(AT); at !== -1; at = data.indexOf(AT, at + STAMP)) {
      if (at + STAMP > data.length) {
        // A copy, because the slice is part of the socket's buffer.
        this.#carry = Buffer.from(data.subarray(at))
        return
      }
      found(Number(data.toString('latin1', at + 1, at + 7)), Number(data.toString('latin1', at + 8, at + 24)))
    }
  }
}

/** A crowd of streams, opened at a rate, watched in windows, ended together. */
export class StreamCrowd {
  readonly #firstChunks = new Samples()
  readonly #connections = new Set<Connection>()
  readonly #statuses: Record<string, number> = {}
  readonly #options: OpenStreams
  #chunkTimes = new Samples()
  #measuring = false
  #complete = 0
  #lost = 0
  #errors = 0
  #aborting = false

  constructor(options: OpenStreams) {
    this.#options = options
  }

  async open(): Promise<number> {
    const { request, count, perSecond, events } = this.#options
    const framed = frameRequest(request)
    const started = nowUs()
    for (let opened = 0; opened < count;) {
      const should = Math.min(count, 1 + Math.floor(((nowUs() - started) / 1e6) * perSecond))
      while (opened < should) {
        this.#start(framed, request.port, events)
        opened++
      }
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    return count
  }

  #start(framed: Buffer, port: number, events: number): void {
    const reader = new StampReader()
    const sent = nowUs()
    let expected = 0
    const connection: Connection = new Connection(port, () => this.#connections.delete(connection))
    this.#connections.add(connection)
    const done = (status: number): void => {
      connection.socket.destroy()
      if (this.#aborting) return
      if (status === 200 && expected === events) this.#complete++
      else this.#errors++
      if (status === 200) this.#lost += Math.max(0, events - expected)
      if (status !== 200) this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
    }
    connection.send(framed, done, (slice) => {
      const now = nowUs()
      reader.read(slice, (index, timeUs) => {
        if (index === 0) this.#firstChunks.add(now - sent)
        else if (this.#measuring) this.#chunkTimes.add(now - timeUs)
        if (index !== expected) this.#lost++
        expected = index + 1
      })
    })
  }

  async window(durationMs: number): Promise<WindowResult> {
    this.#chunkTimes = new Samples()
    this.#measuring = true
    const started = nowUs()
    await new Promise((resolve) => setTimeout(resolve, durationMs))
    this.#measuring = false
    const seconds = (nowUs() - started) / 1e6
    return {
      chunksPerSecond: this.#chunkTimes.count / seconds,
      chunkTimes: this.#chunkTimes.times(),
      open: this.#connections.size,
    }
  }

  async end({ abort, timeoutMs }: EndStreams): Promise<EndResult> {
    this.#aborting = abort
    const deadline = nowUs() + timeoutMs * 1000
    if (abort) for (const connection of this.#connections) connection.socket.destroy()
    while (this.#connections.size > 0 && nowUs() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
    return {
      firstChunkTimes: this.#firstChunks.times(),
      complete: this.#complete,
      lostChunks: this.#lost,
      errors: this.#errors + this.#connections.size,
      statuses: this.#statuses,
    }
  }
}
