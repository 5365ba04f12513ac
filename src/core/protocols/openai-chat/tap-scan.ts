/**
 * Recognises the ordinary chunk of a stream, as OpenAI and most of its imitators write it, in the Latin-1 string of its bytes: one choice, no finish, no usage, no error,
 * the model's name in front of the choices. A key cannot be mistaken for text: inside a JSON string its quotes would be escaped.
 *
 * Returns how many characters of text, refusal, reasoning or arguments the chunk carries; -1 when it is anything else and must be parsed.
 */
export const contentChunk = (text: string): number => {
  if (!text.startsWith('data: {"')) return -1
  const delta = text.indexOf('"delta":{')
  if (delta === -1) return -1
  // Chunks of other choices are parsed, so that the tap knows which have begun.
  const choices = text.indexOf('"choices":[{"index":0,')
  if (choices === -1 || choices > delta) return -1
  const model = text.indexOf('"model":"')
  if (model === -1 || model > delta) return -1
  if (!text.includes('"finish_reason":null', delta)) return -1
  if (text.includes('"usage":{', delta) || text.includes('"error"') || text.includes('"delta":{', delta + 9)) return -1
  const content = text.indexOf('"content":"', delta)
  if (content !== -1) return stringLength(text, content + 11)
  const args = text.indexOf('"arguments":"', delta)
  // Several calls in one chunk are rare enough to be parsed.
  if (args !== -1) return text.includes('"arguments":"', args + 13) ? -1 : stringLength(text, args + 13)
  const reasoning = text.indexOf('"reasoning_content":"', delta)
  if (reasoning !== -1) return stringLength(text, reasoning + 21)
  return -1
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Characters of the JSON string that begins at `from`; an escape counts as one character, continued UTF-8 bytes as none. */
const stringLength = (text: string, from: number): number => {
  let length = 0
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return length
    if (code === BACKSLASH) at += text.charCodeAt(at + 1) === 0x75 ? 5 : 1
    if ((code & 0xc0) !== 0x80) length++
  }
  return length
}
