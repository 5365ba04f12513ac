/**
 * How the value of a key counts in a conversation. All that is not named is text.
 * - word: a word for the server and not for the model; an object of that name is looked into
 * - role: the same; it makes an item of a Responses input a message
 * - unread: signatures, and earlier thinking, which is not read again by the models that made it
 * - thought: whether the part is such thinking (Gemini)
 * - sealed: a page that was searched (Messages), or reasoning (Responses)
 * - json: an object that is read as it is, with its keys: what a tool was called with or gave, a schema
 * - data: bytes in base64, or text
 * - url: an address, or bytes in it
 * - image: an image's address or bytes, or an object with them
 * - source: an object with the bytes or the address of an image or a document
 * - remote, remote-document: an id or address of what is kept elsewhere
 */
export type Kind =
  | 'text'
  | 'word'
  | 'role'
  | 'unread'
  | 'thought'
  | 'sealed'
  | 'json'
  | 'data'
  | 'url'
  | 'image'
  | 'source'
  | 'remote'
  | 'remote-document'

const ids = ['id', 'call_id', 'tool_use_id', 'tool_call_id']
const named = [...ids, 'type', 'ttl', 'model', 'status', 'mimeType', 'mime_type', 'media_type']
const signatures = ['signature', 'thoughtSignature', 'thought_signature']
const words: Readonly<Record<Exclude<Kind, 'text'>, readonly string[]>> = {
  word: [...named, 'encrypted_index', 'namespace', 'phase', 'detail', 'format', 'filename'],
  role: ['role'],
  unread: [...signatures, 'thinking', 'summary', 'reasoning', 'reasoning_content', 'reasoning_details'],
  thought: ['thought'],
  sealed: ['encrypted_content'],
  json: ['input', 'args', 'response', 'schema', 'responseSchema', 'response_schema', 'responseJsonSchema'],
  data: ['data', 'file_data', 'result'],
  url: ['url'],
  image: ['image_url'],
  source: ['source'],
  remote: ['file_id', 'fileUri', 'file_uri'],
  'remote-document': ['file_url'],
}

const kinds = [
  'word',
  'role',
  'unread',
  'thought',
  'sealed',
  'json',
  'data',
  'url',
  'image',
  'source',
  'remote',
  'remote-document',
] as const
const longest = 20
/** The named keys by their length: most keys are told apart by that and their first letter. */
const byLength: readonly (readonly { readonly word: Buffer; readonly kind: Kind }[])[] = Array.from(
  { length: longest + 1 },
  (_, length) =>
    kinds.flatMap((kind) =>
      words[kind].filter((word) => word.length === length).map((word) => ({ word: Buffer.from(word), kind })),
    ),
)

/** `from` and `end`: the key without its quotes. One that is written with escapes is taken for text. */
export const kindOf = (bytes: Buffer, from: number, end: number): Kind => {
  const length = end - from
  if (length > longest) return 'text'
  const known = byLength[length]!
  for (let index = 0; index < known.length; index++) {
    const { word, kind } = known[index]!
    let at = 0
    while (at < length && bytes[from + at] === word[at]) at++
    if (at === length) return kind
  }
  return 'text'
}
