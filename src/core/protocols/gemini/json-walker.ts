const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

/** From here on a string is searched for its end: signatures and images have thousands of characters. */
const shortString = 32

/** Steps over JSON as bytes without building anything, for scans of chunks that know what they look for. All return false (or -1) where it is no JSON. */
export class JsonWalker {
  protected bytes: Buffer = Buffer.alloc(0)
  protected at = 0
  protected end = 0

  protected is(from: number, to: number, word: Buffer): boolean {
    if (to - from !== word.length) return false
    for (let at = 0; at < word.length; at++) if (this.bytes[from + at] !== word[at]) return false
    return true
  }

  protected hasEscape(from: number, to: number): boolean {
    for (let at = from; at < to; at++) if (this.bytes[at] === BACKSLASH) return true
    return false
  }

  protected space(): void {
    const bytes = this.bytes
    while (this.at < this.end && bytes[this.at]! <= 0x20) this.at++
  }

  /** Skips the string that begins here. */
  protected string(): boolean {
    const bytes = this.bytes
    if (bytes[this.at] !== QUOTE) return false
    let at = this.at + 1
    const near = Math.min(at + shortString, this.end)
    while (at < near) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.at = at + 1
        return true
      }
      at += byte === BACKSLASH ? 2 : 1
    }
    const from = at
    for (;;) {
      at = bytes.indexOf(QUOTE, at)
      if (at === -1 || at >= this.end) return false
      let before = at
      while (before > from && bytes[before - 1] === BACKSLASH) before--
      at++
      if ((at - before) % 2 === 1) {
        this.at = at
        return true
      }
    }
  }

  /** Skips the string that begins here and counts its characters, an escape as one; -1 when it does not end. */
  protected count(): number {
    const bytes = this.bytes
    const end = this.end
    let count = 0
    let at = this.at + 1
    while (at < end) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.at = at + 1
        return count
      }
      // Bytes that continue a UTF-8 sequence are no characters of their own.
      if ((byte & 0xc0) !== 0x80) count++
      at += byte !== BACKSLASH ? 1 : bytes[at + 1] === 0x75 ? 6 : 2
    }
    return -1
  }

  /** Skips any value. */
  protected value(): boolean {
    const bytes = this.bytes
    const start = this.at
    let depth = 0
    while (this.at < this.end) {
      const byte = bytes[this.at]!
      if (byte === QUOTE) {
        if (!this.string()) return false
        if (depth === 0) return true
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        depth++
        this.at++
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (depth === 0) return this.at > start
        this.at++
        if (--depth === 0) return true
      } else if (byte === COMMA && depth === 0) return this.at > start
      else this.at++
    }
    return false
  }
}
