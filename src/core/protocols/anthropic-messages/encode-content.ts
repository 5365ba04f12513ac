import type {
  AudioPart,
  CacheMark,
  DocumentPart,
  ImagePart,
  JsonObject,
  OpaquePart,
  Part,
  Source,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { isText, readText } from '../media-types.ts'
import { toolId } from './ids.ts'
import { isObject, refuse } from './read.ts'
import { unsupported, type Warnings } from './refusals.ts'

const imageTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])
const base64 = /^[A-Za-z0-9+/]*={0,2}$/

/** A cache mark as this protocol has it: five minutes unless an hour or more was asked for. */
export const encodeCache = (mark: CacheMark | undefined): JsonObject => {
  if (!mark) return {}
  const long = mark.ttl === '1h' || mark.ttl === '12h'
  return { cache_control: { type: 'ephemeral', ...(mark.ttl && { ttl: long ? '1h' : '5m' }) } }
}

/** One part as a block; undefined when nothing of it may be sent. `path` is where it stands in the client's body. */
export const encodePart = (part: Part, path: string, warnings: Warnings): JsonObject | undefined => {
  warnings.extensions(path, part.extensions)
  switch (part.type) {
    case 'text':
      return encodeText(part)
    case 'refusal':
      return part.text.trim() === '' ? undefined : { type: 'text', text: part.text }
    case 'image':
      return encodeImage(part, path, warnings)
    case 'document':
      return encodeDocument(part, path)
    case 'audio':
      return refuseAudio(part, path)
    case 'thinking':
      return encodeThinking(part, path, warnings)
    case 'tool-call':
      return encodeToolCall(part, path)
    case 'tool-result':
      return encodeToolResult(part, path, warnings)
    case 'opaque':
      return encodeOpaque(part, path)
  }
}

const own = (part: Part): JsonObject => part.extensions?.['anthropic-messages'] ?? {}

/** The API refuses text that is empty or blank. */
export const encodeText = (part: TextPart): JsonObject | undefined =>
  part.text.trim() === '' ? undefined : { type: 'text', text: part.text, ...own(part), ...encodeCache(part.cache) }

const encodeImage = (part: ImagePart, path: string, warnings: Warnings): JsonObject => {
  const { source } = part
  if (source.from === 'base64' && !imageTypes.has(source.mediaType)) {
    unsupported(path, `images of type "${source.mediaType}" are not accepted; use JPEG, PNG, GIF or WebP`)
  }
  if (source.from === 'text') unsupported(path, 'an image cannot be given as text')
  if (part.detail && part.detail !== 'auto') warnings.droppedOf(path, 'detail', 'the Messages API has no image detail')
  return { type: 'image', source: encodeSource(source, path), ...own(part), ...encodeCache(part.cache) }
}

const encodeSource = (source: Source, path: string): JsonObject => {
  switch (source.from) {
    case 'base64':
      if (source.data.length % 4 !== 0 || !base64.test(source.data)) refuse(path, 'the data is not base64.')
      return { type: 'base64', media_type: source.mediaType, data: source.data }
    case 'url':
      if (!/^https?:\/\//i.test(source.url)) refuse(path, 'the address must begin with https:// or http://.')
      return { type: 'url', url: source.url }
    case 'file':
      if (source.protocol !== 'anthropic-messages')
        unsupported(path, 'files of another provider cannot be used; send the content itself')
      return { type: 'file', file_id: source.id }
    case 'text':
      return { type: 'text', media_type: 'text/plain', data: source.text }
  }
}

const encodeDocument = (part: DocumentPart, path: string): JsonObject => {
  const { source } = part
  // A block that was kept whole (search results, documents of blocks) goes back as it came.
  if (typeof own(part)['type'] === 'string') return { ...own(part) }
  const rest = { ...(part.title !== undefined && { title: part.title }), ...own(part), ...encodeCache(part.cache) }
  if (source.from === 'base64' && isText(source.mediaType)) {
    const text = readText(source, path)
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text }, ...rest }
  }
  if (source.from === 'base64' && source.mediaType !== 'application/pdf') {
    unsupported(path, `documents of type "${source.mediaType}" are not accepted; use PDF or text`)
  }
  return { type: 'document', source: encodeSource(source, path), ...rest }
}

const refuseAudio = (_part: AudioPart, path: string): never => unsupported(path, 'audio is not accepted')

/** Reasoning goes back only to whom it came from: the API refuses a foreign or missing signature. */
const encodeThinking = (part: ThinkingPart, path: string, warnings: Warnings): JsonObject | undefined => {
  if (part.signedBy === 'anthropic-messages') {
    if (part.redacted !== undefined) return { type: 'redacted_thinking', data: part.redacted }
    if (part.signature) return { type: 'thinking', thinking: part.text, signature: part.signature }
  }
  warnings.reasoning(part, path, 'reasoning without a signature of this provider')
  return undefined
}

const encodeToolCall = (part: ToolCallPart, path: string): JsonObject => ({
  type: 'tool_use',
  id: toolId(part.id),
  name: part.name,
  input:
    parseArguments(part.arguments) ??
    refuse(path, `the arguments of "${part.name}" must be the text of a JSON object.`),
  ...own(part),
  ...encodeCache(part.cache),
})

/** The arguments as an object; none at all is an empty one. Undefined when the text is no JSON object. */
export const parseArguments = (text: string): JsonObject | undefined => {
  if (text.trim() === '') return {}
  try {
    const value = parseJson(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const encodeToolResult = (part: ToolResultPart, path: string, warnings: Warnings): JsonObject => {
  const content = part.content
    .map((inner, index) => encodePart(inner, inner.path ?? `${path}.content[${index}]`, warnings))
    .filter((block) => block !== undefined)
  return {
    type: 'tool_result',
    tool_use_id: toolId(part.callId),
    ...(content.length > 0 && { content }),
    ...(part.isError !== undefined && { is_error: part.isError }),
    ...own(part),
    ...encodeCache(part.cache),
  }
}

const encodeOpaque = (part: OpaquePart, path: string): JsonObject =>
  part.protocol === 'anthropic-messages' ? { ...part.value } : unsupported(path, 'this content has no counterpart')
