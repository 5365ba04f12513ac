/** Replacements in a buffer, collected in ascending order and applied in one copy. Made once and used again for every buffer. */
export class CutList {
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #texts: Buffer[] = []
  #length = 0
  #growth = 0

  /** The bytes from `start` to `end` become `text`. Must not lie before an earlier cut. */
  add(start: number, end: number, text: Buffer): void {
    this.#starts[this.#length] = start
    this.#ends[this.#length] = end
    this.#texts[this.#length++] = text
    this.#growth += text.length - (end - start)
  }

  /** The buffer with all cuts applied, and the list empty again; the buffer itself when there are none. */
  apply(bytes: Buffer): Buffer {
    if (this.#length === 0) return bytes
    const result = Buffer.allocUnsafe(bytes.length + this.#growth)
    let from = 0
    let to = 0
    for (let index = 0; index < this.#length; index++) {
      const text = this.#texts[index]!
      to += bytes.copy(result, to, from, this.#starts[index])
      result.set(text, to)
      to += text.length
      from = this.#ends[index]!
    }
    bytes.copy(result, to, from)
    this.#length = 0
    this.#growth = 0
    return result
  }
}
