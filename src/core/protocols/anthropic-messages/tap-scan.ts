/** Reading frames as bytes: what kind they are, and how long the text of a delta is. */

export type FrameKind = 'delta' | 'start' | 'quiet' | 'other'

const LF = 10
const QUOTE = 0x22
const BACKSLASH = 0x5c
const prefix = Buffer.from('event: content_block_')
const delta = Buffer.from('event: content_block_delta\n')
const start = Buffer.from('event: content_block_start\n')
const stop = Buffer.from('event: content_block_stop\n')
const ping = Buffer.from('event: ping\n')

const begins = (frame: Buffer, at: number, word: Buffer): boolean =>
  frame.length >= at + word.length && frame.compare(word, 0, word.length, at, at + word.length) === 0

/** By the `event:` line as Anthropic writes it; anything else is `other` and gets parsed. */
export const frameKind = (frame: Buffer): FrameKind => {
  let at = 0
  // What is left of extra blank lines between frames.
  while (frame[at] === LF) at++
  const letter = frame[at + prefix.length]
  // "event: content_block_" is followed by d(elta), st(art) or st(op).
  if (letter === 0x64) return begins(frame, at, delta) ? 'delta' : 'other'
  if (letter === 0x73) {
    if (begins(frame, at, start)) return 'start'
    return begins(frame, at, stop) ? 'quiet' : 'other'
  }
  return begins(frame, at, ping) ? 'quiet' : 'other'
}

const deltaKey = Buffer.from('"delta":{"type":"')
const valueMark = Buffer.from('":"')

/** Characters of shown text in a delta frame; 0 for signatures and citations; -1 when its keys are not in the usual order and it must be parsed. */
export const deltaLength = (frame: Buffer): number => {
  const key = frame.indexOf(deltaKey)
  if (key === -1) return -1
  const type = key + deltaKey.length
  const letter = frame[type]
  // text_delta, thinking_delta, input_json_delta; signature_delta, citations_delta and compaction_delta are not shown as they come.
  if (letter !== 0x74 && letter !== 0x69) return 0
  const mark = frame.indexOf(valueMark, type)
  return mark === -1 ? -1 : stringLength(frame, mark + valueMark.length)
}

/** Characters of the JSON string that begins at `from`; an escape counts as one character. */
const stringLength = (frame: Buffer, from: number): number => {
  let length = 0
  for (let at = from; at < frame.length; at++) {
    const byte = frame[at]!
    if (byte === QUOTE) return length
    if (byte === BACKSLASH) at += frame[at + 1] === 0x75 ? 5 : 1
    // Bytes that continue a UTF-8 sequence are no characters of their own.
    if ((byte & 0xc0) !== 0x80) length++
  }
  return length
}
