import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  JsonObject,
  OpaquePart,
  Part,
  Source,
  ToolCallPart,
} from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { isObject, refuse } from '../read.ts'
import { nameField } from './decode-parts.ts'
import { unsupported, type Warnings } from './refusals.ts'

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif'])

/** The client speaks this protocol too: its own fields are put back, and nothing is judged that Google judges itself. */
export interface Restoring {
  readonly restore: boolean
  readonly warnings: Warnings
}

/** A part that is no call, no result and no thought. Undefined for text that is empty: the API takes none. */
export const encodePart = (
  part: Exclude<Part, { type: 'thinking' | 'tool-call' | 'tool-result' }>,
  path: string,
  { restore, warnings }: Restoring,
): JsonObject | undefined => {
  const { [nameField]: displayName, ...own } = part.extensions?.gemini ?? {}
  const name = displayName === undefined ? {} : { displayName }
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : { text: part.text, ...own }
    case 'image':
      return { inlineData: { ...encodeImage(part, path, restore), ...name }, ...resolution(part, restore), ...own }
    case 'audio':
      return { inlineData: { ...encodeAudio(part, path), ...name }, ...own }
    case 'document':
      return { ...encodeDocument(part, path, restore, warnings), ...own }
    case 'opaque':
      return encodeOpaque(part, path)
  }
}

const resolution = ({ detail }: ImagePart, restore: boolean): JsonObject =>
  restore && detail && detail !== 'auto'
    ? { mediaResolution: { level: `MEDIA_RESOLUTION_${detail.toUpperCase()}` } }
    : {}

const encodeImage = ({ source }: ImagePart, path: string, restore: boolean): JsonObject => {
  const blob = inline(source, path)
  if (blob.mimeType === 'image/jpg') return { ...blob, mimeType: 'image/jpeg' }
  if (!restore && !imageTypes.has(blob.mimeType))
    unsupported(path, `images of type "${blob.mimeType}" are not accepted; use PNG, JPEG, WebP or HEIC`)
  return { ...blob }
}

const encodeAudio = ({ source }: AudioPart, path: string): JsonObject => ({ ...inline(source, path) })

const encodeDocument = (
  { source, title }: DocumentPart,
  path: string,
  restore: boolean,
  warnings: Warnings,
): JsonObject => {
  if (source.from === 'text') {
    warnings.changed(path, 'a text document is sent as text')
    return { text: title === undefined ? source.text : `${title}\n\n${source.text}` }
  }
  const blob = inline(source, path)
  if (!restore && blob.mimeType !== 'application/pdf' && !blob.mimeType.startsWith('text/'))
    unsupported(path, `documents of type "${blob.mimeType}" are not accepted; use PDF or text`)
  if (title === undefined) return { inlineData: { ...blob } }
  if (restore) return { inlineData: { ...blob, displayName: title } }
  warnings.droppedOf(path, 'title', 'the Gemini API has no names of documents')
  return { inlineData: { ...blob } }
}

const inline = (source: Source, path: string): { readonly mimeType: string; readonly data: string } => {
  switch (source.from) {
    case 'base64':
      return { mimeType: source.mediaType, data: source.data }
    case 'url':
      return unsupported(path, 'content cannot be given by address; send the bytes themselves in base64')
    case 'file':
      return unsupported(path, 'files of another provider cannot be used; send the content itself')
    case 'text':
      return unsupported(path, 'this content cannot be given as text')
  }
}

const encodeOpaque = (part: OpaquePart, path: string): JsonObject =>
  part.protocol === 'gemini' ? { ...part.value } : unsupported(path, 'this content has no counterpart')

/** `id` is left out where the client gave none. */
export const encodeCall = (part: ToolCallPart, path: string, id: string | undefined): JsonObject => {
  const { functionCall: own, ...extra } = part.extensions?.gemini ?? {}
  const args =
    parseArguments(part.arguments) ?? refuse(path, `the arguments of "${part.name}" must be the text of a JSON object.`)
  return {
    functionCall: { ...(isObject(own) && own), ...(id !== undefined && { id }), name: part.name, args },
    ...extra,
  }
}

/** The arguments as an object; none at all is an empty one. Undefined when the text is no JSON object. */
export const parseArguments = (text: string): JsonObject | undefined => {
  if (text.trim() === '') return {}
  try {
    const value = parseJson(text)
    return isObject(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}
