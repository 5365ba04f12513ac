import type { GatewayError } from '../../kernel/errors.ts'
import type { StreamRoad } from '../../endpoints/endpoint.ts'
import type { Observed } from '../protocol.ts'
import { parseFrame, SseSplitter } from '../sse.ts'
import { renderStreamError } from './errors.ts'

/**
 * A stream for a client that asked without `alt=sse`: the same chunks as one JSON array that grows. It is closed only behind a whole answer, or behind our error as its last
 * element.
 */
export const jsonArrayFraming = (road: StreamRoad): StreamRoad => new JsonArrayStream(road)

class JsonArrayStream implements StreamRoad {
  readonly contentType = 'application/json; charset=utf-8'
  readonly observed: Observed
  readonly #inner: StreamRoad
  readonly #splitter = new SseSplitter()
  #empty = true

  constructor(inner: StreamRoad) {
    this.#inner = inner
    this.observed = inner.observed
  }

  push(chunk: Buffer): string {
    return this.#elements(this.#inner.push(chunk))
  }

  finish(): string {
    const out = this.#elements(this.#inner.finish())
    return this.observed.complete && !this.observed.failure ? out + this.#close() : out
  }

  fail(error: GatewayError, requestId: string): string {
    const frames = this.#inner.fail?.(error, requestId) ?? renderStreamError(error, requestId)
    return this.#elements(frames) + this.#close()
  }

  /** The road gives whole frames only. */
  #elements(frames: Buffer | string): string {
    let out = ''
    for (const frame of this.#splitter.push(Buffer.from(frames))) {
      const { data } = parseFrame(frame)
      if (data === '') continue
      // As Google writes it.
      out += this.#empty ? `[${data}` : `\n,\r\n${data}`
      this.#empty = false
    }
    return out
  }

  #close(): string {
    return this.#empty ? '[]' : '\n]\n'
  }
}
