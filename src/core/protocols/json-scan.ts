import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../kernel/errors.ts'

/**
 * Reads a JSON object as bytes: checks that the whole text is valid JSON (RFC 8259) and in UTF-8, and tells where each top-level value stands, without building
 * anything. Same-protocol bodies are never parsed and stringified: they are scanned once and cut at these places.
 */
export interface Field {
  readonly key: string
  /** Index of the key's opening quote. */
  readonly keyStart: number
  readonly valueStart: number
  /** Index just behind the value. */
  readonly valueEnd: number
}

export interface ScannedObject {
  readonly bytes: Buffer
  readonly fields: ReadonlyMap<string, Field>
  /** Index of the `{`. */
  readonly open: number
  /** Index of the closing `}`. */
  readonly close: number
  /** Index just behind each key below the top level that is one of the words asked for, in order. */
  readonly found: readonly number[]
}

/** Is shown what a scan comes by, in order. All places are those in the body. */
export interface ScanWatcher {
  /** The value of this top-level field comes next. */
  field(name: string): void
  /** A key below the top level, with its quotes. */
  key(bytes: Buffer, from: number, end: number): void
  /** An object or an array that is not empty. */
  open(isObject: boolean): void
  close(): void
  /** A string with its quotes, a number or a word. */
  value(bytes: Buffer, from: number, end: number): void
  /** An escape of the key or string that comes next. */
  escape(bytes: Buffer, from: number, end: number): void
}

const maxDepth = 128
/** No protocol knows a hundred fields; and a long conversation with many tools has some ten thousand values. Beyond, reading would keep others waiting. */
const maxFields = 1_000
const maxValues = 250_000
/** For answers of providers: log probabilities alone can be a million values, and their bytes are bounded before. */
export const anyValues = 2 ** 30

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const COLON = 0x3a

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39
const isHex = (byte: number | undefined): boolean =>
  byte !== undefined && (isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66))

const invalid = (at: number, what = 'unexpected character'): GatewayError =>
  new GatewayError('invalid_json', `The body is not valid JSON: ${what} at byte ${at}.`)

/** `words`: keys to be found wherever they are, of ASCII letters. `most`: how many values it may hold. `watcher`: see there. Throws GatewayError 400: `invalid_utf8`, `invalid_json`, `json_too_deep`, `json_too_complex`, `duplicate_key` (top level only), `invalid_request` when it is no object. */
export const scanObject = (
  bytes: Buffer,
  words: readonly string[] = [],
  most = maxValues,
  watcher?: ScanWatcher,
): ScannedObject => {
  if (!isUtf8(bytes)) throw new GatewayError('invalid_utf8')
  const walk = startWalk(bytes, words, most, watcher)
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  at = skipSpace(bytes, at)
  if (at === bytes.length) throw new GatewayError('invalid_json', 'The body is empty. Send a JSON object.')
  if (bytes[at] !== OPEN_BRACE) {
    skipValue(walk, at)
    throw new GatewayError('invalid_request', 'The body must be a JSON object.')
  }
  const open = at
  const fields = new Map<string, Field>()
  at = skipSpace(bytes, at + 1)
  if (bytes[at] !== CLOSE_BRACE) {
    for (;;) {
      if (bytes[at] !== QUOTE) throw invalid(at, 'a key is expected')
      const keyStart = at
      at = skipString(walk, at)
      const key = readKey(bytes, keyStart, at)
      at = skipSpace(bytes, at)
      if (bytes[at] !== COLON) throw invalid(at, '":" is expected')
      const valueStart = skipSpace(bytes, at + 1)
      if (watcher) watcher.field(key)
      at = skipValue(walk, valueStart)
      if (fields.has(key))
        throw new GatewayError(
          'duplicate_key',
          `The key "${key.slice(0, 64)}" appears twice at the top level of the body.`,
          { param: key.slice(0, 64) },
        )
      if (fields.size === maxFields) throw tooComplex()
      fields.set(key, { key, keyStart, valueStart, valueEnd: at })
      at = skipSpace(bytes, at)
      if (bytes[at] === CLOSE_BRACE) break
      if (bytes[at] !== COMMA) throw invalid(at, '"," or "}" is expected')
      at = skipSpace(bytes, at + 1)
    }
  }
  const close = at
  at = skipSpace(bytes, at + 1)
  if (at !== bytes.length) throw invalid(at, 'text after the end of the object')
  return { bytes, fields, open, close, found: walk.found }
}

/** The parsed value of one field; undefined when the field is absent. `parse`: parseJson where the value is written again. */
export const readField = (
  scanned: ScannedObject,
  key: string,
  parse: (text: string) => unknown = (text) => JSON.parse(text),
): unknown => {
  const field = scanned.fields.get(key)
  return field && parse(scanned.bytes.toString('utf8', field.valueStart, field.valueEnd))
}

/** One replacement in a body: the bytes from `start` to `end` become `text`. */
export interface Cut {
  readonly start: number
  readonly end: number
  readonly text: string
}

const isOrdered = (cuts: readonly Cut[]): boolean => {
  for (let index = 1; index < cuts.length; index++) if (cuts[index]!.start < cuts[index - 1]!.start) return false
  return true
}

/** The body with all cuts applied; the same buffer when there are none. Cuts must not overlap. */
export const splice = (bytes: Buffer, cuts: readonly Cut[]): Buffer => {
  if (cuts.length === 0) return bytes
  const ordered = isOrdered(cuts) ? cuts : cuts.toSorted((left, right) => left.start - right.start)
  let size = bytes.length
  for (const cut of ordered) size += Buffer.byteLength(cut.text) - (cut.end - cut.start)
  const result = Buffer.allocUnsafe(size)
  let from = 0
  let to = 0
  for (const cut of ordered) {
    to += bytes.copy(result, to, from, cut.start)
    to += result.write(cut.text, to)
    from = cut.end
  }
  bytes.copy(result, to, from)
  return result
}

/** A cut that sets a top-level field: replaces its value, or adds the field in front of the closing brace. */
export const setField = (scanned: ScannedObject, key: string, json: string): Cut => {
  const field = scanned.fields.get(key)
  if (field) return { start: field.valueStart, end: field.valueEnd, text: json }
  return {
    start: scanned.close,
    end: scanned.close,
    text: `${scanned.fields.size > 0 ? ',' : ''}${JSON.stringify(key)}:${json}`,
  }
}

/** Cuts that take out top-level fields with their commas. To be applied together with others only where these set or add other fields. */
export const removeFields = (scanned: ScannedObject, keys: readonly string[]): Cut[] => {
  const cuts: Cut[] = []
  let kept: Field | undefined
  let first: Field | undefined
  let last: Field | undefined
  for (const [key, field] of scanned.fields) {
    if (keys.includes(key)) {
      first ??= field
      last = field
      continue
    }
    if (first) cuts.push({ start: first.keyStart, end: field.keyStart, text: '' })
    first = undefined
    kept = field
  }
  if (first && last) cuts.push({ start: kept?.valueEnd ?? first.keyStart, end: last.valueEnd, text: '' })
  return cuts
}

/** A key is nearly always plain; only others are worth a parse. */
const readKey = (bytes: Buffer, start: number, end: number): string => {
  for (let at = start + 1; at < end - 1; at++) {
    if (bytes[at]! > 0x7e || bytes[at] === BACKSLASH) return JSON.parse(bytes.toString('utf8', start, end)) as string
  }
  return bytes.toString('latin1', start + 1, end - 1)
}

const skipSpace = (bytes: Buffer, from: number): number => {
  let at = from
  while (isSpace(bytes[at])) at++
  return at
}

/** 1 for the bytes that a string cannot simply run over: its quote, escapes, control characters. A table is twice as fast as comparing. */
const stops = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
)

/** One pass over one body. */
interface Walk {
  readonly bytes: Buffer
  /** The same bytes four at a time, from `shift` on; none for a small body. */
  readonly quads: Int32Array
  readonly shift: number
  readonly words: readonly string[]
  readonly found: number[]
  /** How many values may still come. */
  left: number
  readonly watcher: ScanWatcher | undefined
}

/** Below this many bytes the view costs more than it saves. */
const largeBody = 2048
const noQuads = new Int32Array(0)

const startWalk = (bytes: Buffer, words: readonly string[], left: number, watcher: ScanWatcher | undefined): Walk => {
  const shift = -bytes.byteOffset & 3
  const large = bytes.length >= largeBody
  const quads = large ? new Int32Array(bytes.buffer, bytes.byteOffset + shift, (bytes.length - shift) >> 2) : noQuads
  return { bytes, quads, shift, words, found: [], left, watcher }
}

/** How many bytes of a string are looked at one by one before four at a time: most strings end before. */
const nearBytes = 16

/** Index just behind the string that opens at `from`. */
const skipString = (walk: Walk, from: number): number => {
  const { bytes } = walk
  const length = bytes.length
  let at = from + 1
  for (;;) {
    const near = at + nearBytes
    while (at < near && at < length && stops[bytes[at]!] === 0) at++
    if (at === near) {
      at = skipQuads(walk, at)
      while (at < length && stops[bytes[at]!] === 0) at++
    }
    if (at >= length) throw invalid(from, 'a string without an end')
    const byte = bytes[at]
    if (byte === QUOTE) return at + 1
    if (byte !== BACKSLASH) throw invalid(at, 'a control character in a string')
    const escape = at
    at = skipEscape(bytes, at)
    if (walk.watcher) walk.watcher.escape(bytes, escape, at)
  }
}

/**
 * Runs over bytes of a string while no four of them hold a stop: a subtraction borrows into the high bit of a byte that was too small, for a byte that equals the
 * pattern after an exclusive or. Borrows may spread to the next byte, so a hit is only a reason to look closer. The bytes in front of `from` are known to be plain.
 */
const skipQuads = ({ quads, shift }: Walk, from: number): number => {
  const count = quads.length
  let quad = (from - shift) >> 2
  while (quad < count) {
    const bytes = quads[quad]!
    const quotes = bytes ^ 0x22222222
    const slashes = bytes ^ 0x5c5c5c5c
    const small = ((bytes - 0x20202020) | (quotes - 0x01010101)) & ~bytes
    if (((small | ((slashes - 0x01010101) & ~slashes)) & 0x80808080) !== 0) break
    quad++
  }
  return Math.max(from, quad * 4 + shift)
}

const skipEscape = (bytes: Buffer, at: number): number => {
  switch (bytes[at + 1] ?? 0) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 2
    case 0x75:
      if (isHex(bytes[at + 2]) && isHex(bytes[at + 3]) && isHex(bytes[at + 4]) && isHex(bytes[at + 5])) return at + 6
      break
    default:
  }
  throw invalid(at, 'a broken escape')
}

const tooComplex = (): GatewayError =>
  new GatewayError(
    'json_too_complex',
    `The body holds more than ${maxFields} fields at its top level, or more than ${maxValues} values.`,
  )

/** Index just behind the value that starts at `from`. Walks nested values without recursion, so that no depth can overflow the stack. */
const skipValue = (walk: Walk, from: number): number => {
  const { bytes } = walk
  const first = bytes[from]
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    if (--walk.left < 0) throw tooComplex()
    return skipPlain(walk, from)
  }
  const { watcher } = walk
  // One bit of history per level: what closes it.
  const closers: number[] = []
  let at = from
  for (;;) {
    if (--walk.left < 0) throw tooComplex()
    at = skipSpace(bytes, at)
    const byte = bytes[at]
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (closers.length === maxDepth)
        throw new GatewayError('json_too_deep', `The body is nested more than ${maxDepth} levels deep.`)
      const closer = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
      at = skipSpace(bytes, at + 1)
      if (bytes[at] === closer) at++
      else {
        closers.push(closer)
        if (watcher) watcher.open(byte === OPEN_BRACE)
        if (closer === CLOSE_BRACE) at = skipKey(walk, at)
        continue
      }
    } else at = skipPlain(walk, at)
    // A value has ended: close levels until a comma opens the next value.
    for (;;) {
      const closer = closers.at(-1)
      if (closer === undefined) return at
      at = skipSpace(bytes, at)
      if (bytes[at] === closer) {
        closers.pop()
        if (watcher) watcher.close()
        at++
        continue
      }
      if (bytes[at] !== COMMA) throw invalid(at, '"," is expected')
      at++
      if (closer === CLOSE_BRACE) at = skipKey(walk, skipSpace(bytes, at))
      break
    }
  }
}

const skipPlain = (walk: Walk, from: number): number => {
  const end = walk.bytes[from] === QUOTE ? skipString(walk, from) : skipScalar(walk.bytes, from)
  if (walk.watcher) walk.watcher.value(walk.bytes, from, end)
  return end
}

const skipKey = (walk: Walk, from: number): number => {
  const { bytes } = walk
  if (bytes[from] !== QUOTE) throw invalid(from, 'a key is expected')
  const end = skipString(walk, from)
  const at = skipSpace(bytes, end)
  if (bytes[at] !== COLON) throw invalid(at, '":" is expected')
  if (walk.watcher) walk.watcher.key(bytes, from, end)
  if (walk.words.length > 0 && isWord(walk, from, end)) walk.found.push(end)
  return at + 1
}

/** Whether the key with its quotes is one of the words. Escapes hide none. */
const isWord = ({ bytes, words }: Walk, from: number, end: number): boolean => {
  const length = end - from - 2
  for (const word of words) {
    if (length === word.length && matches(bytes, from + 1, word)) return true
    if (length > word.length && length <= word.length * longestEscape && hasEscape(bytes, from + 1, end))
      return words.includes(readKey(bytes, from, end))
  }
  return false
}

const longestEscape = 6

const matches = (bytes: Buffer, from: number, word: string): boolean => {
  for (let at = 0; at < word.length; at++) if (bytes[from + at] !== word.charCodeAt(at)) return false
  return true
}

const hasEscape = (bytes: Buffer, from: number, end: number): boolean => {
  for (let at = from; at < end; at++) if (bytes[at] === BACKSLASH) return true
  return false
}

const skipScalar = (bytes: Buffer, from: number): number => {
  const byte = bytes[from]
  if (byte === 0x74) return skipWord(bytes, from, 'true')
  if (byte === 0x66) return skipWord(bytes, from, 'false')
  if (byte === 0x6e) return skipWord(bytes, from, 'null')
  return skipNumber(bytes, from)
}

const skipWord = (bytes: Buffer, from: number, word: string): number => {
  if (!matches(bytes, from, word)) throw invalid(from)
  return from + word.length
}

const skipNumber = (bytes: Buffer, from: number): number => {
  let at = bytes[from] === 0x2d ? from + 1 : from
  if (bytes[at] === 0x30) at++
  else if (isDigit(bytes[at])) while (isDigit(bytes[at])) at++
  else throw at >= bytes.length ? invalid(at, 'the text ends too early') : invalid(at)
  if (bytes[at] === 0x2e) {
    if (!isDigit(bytes[++at])) throw invalid(at)
    while (isDigit(bytes[at])) at++
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at++
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    if (!isDigit(bytes[at])) throw invalid(at)
    while (isDigit(bytes[at])) at++
  }
  return at
}
