import type {
  CacheMark,
  DocumentPart,
  ImagePart,
  JsonObject,
  Part,
  Source,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { isObject, refuse } from '../read.ts'
import { toolUseId } from './ids.ts'
import { unsupported, type Warnings } from './refusals.ts'

/** What encoding one request needs at every part. */
export interface Encoding {
  readonly warnings: Warnings
  /** The model takes cache points. */
  readonly caches: boolean
  /** Names of documents in this request, which must differ, and how often each was wanted. */
  readonly documentNames: Map<string, number>
}

const imageFormats: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/png': 'png',
  'image/gif': 'gif',
  'image/webp': 'webp',
}

const documentFormats: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** The blocks of one part: none when nothing of it may be sent, a cache point behind it where it has a mark. `path` is where it stands in the client's body. */
export const encodePart = (part: Part, path: string, encoding: Encoding): JsonObject[] => {
  encoding.warnings.extensions(path, part.extensions)
  const block = encodeBlock(part, path, encoding)
  return block ? [block, ...cachePoint(part.cache, path, encoding)] : []
}

/** A cache point of five minutes unless an hour or more was asked for. */
export const cachePoint = (mark: CacheMark | undefined, path: string, { caches, warnings }: Encoding): JsonObject[] => {
  if (!mark) return []
  if (!caches) {
    warnings.droppedOf(path, 'cache', 'this model is not known to cache at marks')
    return []
  }
  const long = mark.ttl === '1h' || mark.ttl === '12h'
  return [{ cachePoint: { type: 'default', ...(long && { ttl: '1h' }) } }]
}

const encodeBlock = (part: Part, path: string, encoding: Encoding): JsonObject | undefined => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return encodeText(part)
    case 'image':
      return encodeImage(part, path, encoding.warnings)
    case 'document':
      return encodeDocument(part, path, encoding)
    case 'audio':
      return unsupported(path, 'audio is not accepted')
    case 'thinking':
      return encodeThinking(part, path, encoding.warnings)
    case 'tool-call':
      return encodeToolCall(part, path)
    case 'tool-result':
      return encodeToolResult(part, path, encoding)
    case 'opaque':
      return part.protocol === 'bedrock-converse'
        ? { ...part.value }
        : unsupported(path, 'this content has no counterpart')
  }
}

/** Blank text is refused by the models behind the API. */
export const encodeText = ({ text }: Pick<TextPart, 'text'>): JsonObject | undefined =>
  text.trim() === '' ? undefined : { text }

const encodeImage = (part: ImagePart, path: string, warnings: Warnings): JsonObject => {
  if (part.detail && part.detail !== 'auto') warnings.droppedOf(path, 'detail', 'the Converse API has no image detail')
  const { mediaType, bytes } = inline(part.source, path, 'an image')
  const format = imageFormats[mediaType]
  if (format === undefined)
    return unsupported(path, `images of type "${mediaType}" are not accepted; use JPEG, PNG, GIF or WebP`)
  return { image: { format, source: { bytes } } }
}

const encodeDocument = (part: DocumentPart, path: string, { documentNames }: Encoding): JsonObject => {
  const { mediaType, bytes } = inline(part.source, path, 'a document')
  const format = documentFormats[mediaType] ?? (mediaType.startsWith('text/') ? 'txt' : undefined)
  if (format === undefined) return unsupported(path, `documents of type "${mediaType}" are not accepted`)
  return { document: { format, name: documentName(part.title, documentNames), source: { bytes } } }
}

/** Letters, digits, single blanks, hyphens, parentheses and brackets; different for each document. */
const documentName = (title: string | undefined, taken: Map<string, number>): string => {
  const plain = (title ?? '')
    .replaceAll(/[^a-zA-Z0-9\s\-()[\]]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 180)
  const wanted = plain || 'Document'
  let count = (taken.get(wanted) ?? 0) + 1
  let name = count === 1 ? wanted : `${wanted} ${count}`
  while (count > 1 && taken.has(name)) name = `${wanted} ${++count}`
  taken.set(wanted, count)
  if (name !== wanted) taken.set(name, 1)
  return name
}

const inline = (source: Source, path: string, what: string): { readonly mediaType: string; readonly bytes: string } => {
  switch (source.from) {
    case 'base64':
      if (source.data.length % 4 !== 0 || !base64.test(source.data)) refuse(path, 'the data is not base64.')
      return { mediaType: source.mediaType.split(';')[0]!.trim().toLowerCase(), bytes: source.data }
    case 'text':
      return { mediaType: 'text/plain', bytes: Buffer.from(source.text).toString('base64') }
    case 'url':
      return unsupported(path, `${what} cannot be given by address; send the content itself`)
    case 'file':
      return unsupported(path, 'files of another provider cannot be used; send the content itself')
  }
}

/** Reasoning goes back only to whom it came from. */
const encodeThinking = (part: ThinkingPart, path: string, warnings: Warnings): JsonObject | undefined => {
  if (part.signedBy === 'bedrock-converse') {
    if (part.redacted !== undefined) return { reasoningContent: { redactedContent: part.redacted } }
    if (part.signature !== undefined)
      return { reasoningContent: { reasoningText: { text: part.text, signature: part.signature } } }
  }
  warnings.reasoning(part, path, 'reasoning without a signature of this provider')
  return undefined
}

const encodeToolCall = (part: ToolCallPart, path: string): JsonObject => ({
  toolUse: {
    toolUseId: toolUseId(part.id),
    name: part.name,
    input:
      parseArguments(part.arguments) ??
      refuse(path, `the arguments of "${part.name}" must be the text of a JSON object.`),
  },
})

/** None at all is an empty object. Undefined when the text is no JSON object. */
const parseArguments = (text: string): JsonObject | undefined => {
  if (text.trim() === '') return {}
  try {
    const value = parseJson(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const encodeToolResult = (part: ToolResultPart, path: string, encoding: Encoding): JsonObject => {
  const content: JsonObject[] = []
  for (const [position, item] of part.content.entries()) {
    const at = item.path ?? `${path}.content[${position}]`
    encoding.warnings.extensions(at, item.extensions)
    const block = item.type === 'text' ? { text: item.text } : encodeBlock(item, at, encoding)
    if (block) content.push(block)
  }
  if (content.length === 0) content.push({ text: '' })
  return {
    toolResult: { toolUseId: toolUseId(part.callId), content, ...(part.isError && { status: 'error' }) },
  }
}
