import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { type Cut, type ScannedObject, scanObject, splice } from '../json-scan.ts'
import type { Observed, RawTap } from '../protocol.ts'
import { parseFrame, SseFrameTooLarge, SseSplitter } from '../sse.ts'
import { decodeStreamFailure, isErrorEvent } from './errors.ts'
import { contentChunk } from './tap-scan.ts'
import { decodeUsage } from './usage.ts'

const empty = Buffer.alloc(0)
const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Watches a same-protocol stream go by. Nearly all frames are chunks with a piece of content: those are recognised and changed as bytes, never parsed. Frames that
 * finish a choice, report usage or tell an error are read. What is malformed or unknown passes unharmed.
 */
export class Tap implements RawTap {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #name: string
  readonly #nameJson: string
  readonly #includeUsage: boolean
  readonly #splitter = new SseSplitter()
  /** Choices that have begun and not finished. */
  readonly #open = new Set<number>()

  constructor({ model, includeUsage }: { readonly model: string; readonly includeUsage: boolean }) {
    this.#nameJson = JSON.stringify(model)
    // Latin-1 maps bytes to characters one to one: frames are cut as such strings.
    this.#name = Buffer.from(this.#nameJson).toString('latin1')
    this.#includeUsage = includeUsage
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
    let out = ''
    for (const frame of frames) out += this.#pass(frame)
    return out === '' ? empty : Buffer.from(out, 'latin1')
  }

  finish(): Buffer {
    const rest = this.#splitter.finish()
    if (rest.length === 0) return rest
    const { data } = parseFrame(rest)
    // A frame that lacks nothing but its blank line is whole; a torn one would only break the client's parser.
    if (data !== '[DONE]' && parse(data || undefined) === undefined) return empty
    return Buffer.from(`${this.#pass(rest)}\n\n`, 'latin1')
  }

  /** One frame as a Latin-1 string of its bytes, changed as needed; '' when it is not for the client. */
  #pass(frame: Buffer): string {
    const text = frame.toString('latin1')
    const chars = this.#open.size === 0 ? -1 : contentChunk(text)
    if (chars === -1) return this.#read(frame, text)
    this.observed.deliveredChars += chars
    return this.#mask(text)
  }

  /** The model's name and, if the client did not ask for usage, the `"usage":null` that our own asking brings. */
  #mask(text: string): string {
    const at = text.indexOf('"model":"')
    const end = text.indexOf('"', at + 9)
    let masked = text.slice(0, at + 8) + this.#name + text.slice(end + 1)
    if (!this.#includeUsage) {
      const usage = masked.lastIndexOf(',"usage":null')
      if (usage !== -1) masked = masked.slice(0, usage) + masked.slice(usage + 13)
    }
    return masked
  }

  #read(frame: Buffer, text: string): string {
    const { data } = parseFrame(frame)
    if (data === '') return text
    if (data === '[DONE]') {
      this.observed.complete = true
      return text
    }
    const event = parse(data)
    if (!event) return text
    if (isErrorEvent(event)) {
      this.observed.failure ??= decodeStreamFailure(event)
      return ''
    }
    if (typeof event['id'] === 'string' && event['id'] !== '') this.observed.upstreamId ??= event['id']
    const usage = isObject(event['usage']) ? event['usage'] : groqUsage(event)
    if (usage) this.observed.usage = decodeUsage(usage)
    const choices = Array.isArray(event['choices']) ? event['choices'].filter(isObject) : []
    for (const choice of choices) this.#readChoice(choice)
    // The chunk that only reports usage is ours, if the client did not ask for it.
    if (usage && choices.length === 0 && isObject(event['usage']) && !this.#includeUsage && this.#open.size === 0) return ''
    return this.#maskParsed(frame, text, event)
  }

  #readChoice(choice: JsonObject): void {
    const index = typeof choice['index'] === 'number' ? choice['index'] : 0
    const finish = choice['finish_reason']
    if (isObject(choice['delta'])) this.observed.deliveredChars += shownLength(choice['delta'])
    if (typeof finish !== 'string' || finish === '') {
      this.#open.add(index)
      return
    }
    this.#open.delete(index)
    this.observed.finish ??= finish
    if (this.#open.size === 0) this.observed.complete = true
  }

  #maskParsed(frame: Buffer, text: string, event: JsonObject): string {
    const hideUsage = !this.#includeUsage && event['usage'] === null
    if (event['model'] === undefined && !hideUsage) return text
    const from = text.indexOf('{')
    const to = text.lastIndexOf('}') + 1
    let scanned: ScannedObject
    try {
      scanned = scanObject(frame.subarray(from, to))
    } catch {
      return text
    }
    const cuts: Cut[] = []
    const model = scanned.fields.get('model')
    if (model) cuts.push({ start: model.valueStart, end: model.valueEnd, text: this.#nameJson })
    if (hideUsage) cuts.push(removal(scanned, 'usage'))
    return text.slice(0, from) + splice(scanned.bytes, cuts).toString('latin1') + text.slice(to)
  }
}

/** A cut that takes a field out together with one of its commas. */
const removal = (scanned: ScannedObject, key: string): Cut => {
  const field = scanned.fields.get(key)!
  let start = field.keyStart
  let end = field.valueEnd
  while (isSpace(scanned.bytes[start - 1])) start--
  if (scanned.bytes[start - 1] === COMMA) start--
  else {
    while (isSpace(scanned.bytes[end])) end++
    if (scanned.bytes[end] === COMMA) end++
  }
  return { start, end, text: '' }
}

const COMMA = 0x2c
const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const groqUsage = (event: JsonObject): JsonObject | undefined => {
  const extra = event['x_groq']
  return isObject(extra) && isObject(extra['usage']) ? extra['usage'] : undefined
}

const shownLength = (delta: JsonObject): number => {
  let length = 0
  for (const shown of [delta['content'], delta['refusal'], delta['reasoning_content'] ?? delta['reasoning']]) {
    if (typeof shown === 'string') length += shown.length
    else if (Array.isArray(shown)) length += JSON.stringify(shown).length
  }
  for (const call of Array.isArray(delta['tool_calls']) ? delta['tool_calls'].filter(isObject) : []) {
    const fn = call['function']
    if (isObject(fn) && typeof fn['arguments'] === 'string') length += fn['arguments'].length
  }
  return length
}

const parse = (data: string | undefined): JsonObject | undefined => {
  if (data === undefined) return undefined
  try {
    const value = JSON.parse(data) as JsonValue
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
