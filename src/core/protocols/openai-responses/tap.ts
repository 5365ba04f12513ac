import type { GatewayError } from '../../kernel/errors.ts'
import { readField, splice } from '../json-scan.ts'
import { maskModels } from '../mask-models.ts'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { Observed, RawTap } from '../protocol.ts'
import { isObject } from '../read.ts'
import { parseFrame, SseFrameTooLarge, SseSplitter } from '../sse.ts'
import { EventWriter, failureEvents } from './event-writer.ts'
import { finishWord } from './finish.ts'
import { maskFrame, modelCut, scanEvent, tryScan } from './mask.ts'
import { readFailure } from './stream-failure.ts'
import { deltaLength, isDelta, typeOf } from './tap-scan.ts'
import { decodeUsage } from './usage.ts'

const empty = Buffer.alloc(0)
const wholeResponse = Buffer.from('"response":')
const lifecycle = new Set([
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.completed',
  'response.incomplete',
])
const failures = new Set(['error', 'response.failed', 'response.cancelled'])

/** What is kept of the items that were done, for an end that has to repeat them; images are larger. */
const mostKept = 256 * 1024

/**
 * Watches a same-protocol stream go by. Deltas are recognised and measured as bytes, never parsed; only events that carry the whole response or an error are read. What
 * is malformed or unknown passes unharmed but for the name. An error is not for the client as it is: the gateway ends the stream with its own words (`fail`).
 */
class Tap implements RawTap {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #model: string
  readonly #splitter = new SseSplitter()
  #begun: Buffer | undefined
  readonly #items: Buffer[] = []
  #kept = 0
  #last: Buffer = empty
  #events = 0
  /** The number of the event that told the error, which the client does not see: ours takes its place where none came before (a stream that was resumed). */
  #failedAt: number | undefined
  /** Whether the item that comes in has shown anything by itself. */
  #shown = false

  constructor(model: string) {
    this.#model = model
  }

  push(chunk: Buffer): Buffer {
    let frames: Buffer[]
    try {
      frames = this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof SseFrameTooLarge)) throw error
      this.observed.failure ??= { class: 'server', status: 502, message: error.message }
      return empty
    }
    // Frames lie next to each other in one buffer: as long as none changes they pass as one view of it.
    let changed: Buffer[] | undefined
    for (const [index, frame] of frames.entries()) {
      const out = this.observed.failure ? empty : this.#pass(frame)
      if (out !== frame) changed ??= frames.slice(0, index)
      changed?.push(out)
    }
    return changed ? Buffer.concat(changed) : joined(frames, chunk)
  }

  /** A last frame that lacks nothing but its blank line is whole; a torn one would only break the client's parser. */
  finish(): Buffer {
    const rest = this.#splitter.finish()
    if (rest.length === 0 || this.observed.failure) return empty
    const { data } = parseFrame(rest)
    if (data === '[DONE]') return Buffer.concat([rest, Buffer.from('\n\n')])
    if (!parse(data)) return empty
    const out = this.#pass(rest)
    return out.length === 0 ? empty : Buffer.concat([out, Buffer.from('\n\n')])
  }

  fail(error: GatewayError, _requestId: string): string {
    const last = parse(parseFrame(this.#last).data)?.['sequence_number']
    const writer = new EventWriter(Number.isSafeInteger(last) ? Number(last) + 1 : (this.#failedAt ?? this.#events))
    const begun = this.#begun && parse(parseFrame(this.#begun).data)?.['response']
    if (!isObject(begun)) return failureEvents(writer, error, undefined)
    const items = this.#items.map((frame) => parse(parseFrame(frame).data)?.['item']).filter(isObject)
    return failureEvents(writer, error, { ...begun, model: this.#model, output: items })
  }

  #pass(frame: Buffer): Buffer {
    const type = typeOf(frame)
    if (type === undefined) return this.#read(frame)
    if (failures.has(type)) return this.#onFailure(parse(parseFrame(frame).data) ?? {})
    this.#last = frame
    this.#events++
    if (isDelta(type)) {
      const length = deltaLength(frame)
      if (length === -1) return this.#read(frame)
      this.#shown = true
      this.observed.deliveredChars += length
      return frame
    }
    // Types that did not exist when this was written may carry it too.
    if (lifecycle.has(type) || frame.includes(wholeResponse)) return this.#onResponse(frame, type)
    if (type === 'response.output_item.done') this.#onItem(frame)
    return frame
  }

  /** What is not in the usual layout. */
  #read(frame: Buffer): Buffer {
    const { event: name, data } = parseFrame(frame)
    // A client's lenient parser may see more in it than this one, and the model's name is for none.
    if (data === '') return maskModels(frame, this.#model)
    const event = parse(data)
    const type = event?.['type']
    if (name === 'error' || (event && isFailure(event))) return this.#onFailure(event ?? {})
    if (!event) return data === '[DONE]' ? frame : maskModels(frame, this.#model)
    if (frame !== this.#last) this.#events++
    this.#last = frame
    if (typeof type === 'string' && isDelta(type)) {
      if (typeof event['delta'] === 'string') this.observed.deliveredChars += event['delta'].length
      this.#shown = true
      return frame
    }
    if (type === 'response.output_item.done') this.#onItem(frame)
    if (!isObject(event['response'])) return frame
    return this.#onResponse(frame, typeof type === 'string' ? type : '')
  }

  #onResponse(frame: Buffer, type: string): Buffer {
    const event = () => parse(parseFrame(frame).data)
    const scanned = scanEvent(frame)?.response
    if (!scanned) {
      const response = event()?.['response']
      if (!isObject(response)) return maskModels(frame, this.#model)
      this.#observe(frame, type, (field) => response[field])
    } else this.#observe(frame, type, (field) => readField(scanned, field) as JsonValue | undefined)
    return this.observed.failure ? empty : maskFrame(frame, event, this.#model)
  }

  #observe(frame: Buffer, type: string, read: (field: string) => JsonValue | undefined): void {
    const { observed } = this
    const id = read('id')
    if (typeof id === 'string' && id !== '') observed.upstreamId ??= id
    this.#begun ??= Buffer.from(frame)
    const usage = decodeUsage(read('usage'))
    if (usage) observed.usage = usage
    if (type !== 'response.completed' && type !== 'response.incomplete') return
    const status = read('status') ?? null
    if (status === 'failed' || status === 'cancelled') {
      observed.failure = readFailure({ error: read('error') ?? null })
      return
    }
    observed.complete = true
    const incomplete = type === 'response.incomplete' || status === 'incomplete'
    observed.finish = finishWord({ status, incomplete_details: read('incomplete_details') ?? null }, incomplete)
  }

  /** Items whose text came at once are counted here. */
  #onItem(frame: Buffer): void {
    if (this.#kept + frame.length <= mostKept) {
      this.#kept += frame.length
      this.#items.push(Buffer.from(frame))
      if (!this.#shown) {
        const item = parse(parseFrame(frame).data)?.['item']
        if (isObject(item)) this.observed.deliveredChars += shownChars([item])
      }
    }
    this.#shown = false
  }

  #onFailure(event: JsonObject): Buffer {
    // An answer that was whole stays whole.
    if (this.observed.complete) return empty
    this.observed.failure ??= readFailure(event)
    const { sequence_number: number } = event
    if (Number.isSafeInteger(number)) this.#failedAt ??= Number(number)
    return empty
  }
}

const isFailure = ({ type, error }: JsonObject): boolean =>
  (typeof type === 'string' && failures.has(type)) || (type === undefined && (error ?? null) !== null)

/** Adjacent views of one buffer as one view; the chunk itself when that is all they are. */
const joined = (frames: readonly Buffer[], chunk: Buffer): Buffer => {
  const first = frames[0]
  if (!first) return empty
  let length = 0
  for (const frame of frames) length += frame.length
  if (first.buffer === chunk.buffer && first.byteOffset === chunk.byteOffset && length === chunk.length) return chunk
  return Buffer.from(first.buffer, first.byteOffset, length)
}

const parse = (data: string): JsonObject | undefined => {
  try {
    const value = parseJson(data)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Characters of text, reasoning and arguments in items. */
const shownChars = (items: readonly JsonObject[]): number => {
  let chars = 0
  for (const item of items) {
    for (const written of [item['arguments'], item['input'], item['code']])
      if (typeof written === 'string') chars += written.length
    for (const parts of [item['content'], item['summary']]) {
      if (!Array.isArray(parts)) continue
      for (const part of parts.filter(isObject)) {
        const written = part['text'] ?? part['refusal']
        if (typeof written === 'string') chars += written.length
      }
    }
  }
  return chars
}

/** A whole answer of the same protocol: the model's name is cut out, usage and finish are read. What is no readable answer comes back as it is, and neither that nor one still being made is complete. */
export const rawResponse = (
  body: Buffer,
  { model }: { readonly model: string },
): { readonly body: Buffer; readonly observed: Observed } => {
  const observed: Observed = { deliveredChars: 0, complete: false }
  const scanned = tryScan(body)
  if (!scanned) return { body, observed }
  const read = (field: string): JsonValue | undefined => readField(scanned, field) as JsonValue | undefined
  const error = read('error') ?? null
  const status = read('status') ?? null
  if (error !== null || status === 'failed') {
    observed.failure = readFailure({ error, code: read('code') ?? null })
    return { body, observed }
  }
  const output = read('output')
  if (!Array.isArray(output)) return { body, observed }
  const usage = decodeUsage(read('usage'))
  const id = read('id')
  if (usage) observed.usage = usage
  if (typeof id === 'string') observed.upstreamId = id
  observed.finish = finishWord({ status, incomplete_details: read('incomplete_details') ?? null })
  observed.deliveredChars = shownChars(output.filter(isObject))
  observed.complete = status === null || status === 'completed' || status === 'incomplete'
  const cut = modelCut(scanned, model)
  return { body: cut ? splice(body, [cut]) : body, observed }
}

export const createTap = ({ model }: { readonly model: string }): RawTap => new Tap(model)
