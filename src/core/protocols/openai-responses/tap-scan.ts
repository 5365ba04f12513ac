/** Reading events as bytes: their type, and how long the text of a delta is. */
const LF = 10
const QUOTE = 0x22
const BACKSLASH = 0x5c
const eventField = Buffer.from('event: ')
const dataType = Buffer.from('data: {"type":"')
const deltaKey = Buffer.from('"delta":"')

/** No type is longer. */
const longestType = 64

/**
 * The type of an event in the layout that OpenAI and nearly all others write: an `event:` line that says the same (or none), then one line of data that begins with the
 * type. Undefined for anything else, which must be parsed.
 */
export const typeOf = (frame: Buffer): string | undefined => {
  let at = 0
  // What is left of extra blank lines between frames.
  while (frame[at] === LF) at++
  let named: string | undefined
  if (begins(frame, at, eventField)) {
    const from = at + eventField.length
    const end = frame.indexOf(LF, from)
    if (end === -1 || end - from > longestType) return undefined
    named = frame.toString('latin1', from, end)
    at = end + 1
  }
  if (!begins(frame, at, dataType)) return undefined
  const from = at + dataType.length
  if (named !== undefined) {
    const end = from + named.length
    if (frame[end] !== QUOTE || frame.toString('latin1', from, end) !== named) return undefined
    return named
  }
  const end = frame.indexOf(QUOTE, from)
  return end === -1 || end - from > longestType ? undefined : frame.toString('latin1', from, end)
}

/** Whether an event shows a piece of what the model writes: its type ends in `.delta`. */
export const isDelta = (type: string): boolean => type.endsWith('.delta')

/** Characters of the `delta` of an event; -1 when it is not where it is expected and the event must be parsed. */
export const deltaLength = (frame: Buffer): number => {
  const key = frame.indexOf(deltaKey)
  if (key === -1) return -1
  let length = 0
  for (let at = key + deltaKey.length; at < frame.length; at++) {
    const byte = frame[at]!
    if (byte === QUOTE) return length
    if (byte === BACKSLASH) at += frame[at + 1] === 0x75 ? 5 : 1
    // Bytes that continue a UTF-8 sequence are no characters of their own.
    if ((byte & 0xc0) !== 0x80) length++
  }
  return -1
}

const begins = (frame: Buffer, at: number, word: Buffer): boolean =>
  frame.length >= at + word.length && frame.compare(word, 0, word.length, at, at + word.length) === 0
