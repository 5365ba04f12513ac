/**
 * Server-sent events as bytes (WHATWG HTML, "Server-sent events"). The splitter cuts a byte stream into whole frames and keeps what is incomplete; a frame
 * remembers its raw bytes, so that forwarding it unchanged costs nothing.
 */
export interface SseFrame {
  /** The `event:` field, or '' when there is none. */
  readonly event: string
  /** The `data:` lines joined by \n; '' for comments and empty frames. */
  readonly data: string
  /** The bytes of the frame with its terminating blank line, as received. */
  readonly raw: Buffer
}

/** Providers send a generated image or a recording of speech as one event, in base64: some megabytes. Beyond this a stream would only fill the memory. */
export const maxFrameBytes = 8 * 1024 * 1024

export class SseFrameTooLarge extends Error {
  constructor() {
    super(`an event is larger than ${maxFrameBytes} bytes`)
  }
}

const LF = 10
const CR = 13
const empty = Buffer.alloc(0)

/**
 * Cuts a stream into frames at blank lines, whatever the line ends (\n, \r\n, \r) and wherever the network cut it. A byte order mark at the start is part of
 * the first frame's raw bytes and ignored in its fields.
 */
export class SseSplitter {
  /** The beginning of a frame whose end has not come. `#owned` when it is our copy, with room behind it for what follows. */
  #rest: Buffer = empty
  #owned = false
  /** Where the scan for the frame's end goes on; bytes before it are known to hold no blank line. */
  #scanned = 0

  /** All frames completed by this chunk. Throws SseFrameTooLarge. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#rest.length === 0 ? chunk : this.#join(chunk)
    const frames: Buffer[] = []
    const ends = new LineEnds(bytes)
    let start = 0
    let at = this.#scanned
    for (;;) {
      const end = ends.frameEnd(at)
      if (end - start > maxFrameBytes) throw new SseFrameTooLarge()
      if (end === -1) break
      frames.push(bytes.subarray(start, end))
      start = end
      at = end
    }
    this.#rest = start === bytes.length ? empty : bytes.subarray(start)
    // Once a frame was cut out of it the copy belongs to its reader.
    if (start > 0 || bytes === chunk) this.#owned = false
    // Up to three trailing bytes may be the beginning of a blank line (\r\n\r).
    this.#scanned = Math.max(0, this.#rest.length - 3)
    if (this.#rest.length > maxFrameBytes) throw new SseFrameTooLarge()
    return frames
  }

  /** The rest with the chunk behind it. From the second time on room doubles, so that a frame in a thousand pieces is not copied a thousand times. */
  #join(chunk: Buffer): Buffer {
    const length = this.#rest.length + chunk.length
    const { buffer, byteOffset } = this.#rest
    if (this.#owned && byteOffset + length <= buffer.byteLength) {
      const joined = Buffer.from(buffer, byteOffset, length)
      joined.set(chunk, this.#rest.length)
      return joined
    }
    // Not from the pool that small buffers share: the room behind must be ours. Most frames end with the next chunk and need none.
    const room = Buffer.allocUnsafeSlow(this.#owned ? length * 2 : length)
    room.set(this.#rest)
    room.set(chunk, this.#rest.length)
    this.#owned = true
    return room.subarray(0, length)
  }

  /** What is left at the end of the stream: an unterminated frame, or nothing. */
  finish(): Buffer {
    const rest = this.#rest
    this.#rest = empty
    this.#owned = false
    this.#scanned = 0
    return rest
  }
}

/** Finds blank lines, whatever the line ends. Where the next \r is, is remembered: most streams have none, and looking for it again and again would cost more than all else. */
class LineEnds {
  readonly #bytes: Buffer
  #cr = -2

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Index just behind the first blank line at or after `from`, or -1. A lone \r at the very end is undecided: it may become \r\n. */
  frameEnd(from: number): number {
    const bytes = this.#bytes
    const length = bytes.length
    let at = from
    while (at < length) {
      const lf = bytes.indexOf(LF, at)
      const cr = this.#nextCr(at)
      if (lf === -1 && cr === -1) return -1
      let lineEnd = lf === -1 ? cr : cr === -1 ? lf : Math.min(lf, cr)
      if (bytes[lineEnd] === CR) {
        if (lineEnd + 1 === length) return -1
        if (bytes[lineEnd + 1] === LF) lineEnd++
      }
      // lineEnd is the last byte of a line end; a second line end right behind it closes the frame.
      const next = bytes[lineEnd + 1]
      if (next === LF) return lineEnd + 2
      if (next === CR) {
        if (lineEnd + 2 === length) return -1
        return bytes[lineEnd + 2] === LF ? lineEnd + 3 : lineEnd + 2
      }
      at = lineEnd + 1
    }
    return -1
  }

  #nextCr(at: number): number {
    if (this.#cr !== -1 && this.#cr < at) this.#cr = this.#bytes.indexOf(CR, at)
    return this.#cr
  }
}

/** The fields of one whole frame. Invalid UTF-8 becomes U+FFFD, as the standard says. */
export const parseFrame = (raw: Buffer): SseFrame => {
  let text = raw.toString('utf8')
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
  let event = ''
  let data = ''
  let hasData = false
  let at = 0
  while (at < text.length) {
    let end = at
    while (end < text.length && text.charCodeAt(end) !== LF && text.charCodeAt(end) !== CR) end++
    const colon = text.indexOf(':', at)
    if (end > at && colon !== at) {
      const name = colon === -1 || colon > end ? text.slice(at, end) : text.slice(at, colon)
      let from = colon === -1 || colon > end ? end : colon + 1
      if (text.charCodeAt(from) === 32 && from < end) from++
      const value = text.slice(from, end)
      if (name === 'data') {
        data = hasData ? `${data}\n${value}` : value
        hasData = true
      } else if (name === 'event') event = value
    }
    if (text.charCodeAt(end) === CR && text.charCodeAt(end + 1) === LF) end++
    at = end + 1
  }
  return { event, data, raw }
}

/** Bytes of an event of ours. `data` must hold no line end. */
export const formatEvent = (event: string, data: string): string =>
  event === '' ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`
