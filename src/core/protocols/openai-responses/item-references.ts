const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const longestName = 96

interface Item {
  hasType: boolean
  hasRole: boolean
  hasId: boolean
  refers: boolean
}

/**
 * The index of the first item of `input` that stands for one the provider keeps: of the type `item_reference`, or of no type and with an id in place of a role. -1 when
 * there is none. `start` and `end` enclose an array in valid JSON. Only the keys of items are read, however they are written; nothing is parsed or copied that is longer
 * than a name.
 */
export const firstReference = (bytes: Buffer, start: number, end: number): number => {
  let depth = 0
  let index = 0
  let item: Item | undefined
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!
    if (byte === QUOTE) {
      const close = stringEnd(bytes, at)
      if (depth === 1 && item) readKey(bytes, at, close, item)
      at = close - 1
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth === 1) item = { hasType: false, hasRole: false, hasId: false, refers: false }
    } else if (byte === 0x7d || byte === 0x5d) {
      if (--depth > 0 || !item) continue
      if (item.refers || (item.hasId && !item.hasType && !item.hasRole)) return index
      index++
    }
  }
  return -1
}

/** Index just behind the string that opens at `open`. */
const stringEnd = (bytes: Buffer, open: number): number => {
  for (let at = open + 1; ;) {
    const quote = bytes.indexOf(QUOTE, at)
    let slashes = 0
    while (bytes[quote - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return quote + 1
    at = quote + 1
  }
}

const readKey = (bytes: Buffer, open: number, close: number, item: Item): void => {
  const colon = behindSpace(bytes, close)
  if (bytes[colon] !== COLON) return
  const value = behindSpace(bytes, colon + 1)
  // Null is the same as absent.
  if (bytes[value] === 0x6e) return
  switch (name(bytes, open, close)) {
    case 'id':
      item.hasId = true
      break
    case 'role':
      item.hasRole = true
      break
    case 'type':
      item.hasType = true
      if (bytes[value] === QUOTE && name(bytes, value, stringEnd(bytes, value)) === 'item_reference') item.refers = true
      break
    default:
  }
}

const behindSpace = (bytes: Buffer, from: number): number => {
  let at = from
  while (bytes[at]! <= 0x20) at++
  return at
}

/** A short string as it is meant, whatever escapes it is written with. */
const name = (bytes: Buffer, open: number, close: number): unknown =>
  close - open > longestName ? undefined : JSON.parse(bytes.toString('utf8', open, close))
