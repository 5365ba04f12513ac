/**
 * Reads HTTP/1.1 responses off a socket for the load client: status, length or chunks, end. It is not a general client; it is fast enough that the client is
 * never what limits a run.
 */
export interface ResponseSink {
  onHead(status: number): void
  onBody(slice: Buffer): void
  onEnd(): void
}

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer'

const contentLength = /\r\ncontent-length: *(\d+)/i
const chunked = /\r\ntransfer-encoding: *chunked/i

export class ResponseParser {
  readonly #sink: ResponseSink
  #state: State = 'head'
  #remaining = 0
  #carry: Buffer | null = null

  constructor(sink: ResponseSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let data = chunk
    if (this.#carry) {
      data = Buffer.concat([this.#carry, chunk])
      this.#carry = null
    }
    let at = 0
    while (at < data.length) {
      if (this.#state === 'length' || this.#state === 'chunk-data') {
        const take = Math.min(this.#remaining, data.length - at)
        this.#sink.onBody(data.subarray(at, at + take))
        at += take
        this.#remaining -= take
        if (this.#remaining > 0) return
        if (this.#state === 'length') this.#end()
        else this.#state = 'chunk-end'
        continue
      }
      const mark = this.#state === 'head' ? '\r\n\r\n' : '\r\n'
      const end = data.indexOf(mark, at, 'latin1')
      if (end === -1) {
        this.#carry = data.subarray(at)
        return
      }
      this.#line(data.toString('latin1', at, end))
      at = end + mark.length
    }
  }

  #line(text: string): void {
    if (this.#state === 'head') {
      this.#sink.onHead(Number(text.slice(9, 12)))
      this.#remaining = Number(contentLength.exec(text)?.[1] ?? 0)
      this.#state = chunked.test(text) ? 'chunk-size' : 'length'
      if (this.#state === 'length' && this.#remaining === 0) this.#end()
    } else if (this.#state === 'chunk-size') {
      this.#remaining = Number.parseInt(text, 16)
      this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data'
    } else if (this.#state === 'chunk-end') this.#state = 'chunk-size'
    else if (text === '') this.#end()
  }

  #end(): void {
    this.#state = 'head'
    this.#sink.onEnd()
  }
}
