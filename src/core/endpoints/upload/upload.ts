import { randomUUID } from 'node:crypto'
import { GatewayError } from '../../kernel/errors.ts'
import { fieldsAsJson } from './fields.ts'
import { badUpload } from './part-head.ts'
import { MultipartScanner, type UploadEvent } from './scanner.ts'
import type { Spool, Spools } from './spool.ts'

/** A multipart body of a client, on its way to a provider. */
export interface Upload {
  /** The text fields that are known, as a JSON object: what admission reads. */
  readonly fields: Buffer
  /** Files are in the way of the fields: they lie on the disk. */
  readonly spooled: boolean
  /** How large the whole may be, or is where all of it has come. */
  readonly mostBytes: number
  /** Of what `send` gives. */
  readonly contentType: string
  /** The body for the provider, with these values in place of the client's. Once. Throws GatewayError in its middle for what is wrong behind the first file. */
  send(values: Readonly<Record<string, string>>): AsyncGenerator<Buffer>
  close(): Promise<void>
}

export interface UploadSource {
  /** The body as it comes. Reading stops while nobody asks. */
  readonly body: AsyncIterator<Buffer>
  readonly boundary: string
  /** More is refused. */
  readonly mostBytes: number
  readonly spools: Spools
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Together, in bytes. */
const maxFields = 1024 * 1024

/** A part whose place in the body is kept: text here, or bytes of the spool. */
type Kept =
  | { readonly raw: Buffer; readonly name: string; readonly text: Buffer }
  | { readonly raw: Buffer; readonly from: number; to: number }

/**
 * Reads the parts in front of the first file. If `model` is among them the file is left in the connection until it is sent; else everything is read, files into
 * a temporary file: without the model nobody knows where to send them. Throws GatewayError 400 or 413.
 */
export const openUpload = async (source: UploadSource): Promise<Upload> => {
  const reader = new Reader(source)
  const kept: Kept[] = []
  let spool: Spool | null = null
  try {
    let first = await readTexts(reader, kept)
    if (first && !kept.some((part) => 'text' in part && part.name === 'model')) {
      spool = await source.spools.open(source.now)
      while (first) {
        const part = { raw: first.raw, from: spool.length, to: 0 }
        for await (const bytes of reader.file()) await spool.append(bytes)
        part.to = spool.length
        kept.push(part)
        first = await readTexts(reader, kept)
      }
    }
    const boundary = `gateway-${randomUUID()}`
    return {
      fields: fieldsAsJson(textsOf(kept)),
      spooled: spool !== null,
      mostBytes: spool ? reader.bytes : source.mostBytes,
      contentType: `multipart/form-data; boundary=${boundary}`,
      send: (values) => write(boundary, values, kept, spool, first ? { reader, raw: first.raw } : null),
      async close() {
        await spool?.close()
      },
    }
  } catch (error) {
    await spool?.close()
    throw error
  }
}

const textsOf = (kept: readonly Kept[]) => kept.filter((part) => 'text' in part)

/** Keeps the text parts that come next; the head of the file behind them, or undefined at the end. */
const readTexts = async (reader: Reader, kept: Kept[]) => {
  for (;;) {
    const event = await reader.next()
    if (event.type === 'end') return undefined
    if (event.type !== 'part') throw new Error('a part is expected')
    if (event.head.fileName !== undefined) return event
    kept.push({ raw: event.raw, name: event.head.name, text: await reader.text() })
  }
}

/** Everything in its order under a boundary of our own, which no file can hold. */
async function* write(
  boundary: string,
  values: Readonly<Record<string, string>>,
  kept: readonly Kept[],
  spool: Spool | null,
  pending: { readonly reader: Reader; readonly raw: Buffer } | null,
): AsyncGenerator<Buffer> {
  const head = (raw: Buffer): Buffer => Buffer.concat([Buffer.from(`--${boundary}\r\n`), raw, Buffer.from('\r\n\r\n')])
  const end = Buffer.from('\r\n')
  for (const part of kept) {
    yield head(part.raw)
    if ('text' in part) yield Buffer.from(values[part.name] ?? part.text)
    else if (spool) yield* spool.read(part.from, part.to)
    yield end
  }
  if (pending) {
    yield head(pending.raw)
    yield* pending.reader.file()
    yield end
    for (;;) {
      const later: Kept[] = []
      const file = await readTexts(pending.reader, later)
      // What comes so late was not looked at before: nothing of it may decide where the request goes.
      fieldsAsJson([...textsOf(kept), ...textsOf(later)])
      for (const part of later) {
        if (!('text' in part)) continue
        yield head(part.raw)
        yield part.text
        yield end
      }
      if (!file) break
      yield head(file.raw)
      yield* pending.reader.file()
      yield end
    }
  }
  yield Buffer.from(`--${boundary}--\r\n`)
}

/** The events of a body one by one, within its bounds. */
class Reader {
  readonly #source: UploadSource
  readonly #scanner: MultipartScanner
  #events: UploadEvent[] = []
  /** How many have come. */
  bytes = 0
  #fieldBytes = 0

  constructor(source: UploadSource) {
    this.#source = source
    this.#scanner = new MultipartScanner(source.boundary)
  }

  async next(): Promise<UploadEvent> {
    for (;;) {
      const event = this.#events.shift()
      if (event?.type === 'end') await this.#rest()
      if (event) return event
      const { done, value } = await this.#source.body.next()
      if (done) {
        this.#scanner.finish()
        throw badUpload('has no further part.')
      }
      this.#count(value)
      this.#events = this.#scanner.push(value)
    }
  }

  /** What stands behind the last boundary means nothing, but it is in the way of the connection's next request. */
  async #rest(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#source.body.next()
      if (done) return
      this.#count(value)
    }
  }

  #count(bytes: Buffer): void {
    this.bytes += bytes.length
    if (this.bytes > this.#source.mostBytes)
      throw new GatewayError('request_too_large', `The upload is larger than ${this.#source.mostBytes} bytes.`)
  }

  /** The bytes of the part whose head came. */
  async *file(): AsyncGenerator<Buffer> {
    for (;;) {
      const event = await this.next()
      if (event.type !== 'data') return
      yield event.bytes
    }
  }

  async text(): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const bytes of this.file()) {
      this.#fieldBytes += bytes.length
      if (this.#fieldBytes > maxFields)
        throw new GatewayError('request_too_large', `The fields of the upload are larger than ${maxFields} bytes.`)
      pieces.push(bytes)
    }
    return Buffer.concat(pieces)
  }
}
