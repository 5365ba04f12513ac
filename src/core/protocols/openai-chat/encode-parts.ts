import type { AudioPart, DocumentPart, ImagePart, JsonObject, Part, Source, TextPart } from '../neutral/index.ts'
import { audioFormatOf, baseType, isText, pictureTypeOf, readText } from '../media-types.ts'
import { unsupported, type Warnings } from './refusals.ts'

/** A part of a user message. `path` is where it stands in the client's body; `restore`: that body was of this protocol. */
export const encodeUserPart = (part: Part, path: string, restore: boolean, warnings: Warnings): JsonObject => {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: part.text, ...own(part) }
    case 'image':
      return encodeImage(part, path, restore)
    case 'document':
      return encodeDocument(part, path, restore, warnings)
    case 'audio':
      return encodeAudio(part, path, restore)
    case 'opaque':
      return part.protocol === 'openai-chat' ? part.value : unsupported(path, 'this part has no counterpart')
    case 'thinking':
    case 'tool-call':
    case 'tool-result':
      return unsupported(path, `a part of type ${part.type} does not belong here`)
  }
}

/** What no other protocol knows, as it came; a mark for the provider's cache goes back only to who reads it. */
const own = (part: Part): JsonObject => part.extensions?.['openai-chat'] ?? {}

/** One string when it is all text, as every server reads it; parts otherwise. */
export const encodeTexts = (parts: readonly TextPart[]): string | JsonObject[] => {
  const [only, ...more] = parts
  if (!only) return ''
  if (more.length === 0 && !only.extensions?.['openai-chat']) return only.text
  return parts.map((part) => ({ type: 'text', text: part.text, ...own(part) }))
}

const encodeImage = (part: ImagePart, path: string, restore: boolean): JsonObject => ({
  type: 'image_url',
  image_url: { url: encodeUrl(part.source, path, restore), ...(part.detail && { detail: part.detail }) },
})

const encodeUrl = (source: Source, path: string, restore: boolean): string => {
  switch (source.from) {
    case 'url':
      return source.url
    case 'base64': {
      const type =
        pictureTypeOf(source.mediaType) ??
        (restore
          ? source.mediaType
          : unsupported(path, `images of type "${source.mediaType}" are not accepted; use PNG, JPEG, GIF or WebP`))
      return `data:${type};base64,${source.data}`
    }
    case 'text':
      return unsupported(path, 'an image cannot be given as text')
    case 'file':
      return unsupported(path, 'files of another provider cannot be used; send the content itself')
  }
}

const encodeDocument = (part: DocumentPart, path: string, restore: boolean, warnings: Warnings): JsonObject => {
  const { source, title } = part
  const filename = title === undefined ? {} : { filename: title }
  switch (source.from) {
    case 'base64':
      if (!restore && isText(source.mediaType)) {
        warnings.changed(path, 'a text document is sent as text')
        return { type: 'text', text: titled(title, readText(source, path)) }
      }
      if (!restore && baseType(source.mediaType) !== 'application/pdf')
        unsupported(path, `documents of type "${source.mediaType}" are not accepted; use PDF or text`)
      return {
        type: 'file',
        file: { filename: title ?? 'document.pdf', file_data: `data:${source.mediaType};base64,${source.data}` },
      }
    case 'text':
      warnings.changed(path, 'a text document is sent as text')
      return { type: 'text', text: titled(title, source.text) }
    case 'file':
      if (source.protocol !== 'openai-chat')
        return unsupported(path, 'files of another provider cannot be used; send the content itself')
      return { type: 'file', file: { file_id: source.id, ...filename } }
    case 'url':
      // OpenAI takes none; servers whose clients send it do.
      if (restore) return { type: 'file', file: { ...filename, file_data: source.url } }
      return unsupported(path, 'documents cannot be given by address; send the content itself')
  }
}

/** A document of text as text, under its title. */
export const titled = (title: string | undefined, text: string): string =>
  title === undefined ? text : `${title}\n\n${text}`

/** A client of this protocol may name a format that its server knows. */
const encodeAudio = ({ source }: AudioPart, path: string, restore: boolean): JsonObject => {
  if (source.from !== 'base64') return unsupported(path, 'audio must be sent inline')
  const format = restore ? source.mediaType.slice('audio/'.length) : audioFormatOf(source.mediaType)
  if (format === undefined)
    return unsupported(path, `audio of type "${source.mediaType}" is not accepted; use MP3 or WAV`)
  return { type: 'input_audio', input_audio: { data: source.data, format } }
}
