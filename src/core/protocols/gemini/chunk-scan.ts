import { JsonWalker } from './json-walker.ts'

/**
 * Reading a chunk (or a whole answer, which has the same shape) as bytes, without building anything: where its few interesting values stand and how much it shows. What is
 * not the JSON expected here is reported as unreadable and left alone.
 */
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NULL = 0x6e

/** The first and the last byte of a top-level value (`end` exclusive); `start` -1 when it is absent or null. */
interface Place {
  start: number
  end: number
}

const key = (name: string): Buffer => Buffer.from(name)
const candidates = key('candidates')
const usageMetadata = key('usageMetadata')
const modelVersion = key('modelVersion')
const responseId = key('responseId')
const promptFeedback = key('promptFeedback')
const error = key('error')
const content = key('content')
const parts = key('parts')
const text = key('text')
const functionCall = key('functionCall')
const args = key('args')
const partialArgs = key('partialArgs')
const stringValue = key('stringValue')
const finishReason = key('finishReason')
const index = key('index')

/** The objects that are walked into. */
const TOP = 0
const CANDIDATE = 1
const CONTENT = 2
const PART = 3
const CALL = 4
const PIECE = 5
type Level = typeof TOP | typeof CANDIDATE | typeof CONTENT | typeof PART | typeof CALL | typeof PIECE

/** What one scan found; reused from chunk to chunk. */
export class ChunkScan extends JsonWalker {
  readonly model: Place = { start: -1, end: -1 }
  readonly id: Place = { start: -1, end: -1 }
  readonly usage: Place = { start: -1, end: -1 }
  readonly error: Place = { start: -1, end: -1 }
  readonly feedback: Place = { start: -1, end: -1 }
  /** How many candidates there were; -1 without a list of them. */
  listed = -1
  /** The highest index of a candidate; -1 when there was none. */
  highest = -1
  /** Characters of text and thoughts, and of arguments: those that come whole as JSON, of those that come in pieces the texts. */
  chars = 0
  /** The candidates that ended, and how, as JSON. */
  readonly finishes: { readonly candidate: number; readonly json: string }[] = []
  /** A top-level key came twice or with escapes: the places above may not be the only ones, or not those that a client reads. */
  odd = false
  /** Index just behind the object. */
  after = -1

  #position = 0
  #finish: string | undefined

  /** Scans the object that begins at `from` and ends before `end`. False when it is no JSON object. */
  read(bytes: Buffer, from: number, end: number): boolean {
    for (const place of [this.model, this.id, this.usage, this.error, this.feedback]) place.start = -1
    this.listed = this.highest = this.after = -1
    this.chars = 0
    this.odd = false
    if (this.finishes.length > 0) this.finishes.length = 0
    this.bytes = bytes
    this.at = from
    this.end = end
    this.space()
    if (bytes[this.at] !== OPEN_BRACE || !this.#object(TOP)) return false
    this.after = this.at
    return true
  }

  #object(level: Level): boolean {
    const bytes = this.bytes
    this.at++
    this.space()
    if (bytes[this.at] === CLOSE_BRACE) {
      this.at++
      return true
    }
    for (;;) {
      const from = this.at + 1
      if (!this.string()) return false
      const to = this.at - 1
      this.space()
      if (bytes[this.at++] !== COLON) return false
      this.space()
      if (!this.#field(level, from, to)) return false
      this.space()
      const next = bytes[this.at++]
      if (next === CLOSE_BRACE) return true
      if (next !== COMMA) return false
      this.space()
    }
  }

  #field(level: Level, from: number, to: number): boolean {
    const first = this.bytes[this.at]
    switch (level) {
      case TOP:
        return this.#topField(from, to)
      case CANDIDATE:
        if (first === OPEN_BRACE && this.is(from, to, content)) return this.#object(CONTENT)
        if (this.is(from, to, finishReason)) {
          const start = this.at
          if (!this.value()) return false
          if (first !== NULL) this.#finish = this.bytes.toString('latin1', start, this.at)
          return true
        }
        if (this.is(from, to, index)) {
          const start = this.at
          if (!this.value()) return false
          const told = Number(this.bytes.toString('latin1', start, this.at))
          if (Number.isSafeInteger(told) && told >= 0) this.#position = told
          return true
        }
        return this.value()
      case CONTENT:
        return first === OPEN_BRACKET && this.is(from, to, parts) ? this.#list(PART) : this.value()
      case PART:
        if (first === QUOTE && this.is(from, to, text)) return this.#shown()
        return first === OPEN_BRACE && this.is(from, to, functionCall) ? this.#object(CALL) : this.value()
      case CALL: {
        if (first === OPEN_BRACKET && this.is(from, to, partialArgs)) return this.#list(PIECE)
        const start = this.at
        if (!this.value()) return false
        if (this.is(from, to, args)) this.chars += this.at - start
        return true
      }
      case PIECE:
        return first === QUOTE && this.is(from, to, stringValue) ? this.#shown() : this.value()
    }
  }

  #topField(from: number, to: number): boolean {
    const start = this.at
    const first = this.bytes[start]
    if (this.is(from, to, candidates)) {
      if (this.listed !== -1) this.odd = true
      if (first !== OPEN_BRACKET) return this.value()
      this.listed = 0
      return this.#list(CANDIDATE)
    }
    if (!this.value()) return false
    const place = this.#placeOf(from, to)
    if (!place) {
      if (this.hasEscape(from, to)) this.odd = true
      return true
    }
    if (place.start !== -1) this.odd = true
    if (first !== NULL) {
      place.start = start
      place.end = this.at
    }
    return true
  }

  #placeOf(from: number, to: number): Place | undefined {
    if (this.is(from, to, modelVersion)) return this.model
    if (this.is(from, to, usageMetadata)) return this.usage
    if (this.is(from, to, responseId)) return this.id
    if (this.is(from, to, error)) return this.error
    return this.is(from, to, promptFeedback) ? this.feedback : undefined
  }

  /** A list of objects that are walked into; whatever else is in it is passed over. */
  #list(level: typeof CANDIDATE | typeof PART | typeof PIECE): boolean {
    const bytes = this.bytes
    this.at++
    this.space()
    if (bytes[this.at] === CLOSE_BRACKET) {
      this.at++
      return true
    }
    for (let position = 0; ; position++) {
      if (level === CANDIDATE) {
        this.#position = position
        this.#finish = undefined
      }
      if (!(bytes[this.at] === OPEN_BRACE ? this.#object(level) : this.value())) return false
      if (level === CANDIDATE) this.#noteCandidate()
      this.space()
      const next = bytes[this.at++]
      if (next === CLOSE_BRACKET) return true
      if (next !== COMMA) return false
      this.space()
    }
  }

  #shown(): boolean {
    const count = this.count()
    if (count === -1) return false
    this.chars += count
    return true
  }

  #noteCandidate(): void {
    this.listed++
    if (this.#position > this.highest) this.highest = this.#position
    if (this.#finish !== undefined) this.finishes.push({ candidate: this.#position, json: this.#finish })
  }
}
