import type {
  DocumentPart,
  Extensions,
  ImagePart,
  JsonObject,
  JsonValue,
  OpaquePart,
  Part,
  TextPart,
} from '../neutral/index.ts'
import { compact, filled, isObject, object, optional, refuse, string } from '../read.ts'
import { leftover } from './read.ts'

/** Of one part at most one is set. */
const dataFields = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const
type DataField = (typeof dataFields)[number]

/** Under what the name of an image or a recording is kept. */
export const nameField = 'inlineData.displayName'

const signing = ['thought', 'thoughtSignature']
const known = new Set<string>([...dataFields, ...signing])
const imageFields = new Set([...known, 'mediaResolution'])
const mediaTypes = /^[\w.+-]+\/[\w.+-]+(?:\s*;\s*[\w-]+=[\w.+"-]+)*$/
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

export const dataOf = (part: JsonObject, path: string): DataField | undefined => {
  const set = dataFields.filter((field) => part[field] != null)
  if (set.length > 1) refuse(path, `holds ${set.join(' and ')}; a part is one of them.`)
  return set[0]
}

/**
 * A part that is no call and no result, with what signs it in front: a model's turn is signed part by part, and the neutral form keeps signatures in thinking
 * parts. Nothing for a part that holds nothing.
 */
export const decodePart = (part: JsonObject, path: string, role: 'user' | 'assistant'): Part[] => {
  const data = dataOf(part, path)
  const own = role === 'assistant' ? readSignature(part, path) : undefined
  if (role === 'assistant' && part['thought'] === true && data === 'text') {
    const text = string(part['text'], `${path}.text`)
    if (text === '' && own === undefined) return []
    return [compact({ type: 'thinking' as const, text, signature: own, signedBy: 'gemini' as const, path })]
  }
  const decoded = decodeData(part, data, path, role)
  // Only the model thinks: here it is text like any other.
  if (role === 'user' && part['thought'] === true && decoded?.type === 'text')
    return [{ ...decoded, extensions: { gemini: { ...decoded.extensions?.gemini, thought: true } } }]
  // An empty text says nothing: at most it carries its signature.
  const empty = decoded?.type === 'text' && decoded.text === '' && (own !== undefined || !decoded.extensions)
  return [...signatureOf(own, path), ...(decoded && !empty ? [decoded] : [])]
}

export const readSignature = (part: JsonObject, path: string): string | undefined =>
  optional(part['thoughtSignature'], `${path}.thoughtSignature`, string) || undefined

export const signatureOf = (signature: string | undefined, path: string): Part[] =>
  signature === undefined ? [] : [{ type: 'thinking', text: '', signature, signedBy: 'gemini', path }]

const decodeData = (
  part: JsonObject,
  data: DataField | undefined,
  path: string,
  role: 'user' | 'assistant',
): Part | undefined => {
  switch (data) {
    case 'text':
      return decodeText(part, path)
    case 'inlineData':
      return role === 'assistant' && part['thought'] === true ? opaque(part, path) : decodeInline(part, path)
    case undefined:
      return leftover(part, known) ? opaque(part, path) : undefined
    default:
      return opaque(part, path)
  }
}

export const decodeText = (part: JsonObject, path: string): TextPart =>
  compact({
    type: 'text' as const,
    text: string(part['text'], `${path}.text`),
    path,
    extensions: leftover(part, known),
  })

/** What only Gemini understands: files of Google, code that it ran, calls of its own tools. The signature stands in front of it. */
const opaque = (part: JsonObject, path: string): OpaquePart => {
  const { thoughtSignature: _, ...value } = part
  return { type: 'opaque', protocol: 'gemini', value, path }
}

/** Bytes inside the request, by their media type. Videos stay opaque: no other protocol takes them. */
const decodeInline = (part: JsonObject, path: string): Part => {
  const at = `${path}.inlineData`
  const blob = object(part['inlineData'], at)
  const mediaType = filled(blob['mimeType'], `${at}.mimeType`).toLowerCase()
  if (!mediaTypes.test(mediaType)) refuse(`${at}.mimeType`, 'must be a media type, as "image/png".')
  if (mediaType.startsWith('video/')) return opaque(part, path)
  const source = { from: 'base64' as const, mediaType, data: readBytes(blob['data'], `${at}.data`) }
  const title = optional(blob['displayName'], `${at}.displayName`, string)
  if (mediaType.startsWith('image/')) return decodeImage(part, source, title, path)
  const extensions = leftover(part, known)
  if (mediaType.startsWith('audio/'))
    return compact({ type: 'audio' as const, source, path, extensions: withName(extensions, title) })
  return compact({ type: 'document' as const, source, title, path, extensions })
}

/** Where the neutral form has no place for the name of a file. */
const withName = (extensions: Extensions | undefined, name: string | undefined): Extensions | undefined =>
  name === undefined ? extensions : { gemini: { ...extensions?.gemini, [nameField]: name } }

const decodeImage = (
  part: JsonObject,
  source: ImagePart['source'],
  title: string | undefined,
  path: string,
): ImagePart => {
  const detail = detailOf(part['mediaResolution'])
  return compact({
    type: 'image' as const,
    source,
    detail,
    path,
    extensions: withName(leftover(part, detail === undefined ? known : imageFields), title),
  })
}

const detailOf = (value: JsonValue | undefined): ImagePart['detail'] => {
  const level = isObject(value) ? value['level'] : value
  if (level === 'MEDIA_RESOLUTION_LOW') return 'low'
  return level === 'MEDIA_RESOLUTION_HIGH' ? 'high' : undefined
}

/** Proto3's JSON takes both alphabets of base64, with and without padding; other protocols only the standard one with it. */
const readBytes = (value: JsonValue | undefined, path: string): string => {
  const given = filled(value, path)
  const plain = /[-_]/.test(given) ? given.replaceAll('-', '+').replaceAll('_', '/') : given
  const padded =
    plain.length % 4 === 0 || plain.endsWith('=') ? plain : plain.padEnd(Math.ceil(plain.length / 4) * 4, '=')
  return padded.length % 4 === 0 && base64.test(padded) ? padded : refuse(path, 'the data is not base64.')
}

/** Parts inside a function's result. */
export const decodeResultPart = (part: JsonObject, path: string): TextPart | ImagePart | DocumentPart | OpaquePart => {
  const decoded = decodeData(part, dataOf(part, path), path, 'user')
  if (decoded?.type === 'image' || decoded?.type === 'document') return decoded
  return opaque(part, path)
}
