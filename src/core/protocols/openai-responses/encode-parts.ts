import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  JsonObject,
  OpaquePart,
  Part,
  RefusalPart,
  Source,
  TextPart,
} from '../neutral/index.ts'
import { baseType, isText, pictureTypeOf, readText } from '../media-types.ts'
import { unsupported, type Warnings } from './refusals.ts'

type Said = TextPart | RefusalPart | ImagePart | DocumentPart | AudioPart | OpaquePart

/** A part of an input. `path` is where it stands in the client's body; `restore`: that body was of this protocol. */
export const encodeInputPart = (part: Part, path: string, restore: boolean, warnings: Warnings): JsonObject => {
  if (part.type === 'thinking' || part.type === 'tool-call' || part.type === 'tool-result')
    return unsupported(path, `a part of type ${part.type} does not belong here`)
  return { ...encodeSaid(part, path, restore, warnings), ...breakpoint(part, restore), ...ownFields(part) }
}

/** Notes what of a part cannot be sent whatever it is: fields and cache marks of other protocols. */
export const note = (part: Part, path: string, restore: boolean, warnings: Warnings): void => {
  warnings.extensions(path, part.extensions)
  if (part.cache && !restore) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
}

/** What this protocol alone knows of a part, as it came. */
export const ownFields = (part: Part): JsonObject => part.extensions?.['openai-responses'] ?? {}

const breakpoint = ({ cache }: Part, restore: boolean): JsonObject =>
  cache && restore ? { prompt_cache_breakpoint: { mode: 'explicit', ...(cache.ttl && { ttl: cache.ttl }) } } : {}

/** One string when it is one plain text, which every server reads; parts otherwise. */
export const simplest = (content: readonly JsonObject[]): string | JsonObject[] => {
  const [only, ...more] = content
  const text = only?.['text']
  const plain = more.length === 0 && only && only['type'] === 'input_text' && Object.keys(only).length === 2
  return plain && typeof text === 'string' ? text : [...content]
}

const encodeSaid = (part: Said, path: string, restore: boolean, warnings: Warnings): JsonObject => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { type: 'input_text', text: part.text }
    case 'image':
      return { type: 'input_image', detail: part.detail ?? 'auto', ...encodeImage(part.source, path, restore) }
    case 'document':
      return encodeDocument(part, path, restore, warnings)
    case 'audio':
      return encodeAudio(part, path, restore)
    case 'opaque':
      return part.protocol === 'openai-responses' ? part.value : unsupported(path, 'this part has no counterpart')
  }
}

const dataUrl = ({ mediaType, data }: { readonly mediaType: string; readonly data: string }): string =>
  `data:${mediaType};base64,${data}`

const titled = (title: string | undefined, text: string): string => (title === undefined ? text : `${title}\n\n${text}`)

const foreignFile = 'files of another provider cannot be used; send the content itself'

const encodeImage = (source: Source, path: string, restore: boolean): JsonObject => {
  switch (source.from) {
    case 'url':
      return { image_url: source.url }
    case 'base64':
      if (!restore && pictureTypeOf(source.mediaType) === undefined)
        unsupported(path, `images of type "${source.mediaType}" are not accepted; use PNG, JPEG, GIF or WebP`)
      return { image_url: dataUrl({ ...source, mediaType: pictureTypeOf(source.mediaType) ?? source.mediaType }) }
    case 'text':
      return unsupported(path, 'an image cannot be given as text')
    case 'file':
      return source.protocol === 'openai-responses' ? { file_id: source.id } : unsupported(path, foreignFile)
  }
}

/** Documents that are neither PDF nor text, by the endings that tell the API what they are. */
const endings: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'application/rtf': 'rtf',
  'application/msword': 'doc',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.ms-powerpoint': 'ppt',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
}

const encodeDocument = (
  { source, title }: DocumentPart,
  path: string,
  restore: boolean,
  warnings: Warnings,
): JsonObject => {
  switch (source.from) {
    case 'base64': {
      if (!restore && isText(source.mediaType)) {
        warnings.changed(path, 'a text document is sent as text')
        return { type: 'input_text', text: titled(title, readText(source, path)) }
      }
      const ending = endings[baseType(source.mediaType)] ?? (restore ? 'pdf' : undefined)
      if (ending === undefined)
        return unsupported(path, `documents of type "${source.mediaType}" are not accepted; use PDF or text`)
      return { type: 'input_file', filename: title ?? `document.${ending}`, file_data: dataUrl(source) }
    }
    case 'text':
      warnings.changed(path, 'a text document is sent as text')
      return { type: 'input_text', text: titled(title, source.text) }
    case 'file':
      return source.protocol === 'openai-responses'
        ? { type: 'input_file', file_id: source.id }
        : unsupported(path, foreignFile)
    case 'url':
      // The API takes a name only beside the content itself.
      return { type: 'input_file', file_url: source.url }
  }
}

/** The types of the API have no audio in an input, but some of its models and of its imitators take it. */
const encodeAudio = ({ source }: AudioPart, path: string, restore: boolean): JsonObject =>
  restore && source.from === 'base64'
    ? {
        type: 'input_audio',
        input_audio: { data: source.data, format: source.mediaType.slice('audio/'.length) },
      }
    : unsupported(path, 'audio cannot be an input')
