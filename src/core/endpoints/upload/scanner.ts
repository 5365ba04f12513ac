import { badUpload, type PartHead, readPartHead } from './part-head.ts'

export type UploadEvent =
  /** `raw`: the lines of its head as they came, without the blank one. */
  | { readonly type: 'part'; readonly head: PartHead; readonly raw: Buffer }
  | { readonly type: 'data'; readonly bytes: Buffer }
  | { readonly type: 'part-end' }
  | { readonly type: 'end' }

const maxParts = 100
const maxHead = 8 * 1024
const maxPreamble = 8 * 1024
const blankLine = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')

/**
 * Reads a multipart/form-data body as it comes (RFC 2046, 5.1.1; RFC 7578) and keeps no more of it than the head of a part or the length of a boundary. All of its
 * bytes but the boundaries come out again, heads included, so that nothing of a file's name or type is lost. Throws GatewayError 400.
 */
export class MultipartScanner {
  readonly #delimiter: Buffer
  #state: 'preamble' | 'delimiter' | 'head' | 'data' | 'done' = 'preamble'
  /** The first boundary may stand at the very beginning, without a line end in front. */
  #rest: Buffer = lineEnd
  #skipped = 0
  #parts = 0

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
  }

  push(chunk: Buffer): UploadEvent[] {
    const events: UploadEvent[] = []
    if (this.#state === 'done') return events
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#step(events)) {
      // Goes on as long as something can be read.
    }
    return events
  }

  /** The body has ended. */
  finish(): void {
    if (this.#state !== 'done') throw badUpload('ends before its last boundary.')
  }

  #step(events: UploadEvent[]): boolean {
    switch (this.#state) {
      case 'preamble':
        return this.#preamble()
      case 'delimiter':
        return this.#afterDelimiter(events)
      case 'head':
        return this.#head(events)
      case 'data':
        return this.#data(events)
      case 'done':
        return false
    }
  }

  #take(length: number): Buffer {
    const taken = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return taken
  }

  #preamble(): boolean {
    const at = this.#rest.indexOf(this.#delimiter)
    if (at === -1) {
      this.#skipped += this.#take(Math.max(0, this.#rest.length - this.#delimiter.length)).length
      if (this.#skipped > maxPreamble) throw badUpload('does not begin with its boundary.')
      return false
    }
    this.#take(at + this.#delimiter.length)
    this.#state = 'delimiter'
    return true
  }

  #afterDelimiter(events: UploadEvent[]): boolean {
    const rest = this.#rest
    if (rest.length < 2) return false
    if (rest[0] === 0x2d && rest[1] === 0x2d) {
      this.#state = 'done'
      this.#rest = Buffer.alloc(0)
      events.push({ type: 'end' })
      return false
    }
    let at = 0
    while (rest[at] === 0x20 || rest[at] === 0x09) at++
    if (at > 64) throw badUpload('has a boundary with too much behind it.')
    if (rest.length < at + 2) return false
    if (rest[at] !== 0x0d || rest[at + 1] !== 0x0a) throw badUpload('has a boundary with something behind it.')
    if (++this.#parts > maxParts) throw badUpload(`has more than ${maxParts} parts.`)
    this.#take(at + 2)
    this.#state = 'head'
    return true
  }

  #head(events: UploadEvent[]): boolean {
    const end = this.#rest.subarray(0, maxHead + blankLine.length).indexOf(blankLine)
    if (end === -1) {
      if (this.#rest.length > maxHead) throw badUpload('has a part whose headers are too long or do not end.')
      return false
    }
    const raw = Buffer.from(this.#take(end))
    this.#take(blankLine.length)
    events.push({ type: 'part', head: readPartHead(raw), raw })
    // An empty part ends with the line end that its head ended with.
    this.#state = 'data'
    return true
  }

  #data(events: UploadEvent[]): boolean {
    const at = this.#rest.indexOf(this.#delimiter)
    const length = at === -1 ? this.#rest.length - this.#delimiter.length + 1 : at
    if (length > 0) events.push({ type: 'data', bytes: this.#take(length) })
    if (at === -1) return false
    this.#take(this.#delimiter.length)
    this.#state = 'delimiter'
    events.push({ type: 'part-end' })
    return true
  }
}

/** RFC 2046 allows 1 to 70 of these characters. Throws `invalid_request` when the content type names no such boundary. */
export const boundaryOf = (contentType: string): string => {
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"\\]*)"|([^\s;]*))/i.exec(contentType) ?? []
  const boundary = quoted ?? plain ?? ''
  if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary))
    throw badUpload('needs a boundary of 1 to 70 characters in its Content-Type.')
  return boundary
}
