import { CutList } from '../cut-list.ts'
import { anyValues, scanObject } from '../json-scan.ts'
import { maskModels } from '../mask-models.ts'
import type { JsonValue, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { Observed, RawRoad, RawTap } from '../protocol.ts'
import { isObject } from '../read.ts'
import { formatEvent, parseFrame, SseFrameTooLarge, SseSplitter } from '../sse.ts'
import { ChunkScan } from './chunk-scan.ts'
import { decodeStreamError } from './errors.ts'
import { blockReason, finishWord } from './finish.ts'
import { UsageMeter } from './usage.ts'

const empty = Buffer.alloc(0)
const unreadable: ProviderFailure = {
  class: 'server',
  status: 502,
  message: 'The provider sent an event that cannot be read.',
}
const LF = 10
const CR = 13
const SPACE = 0x20
const OPEN_BRACE = 0x7b
const dataField = Buffer.from('data:')

/**
 * A provider's whole answer: the model's name masked, usage and finish read. A refused prompt is an answer too: Gemini tells it with a 200, and its clients read it there.
 * What is no answer comes back as it is, not complete.
 */
export const rawResponse: RawRoad['response'] = (body, { model }) => {
  const observed: Observed = { deliveredChars: 0, complete: false }
  const open = answerStart(body)
  const reader = new AnswerReader(model, 1)
  if (open === -1 || !reader.scan.read(body, open, body.length)) return { body, observed }
  const cuts = new CutList()
  const { scan } = reader
  if (scan.error.start !== -1 && scan.listed <= 0) {
    observed.failure = decodeStreamError(parse(body.toString('utf8', open)) ?? null)
    return { body, observed }
  }
  if (scan.listed === -1 && scan.feedback.start === -1) return { body, observed }
  reader.read(body, observed)
  observed.complete = true
  reader.mask(body, cuts)
  return { body: cuts.apply(body), observed }
}

/** -1 for what is no JSON object, or one that says a thing twice: which of them a client would read is unknown. */
const answerStart = (body: Buffer): number => {
  try {
    return scanObject(body, [], anyValues).open
  } catch {
    return -1
  }
}

export const createTap: RawRoad['createTap'] = ({ model, choices }) => new Tap(model, choices ?? 1)

/** How many reports of usage may pass unread while text flows. */
const mostUnread = 16

/** What a scanned chunk tells the meter, and where the model's name stands in it. */
class AnswerReader {
  readonly scan = new ChunkScan()
  readonly #model: Buffer
  readonly #asked: number
  readonly #usage = new UsageMeter()
  readonly #finished = new Set<number>()
  #highest = -1
  /** The latest report of usage, unread: every chunk has one, and the next tells the same fields with larger numbers. */
  #unread: Buffer | undefined
  #unreadCount = 0

  constructor(model: string, asked: number) {
    this.#model = Buffer.from(JSON.stringify(model))
    this.#asked = asked
  }

  read(bytes: Buffer, observed: Observed): void {
    const { scan } = this
    const json = ({ start, end }: { readonly start: number; readonly end: number }): JsonValue | undefined =>
      start === -1 ? undefined : parse(bytes.toString('utf8', start, end))
    if (observed.upstreamId === undefined) {
      const id = json(scan.id)
      if (typeof id === 'string' && id !== '') observed.upstreamId = id
    }
    if (scan.usage.start !== -1) this.#meter(bytes.subarray(scan.usage.start, scan.usage.end), observed)
    observed.deliveredChars += scan.chars
    if (scan.highest > this.#highest) this.#highest = scan.highest
    for (const { candidate, json: told } of scan.finishes) {
      const word = finishWord(parse(told))
      if (word === undefined) continue
      this.#finished.add(candidate)
      observed.finish ??= word
      if (this.#finished.size >= Math.max(this.#asked, this.#highest + 1)) observed.complete = true
    }
    if (scan.feedback.start === -1 || this.#highest !== -1) return
    const refused = blockReason({ promptFeedback: json(scan.feedback) ?? null })
    if (refused === undefined) return
    observed.finish ??= refused
    observed.complete = true
  }

  /** Reports between the first and the last are only looked at now and then, and when the one behind has become shorter or holds a null: it may lack a field. */
  #meter(report: Buffer, observed: Observed): void {
    const isBetween = observed.usage && !observed.complete && this.scan.finishes.length === 0 && this.scan.chars > 0
    const before = this.#unread
    if (before && (!isBetween || report.length < before.length || report.includes('null')))
      this.#merge(before, observed)
    if (isBetween && ++this.#unreadCount < mostUnread) this.#unread = report
    else this.#merge(report, observed)
  }

  #merge(report: Buffer, observed: Observed): void {
    this.#unread = undefined
    this.#unreadCount = 0
    const usage = this.#usage.merge(parse(report.toString('utf8')))
    if (usage) observed.usage = usage
  }

  /** What is still unread at the end of the stream. */
  finish(observed: Observed): void {
    if (this.#unread) this.#merge(this.#unread, observed)
  }

  /** All candidates that were seen have ended: a server may give fewer than were asked for. */
  get isWhole(): boolean {
    return this.#highest !== -1 && this.#finished.size > this.#highest
  }

  mask(bytes: Buffer, cuts: CutList): void {
    const { model } = this.scan
    if (model.start === -1 || bytes.compare(this.#model, 0, this.#model.length, model.start, model.end) === 0) return
    cuts.add(model.start, model.end, this.#model)
  }
}

/**
 * Watches a same-protocol stream go by. Every chunk names the model and tells the usage so far: it is scanned as bytes, the name is cut out of the network's own buffer,
 * and only the counts are parsed. What is unknown passes unharmed but for the name; an event that nobody could read ends the answer. An error is not for the client as it is: the gateway ends the stream with
 * its own words.
 */
class Tap implements RawTap {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #model: string
  readonly #splitter = new SseSplitter()
  readonly #reader: AnswerReader
  readonly #cuts = new CutList()

  constructor(model: string, choices: number) {
    this.#model = model
    this.#reader = new AnswerReader(model, choices)
  }

  push(chunk: Buffer): Buffer {
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
    const isFrame = rest.length > 0 && isObject(parse(parseFrame(rest).data))
    const frame = isFrame ? Buffer.concat([rest, Buffer.from('\r\n\r\n')]) : empty
    const out = isFrame ? this.#pass([frame], frame) : empty
    this.#reader.finish(this.observed)
    if (this.#reader.isWhole) this.observed.complete = true
    return out
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
      if (this.observed.failure) this.#cuts.add(start, end, empty)
      else this.#frame(bytes, start, end)
      start = end
    }
    return this.#cuts.apply(bytes)
  }

  #frame(bytes: Buffer, start: number, end: number): void {
    const { scan } = this.#reader
    let at = start
    // What is left of extra blank lines.
    while (at < end && (bytes[at] === LF || bytes[at] === CR)) at++
    if (at === end) return
    const isData = bytes.compare(dataField, 0, dataField.length, at, Math.min(at + dataField.length, end)) === 0
    const isRead =
      isData && scan.read(bytes, at + dataField.length, end) && !scan.odd && isBlank(bytes, scan.after, end)
    if (isRead) this.#chunk(bytes, start, end, this.#cuts)
    else this.#readOdd(bytes, start, end)
  }

  #chunk(bytes: Buffer, start: number, end: number, cuts: CutList): void {
    const { scan } = this.#reader
    const wasComplete = this.observed.complete
    this.#reader.read(bytes, this.observed)
    if (scan.error.start === -1) return this.#reader.mask(bytes, cuts)
    cuts.add(start, end, empty)
    if (!wasComplete)
      this.observed.failure = decodeStreamError(parse(parseFrame(bytes.subarray(start, end)).data) ?? null)
  }

  /** No client could read it. An error in a list is still an error. Behind a whole answer it changes nothing. */
  #unreadable(chunk: JsonValue | undefined, start: number, end: number): void {
    this.#cuts.add(start, end, empty)
    if (!this.observed.complete) this.observed.failure = Array.isArray(chunk) ? decodeStreamError(chunk) : unreadable
  }

  /**
   * What Google does not send: a chunk spread over several `data:` lines, with other fields of an event, or one that says a thing twice or under an escaped key is written
   * anew as a client would read it. OpenAI's mark of the end, which some proxies add, makes Google's SDK throw.
   */
  #readOdd(bytes: Buffer, start: number, end: number): void {
    const frame = bytes.subarray(start, end)
    const { data } = parseFrame(frame)
    if (data.trim() === '[DONE]') return this.#cuts.add(start, end, empty)
    const chunk = parse(data)
    if (!isObject(chunk)) {
      if (data !== '') return this.#unreadable(chunk, start, end)
      const masked = maskModels(frame, this.#model)
      if (masked !== frame) this.#cuts.add(start, end, masked)
      return
    }
    const anew = Buffer.from(formatEvent('', JSON.stringify(chunk)))
    if (!this.#reader.scan.read(anew, anew.indexOf(OPEN_BRACE), anew.length)) return
    const cuts = new CutList()
    this.#chunk(anew, 0, anew.length, cuts)
    this.#cuts.add(start, end, cuts.apply(anew))
  }
}

const isBlank = (bytes: Buffer, from: number, end: number): boolean => {
  for (let at = from; at < end; at++) if (bytes[at] !== LF && bytes[at] !== CR && bytes[at] !== SPACE) return false
  return true
}

const parse = (text: string): JsonValue | undefined => {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}
