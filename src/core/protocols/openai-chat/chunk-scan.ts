/**
 * Reading a chunk (or a whole answer) as bytes, without building anything: where its few interesting values stand and how much text it shows. One pass, a few tenths of
 * a microsecond; what is not the JSON expected here is reported as unreadable and left alone.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
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

const shown = ['content', 'reasoning_content', 'reasoning', 'refusal', 'arguments', 'text', 'thinking'].map((key) =>
  Buffer.from(key),
)
const details = Buffer.from('reasoning_details')
const finishReason = Buffer.from('finish_reason')
const index = Buffer.from('index')
const delta = Buffer.from('delta')
const message = Buffer.from('message')
const annotations = Buffer.from('annotations')
const [id, model, usage, error, choices, groq] = ['id', 'model', 'usage', 'error', 'choices', 'x_groq'].map((key) =>
  Buffer.from(key),
) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]

/** The longest of these keys with every letter written as an escape. */
const longestEscaped = 7 * 6

const noBytes = Buffer.alloc(0)

/** What one scan found; reused from chunk to chunk. */
export class ChunkScan {
  readonly id: Place = { start: -1, end: -1 }
  readonly model: Place = { start: -1, end: -1 }
  readonly usage: Place = { start: -1, end: -1 }
  readonly error: Place = { start: -1, end: -1 }
  readonly groq: Place = { start: -1, end: -1 }
  /** `"usage":null` with the comma that goes with it. */
  readonly noUsage: Place = { start: -1, end: -1 }
  /** Whether `choices` was there and empty. */
  noChoices = false
  /** Characters of text, reasoning and arguments. */
  chars = 0
  /** The finish reasons with the index of their choice. */
  readonly finishes: { readonly choice: number; readonly reason: string }[] = []
  /** The highest index of a choice; -1 when there was none. */
  highest = -1
  /** A top-level key came twice or with escapes: the places above may not be the only ones, or not those that a client reads. */
  odd = false
  /** Index just behind the object. */
  after = -1

  /** The key that repeats what is told elsewhere. */
  readonly #other: Buffer
  #bytes: Buffer = noBytes
  #at = 0
  #end = 0
  #choicesCame = false

  /** For chunks of a stream, or for whole answers. */
  constructor(of: 'chunk' | 'answer') {
    this.#other = of === 'chunk' ? message : delta
  }

  /** Scans the object that begins at `from` and ends before `end`. False when it is no JSON object. */
  read(bytes: Buffer, from: number, end: number): boolean {
    this.#reset()
    this.#bytes = bytes
    this.#at = from
    this.#end = end
    return this.#object()
  }

  #reset(): void {
    this.id.start = this.model.start = this.usage.start = -1
    this.error.start = this.groq.start = this.noUsage.start = -1
    this.noChoices = false
    this.chars = 0
    this.highest = -1
    this.odd = false
    this.#choicesCame = false
    if (this.finishes.length > 0) this.finishes.length = 0
  }

  #object(): boolean {
    this.#space()
    if (this.#bytes[this.#at] !== OPEN_BRACE) return false
    this.#at++
    let before = -1
    for (;;) {
      this.#space()
      if (this.#bytes[this.#at] === CLOSE_BRACE) {
        this.after = this.#at + 1
        return true
      }
      const keyStart = this.#at
      if (!this.#string()) return false
      const keyEnd = this.#at
      this.#space()
      if (this.#bytes[this.#at++] !== COLON) return false
      this.#space()
      const start = this.#at
      if (!this.#topValue(keyStart + 1, keyEnd - 1)) return false
      const end = this.#at
      this.#space()
      const next = this.#bytes[this.#at]
      this.#note(keyStart, keyEnd, start, end, before, next === COMMA ? this.#at + 1 : -1)
      if (next === COMMA) {
        before = this.#at
        this.#at++
      } else if (next !== CLOSE_BRACE) return false
    }
  }

  #topValue(keyStart: number, keyEnd: number): boolean {
    if (!this.#is(keyStart, keyEnd, choices) || this.#bytes[this.#at] !== OPEN_BRACKET) return this.#value()
    if (this.#choicesCame) this.odd = true
    this.#choicesCame = true
    return this.#choices()
  }

  /** `before`: the comma in front of this field; `after`: behind the comma that follows it; -1 where there is none. */
  #note(keyStart: number, keyEnd: number, start: number, end: number, before: number, after: number): void {
    const from = keyStart + 1
    const to = keyEnd - 1
    const size = to - from
    if (size > 6) {
      if (size <= longestEscaped && this.#hasEscape(from, to)) this.odd = true
      return
    }
    if (size < 2) return
    const place = this.#is(from, to, model)
      ? this.model
      : this.#is(from, to, usage)
        ? this.usage
        : this.#is(from, to, id)
          ? this.id
          : this.#is(from, to, error)
            ? this.error
            : this.#is(from, to, groq)
              ? this.groq
              : undefined
    if (!place) return
    if (place.start !== -1 || (place === this.usage && this.noUsage.start !== -1)) this.odd = true
    if (this.#bytes[start] !== NULL) {
      place.start = start
      place.end = end
    } else if (place === this.usage) {
      this.noUsage.start = before === -1 ? keyStart : before
      this.noUsage.end = before === -1 && after !== -1 ? after : end
    }
  }

  /** Walks the choices in one go: counts what strings under the keys of text hold, and reads indexes and finish reasons. */
  #choices(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    let depth = 0
    let items = 0
    // The depth inside a list of reasoning details, which repeat what `reasoning` says.
    let detailsDepth = 0
    let reasoned = 0
    let detailed = 0
    let choice = 0
    while (this.#at < end) {
      const byte = bytes[this.#at]!
      if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
        depth++
        items++
        this.#at++
        if (depth === 2) choice = 0
      } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) {
        this.#at++
        if (depth === detailsDepth) detailsDepth = 0
        if (--depth === 0) {
          this.noChoices = items === 1
          if (reasoned === 0) this.chars += detailed
          return true
        }
      } else if (byte !== QUOTE) this.#at++
      else {
        const from = this.#at + 1
        if (!this.#string()) return false
        const to = this.#at - 1
        this.#space()
        if (bytes[this.#at] !== COLON) continue
        this.#at++
        this.#space()
        if (bytes[this.#at] === QUOTE) {
          if (this.#isShown(from, to)) {
            const count = this.#count()
            if (count === -1) return false
            if (detailsDepth > 0) detailed += count
            else this.chars += count
            if (bytes[from] === 0x72 && to - from !== 7) reasoned += count
          } else {
            const start = this.#at + 1
            if (!this.#string()) return false
            if (depth === 2 && this.#at - 1 > start && this.#is(from, to, finishReason))
              this.finishes.push({ choice, reason: bytes.toString('latin1', start, this.#at - 1) })
          }
        } else if (depth === 2 && this.#is(from, to, index)) {
          choice = bytes[this.#at]! - 0x30
          if (bytes[this.#at + 1]! >= 0x30 && bytes[this.#at + 1]! <= 0x39)
            choice = Number.parseInt(bytes.toString('latin1', this.#at, this.#at + 4), 10)
          if (choice > this.highest) this.highest = choice
        } else if (bytes[this.#at] === OPEN_BRACKET) {
          // Sources are shown, but not made by the model.
          if (this.#is(from, to, annotations)) {
            if (!this.#value()) return false
          } else if (this.#is(from, to, details)) detailsDepth = depth + 1
        } else if (depth === 2 && this.#is(from, to, this.#other)) {
          // Perplexity sends the whole message so far with every delta.
          if (!this.#value()) return false
        }
      }
    }
    return false
  }

  #isShown(from: number, to: number): boolean {
    for (const key of shown) if (this.#is(from, to, key)) return true
    return false
  }

  #is(from: number, to: number, key: Buffer): boolean {
    if (to - from !== key.length) return false
    for (let at = 0; at < key.length; at++) if (this.#bytes[from + at] !== key[at]) return false
    return true
  }

  #hasEscape(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.#bytes[at] === BACKSLASH) return true
    return false
  }

  #space(): void {
    const bytes = this.#bytes
    while (this.#at < this.#end && bytes[this.#at]! <= 0x20) this.#at++
  }

  /** Skips the string that begins here. */
  #string(): boolean {
    const bytes = this.#bytes
    const end = this.#end
    let at = this.#at
    if (bytes[at] !== QUOTE) return false
    at++
    while (at < end) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.#at = at + 1
        return true
      }
      at += byte === BACKSLASH ? 2 : 1
    }
    return false
  }

  /** Skips the string that begins here and counts its characters, an escape as one; -1 when it does not end. */
  #count(): number {
    const bytes = this.#bytes
    const end = this.#end
    let count = 0
    let at = this.#at + 1
    while (at < end) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.#at = at + 1
        return count
      }
      // Bytes that continue a UTF-8 sequence are no characters of their own.
      if ((byte & 0xc0) !== 0x80) count++
      at += byte !== BACKSLASH ? 1 : bytes[at + 1] === 0x75 ? 6 : 2
    }
    return -1
  }

  /** Skips any value. */
  #value(): boolean {
    const bytes = this.#bytes
    let depth = 0
    while (this.#at < this.#end) {
      const byte = bytes[this.#at]!
      if (byte === QUOTE) {
        if (!this.#string()) return false
        if (depth === 0) return true
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth++
        this.#at++
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth === 0) return true
        this.#at++
        if (--depth === 0) return true
      } else if (byte === COMMA && depth === 0) return true
      else this.#at++
    }
    return false
  }
}
