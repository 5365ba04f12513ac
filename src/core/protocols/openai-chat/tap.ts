import type { JsonValue } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { maskModels } from '../mask-models.ts'
import type { Observed, RawTap } from '../protocol.ts'
import { isObject } from '../read.ts'
import { formatEvent, parseFrame, SseFrameTooLarge, SseSplitter } from '../sse.ts'
import { ChunkScan } from './chunk-scan.ts'
import { CutList } from '../cut-list.ts'
import { decodeStreamError } from './errors.ts'
import { decodeUsage } from './usage.ts'

const empty = Buffer.alloc(0)
const LF = 10
const CR = 13
const SPACE = 0x20
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const done = Buffer.from('[DONE]')
const mark = Buffer.from('\ufeff')
const dataField = Buffer.from('data:')

/**
 * Watches a same-protocol stream go by: every chunk is scanned as bytes, only usage and errors are parsed. What must change is cut out of the network's own buffer, all
 * frames of it in one copy; when nothing changes the buffer itself passes. What is malformed or unknown passes unharmed but for the name. An error is not for the client as it is: the
 * gateway ends the stream with its own words.
 */
export class Tap implements RawTap {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #name: string
  /** The name as JSON. */
  readonly #model: Buffer
  readonly #includeUsage: boolean
  readonly #asked: number
  readonly #splitter = new SseSplitter()
  readonly #scan = new ChunkScan('chunk')
  readonly #cuts = new CutList()
  readonly #finished = new Set<number>()
  #highest = 0
  /** `[DONE]` came: whatever follows is neither read nor passed on. */
  #done = false

  constructor(edits: { readonly model: string; readonly includeUsage: boolean; readonly choices?: number }) {
    this.#name = edits.model
    this.#model = Buffer.from(JSON.stringify(edits.model))
    this.#includeUsage = edits.includeUsage
    this.#asked = edits.choices ?? 1
  }

  push(chunk: Buffer): Buffer {
    if (this.#done) return empty
    try {
      return this.#pass(this.#splitter.push(chunk), chunk)
    } catch (error) {
      if (!(error instanceof SseFrameTooLarge)) throw error
      this.observed.failure ??= { class: 'server', status: 502, message: error.message }
      return empty
    }
  }

  /** A last frame that lacks nothing but its blank line is whole; a torn one would only break the client's parser. */
  finish(): Buffer {
    const rest = this.#splitter.finish()
    const out = this.#last(rest)
    // A server may give fewer answers than were asked for.
    if (this.#finished.size > this.#highest) this.observed.complete = true
    return out
  }

  #last(rest: Buffer): Buffer {
    if (rest.length === 0 || this.#done || !isWhole(rest)) return empty
    const frame = Buffer.concat([rest, Buffer.from('\n\n')])
    return this.#pass([frame], frame)
  }

  /** Frames lie next to each other in one buffer. */
  #pass(frames: readonly Buffer[], chunk: Buffer): Buffer {
    const first = frames[0]
    if (!first) return empty
    const last = frames.at(-1)!
    const length = last.byteOffset + last.length - first.byteOffset
    const same = first.buffer === chunk.buffer && first.byteOffset === chunk.byteOffset && length === chunk.length
    const bytes = same ? chunk : Buffer.from(first.buffer, first.byteOffset, length)
    let start = 0
    for (const frame of frames) {
      const end = start + frame.length
      if (this.observed.failure || this.#done) this.#cuts.add(start, end, empty)
      else this.#frame(bytes, start, end)
      start = end
    }
    return this.#cuts.apply(bytes)
  }

  #frame(bytes: Buffer, start: number, end: number): void {
    // A byte order mark may stand in front of the first one.
    let at = begins(bytes, start, mark) ? start + mark.length : start
    let plain = true
    // Comments and what is left of extra blank lines.
    while (at < end && !begins(bytes, at, dataField)) {
      if (bytes[at] === SPACE) {
        // No field by the standard, but a name that leaks is one.
        at++
        continue
      }
      if (bytes[at] !== LF && bytes[at] !== CR && bytes[at] !== COLON) plain = false
      at = lineAfter(bytes, at, end)
    }
    if (at >= end) return this.#maskUnread(bytes, start, end)
    at += dataField.length
    while (bytes[at] === SPACE) at++
    if (begins(bytes, at, done)) {
      this.observed.complete = true
      this.#done = true
      return
    }
    const scan = this.#scan
    if (!plain && parseFrame(bytes.subarray(start, end)).event === 'error') this.#fail(bytes, start, end, this.#cuts)
    else if (!scan.read(bytes, at, end)) this.#readOdd(bytes, start, end, false)
    else if (scan.odd || !isBlank(bytes, scan.after, end)) this.#readOdd(bytes, start, end, !scan.odd)
    else this.#chunk(bytes, start, end, this.#cuts)
  }

  #chunk(bytes: Buffer, start: number, end: number, cuts: CutList): void {
    const { observed } = this
    const scan = this.#scan
    if (observed.upstreamId === undefined && scan.id.start !== -1) {
      const id = parse(bytes.toString('utf8', scan.id.start, scan.id.end))
      if (typeof id === 'string' && id !== '') observed.upstreamId = id
    }
    if (scan.usage.start !== -1) this.#meter(parse(bytes.toString('utf8', scan.usage.start, scan.usage.end)))
    else if (scan.groq.start !== -1) {
      const extra = parse(bytes.toString('utf8', scan.groq.start, scan.groq.end))
      if (isObject(extra)) this.#meter(extra['usage'])
    }
    observed.deliveredChars += scan.chars
    if (scan.highest > this.#highest) this.#highest = scan.highest
    for (const { choice, reason } of scan.finishes) {
      this.#finished.add(choice)
      observed.finish ??= reason
      if (this.#finished.size >= Math.max(this.#asked, this.#highest + 1)) observed.complete = true
    }
    if (scan.error.start !== -1 && !observed.complete) return this.#fail(bytes, start, end, cuts)
    if (!this.#includeUsage && scan.noChoices && scan.usage.start !== -1) return cuts.add(start, end, empty)
    this.#mask(bytes, cuts)
  }

  /** The model's name and, if the client did not ask for usage, the `"usage":null` that our own asking brings. */
  #mask(bytes: Buffer, cuts: CutList): void {
    const { model, noUsage } = this.#scan
    const hide = !this.#includeUsage && noUsage.start !== -1
    if (hide && noUsage.start < model.start) cuts.add(noUsage.start, noUsage.end, empty)
    const length = model.start === -1 ? 0 : model.end - model.start
    // Azure names no model in its first chunk.
    if (length > 2 && !(length === this.#model.length && begins(bytes, model.start, this.#model)))
      cuts.add(model.start, model.end, this.#model)
    if (hide && noUsage.start > model.start) cuts.add(noUsage.start, noUsage.end, empty)
  }

  #meter(wire: JsonValue | undefined): void {
    const usage = decodeUsage(wire)
    if (usage) this.observed.usage = usage
  }

  #fail(bytes: Buffer, start: number, end: number, cuts: CutList): void {
    cuts.add(start, end, empty)
    this.observed.failure = decodeStreamError(parse(parseFrame(bytes.subarray(start, end)).data) ?? null)
  }

  /**
   * What nobody is known to send: a chunk spread over several `data:` lines, or one that says a thing twice or under an escaped key, is written anew as a client would read
   * it. `scanned`: only other fields of the event follow the chunk. Anything else that cannot be read passes, without the model's name.
   */
  #readOdd(bytes: Buffer, start: number, end: number, scanned: boolean): void {
    const { event, data } = parseFrame(bytes.subarray(start, end))
    if (event === 'error') return this.#fail(bytes, start, end, this.#cuts)
    const chunk = parse(data)
    if (!isObject(chunk)) return this.#maskUnread(bytes, start, end)
    if (scanned) return this.#chunk(bytes, start, end, this.#cuts)
    const frame = Buffer.from(formatEvent(event, JSON.stringify(chunk)))
    if (!this.#scan.read(frame, frame.indexOf(OPEN_BRACE), frame.length)) return
    const cuts = new CutList()
    this.#chunk(frame, 0, frame.length, cuts)
    this.#cuts.add(start, end, cuts.apply(frame))
  }

  #maskUnread(bytes: Buffer, start: number, end: number): void {
    const frame = bytes.subarray(start, end)
    const masked = maskModels(frame, this.#name)
    if (masked !== frame) this.#cuts.add(start, end, masked)
  }
}

const begins = (bytes: Buffer, at: number, word: Buffer): boolean => {
  for (let index = 0; index < word.length; index++) if (bytes[at + index] !== word[index]) return false
  return true
}

const isBlank = (bytes: Buffer, from: number, end: number): boolean => {
  for (let at = from; at < end; at++) if (bytes[at] !== LF && bytes[at] !== CR && bytes[at] !== SPACE) return false
  return true
}

/** Where the line behind the one at `at` begins. */
const lineAfter = (bytes: Buffer, from: number, end: number): number => {
  let at = from
  while (at < end && bytes[at] !== LF && bytes[at] !== CR) at++
  return at + 1
}

const isWhole = (frame: Buffer): boolean => {
  const { data } = parseFrame(frame)
  return data === '[DONE]' || isObject(parse(data))
}

const parse = (text: string): JsonValue | undefined => {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
