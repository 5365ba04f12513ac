import type {
  CacheMark,
  DocumentPart,
  Extensions,
  ImagePart,
  JsonObject,
  JsonValue,
  OpaquePart,
  Part,
  RefusalPart,
  Source,
  TextPart,
} from '../neutral/index.ts'
import { decodeUrl, inline } from '../data-url.ts'
import { array, compact, filled, object, oneOf, optional, refuse, rest, string } from '../read.ts'

const textFields = new Set(['type', 'text', 'prompt_cache_breakpoint', 'annotations', 'logprobs'])
const imageFields = new Set(['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint'])
const fileFields = new Set(['type', 'file_data', 'file_id', 'file_url', 'filename', 'prompt_cache_breakpoint'])
const textTypes = ['input_text', 'output_text', 'text']

/** What this protocol alone knows of a part or message. */
export const own = (fields: JsonObject | undefined): Extensions | undefined => fields && { 'openai-responses': fields }

/** The text of an instruction: a string, or parts of nothing but text. */
export const decodeTexts = (value: JsonValue | undefined, path: string): TextPart[] =>
  decodeContent(value, path, (part, at) =>
    textTypes.includes(filled(part['type'], `${at}.type`))
      ? decodeText(part, at)
      : refuse(`${at}.type`, 'must be "input_text" here.'),
  )

/** What a user says: a string, or parts. Parts that no other protocol has become opaque. */
export const decodeUserContent = (value: JsonValue | undefined, path: string): Part[] =>
  decodeContent(value, path, (part, at): Part => {
    if (part['type'] !== 'input_audio') return decodeInput(part, at)
    const audio = object(part['input_audio'], `${at}.input_audio`)
    const mediaType = `audio/${filled(audio['format'], `${at}.input_audio.format`)}`
    const data = string(audio['data'], `${at}.input_audio.data`)
    return { type: 'audio', source: inline(mediaType, data, `${at}.input_audio.data`), path: at }
  })

/** What a tool returned: a string, or parts of text, images and files. */
export const decodeOutput = (value: JsonValue | undefined, path: string) => decodeContent(value, path, decodeInput)

/** What the assistant said: a string, or parts of text and refusals. */
export const decodeAssistantContent = (value: JsonValue | undefined, path: string): Part[] =>
  decodeContent(value, path, (part, at): Part => {
    if (textTypes.includes(filled(part['type'], `${at}.type`))) return decodeText(part, at)
    if (part['type'] !== 'refusal') return decodeOpaque(part, at)
    return { type: 'refusal', text: string(part['refusal'], `${at}.refusal`), path: at } satisfies RefusalPart
  })

const decodeContent = <P>(
  value: JsonValue | undefined,
  path: string,
  decode: (part: JsonObject, path: string) => P,
): (P | TextPart)[] => {
  if (typeof value === 'string') return [{ type: 'text', text: value, path }]
  if (!Array.isArray(value)) return refuse(path, 'must be a string or an array of content parts.')
  return value.map((part, index) => decode(object(part, `${path}[${index}]`), `${path}[${index}]`))
}

const decodeInput = (part: JsonObject, path: string): TextPart | ImagePart | DocumentPart | OpaquePart => {
  switch (part['type']) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return decodeText(part, path)
    case 'input_image':
      return decodeImage(part, path)
    case 'input_file':
      return decodeFile(part, path)
    default:
      return decodeOpaque(part, path)
  }
}

const decodeOpaque = (part: JsonObject, path: string): OpaquePart => {
  filled(part['type'], `${path}.type`)
  return { type: 'opaque', protocol: 'openai-responses', value: part, path }
}

const decodeText = (part: JsonObject, path: string): TextPart => {
  const { annotations } = part
  const cited = Array.isArray(annotations) && annotations.length > 0 ? { annotations } : undefined
  const extra = rest(part, textFields)
  return compact({
    type: 'text' as const,
    text: string(part['text'], `${path}.text`),
    path,
    cache: decodeCache(part, path),
    extensions: own(cited || extra ? { ...cited, ...extra } : undefined),
  })
}

const decodeCache = (part: JsonObject, path: string): CacheMark | undefined =>
  optional(part['prompt_cache_breakpoint'], `${path}.prompt_cache_breakpoint`, (value, at) => {
    const ttl = optional(object(value, at)['ttl'], `${at}.ttl`, (name, place) => oneOf(name, place, ['30m', '12h']))
    return ttl ? { ttl } : {}
  })

const decodeImage = (part: JsonObject, path: string): ImagePart => {
  const id = optional(part['file_id'], `${path}.file_id`, filled)
  const at = `${path}.image_url`
  const detail = optional(part['detail'], `${path}.detail`, (value, place) =>
    oneOf(value, place, ['auto', 'low', 'high', 'original']),
  )
  const extra = rest(part, imageFields)
  const original = detail === 'original' ? { detail } : undefined
  return compact({
    type: 'image' as const,
    source: id === undefined ? decodeUrl(filled(part['image_url'], at), at) : fileOf(id),
    detail: detail === 'original' ? undefined : detail,
    path,
    cache: decodeCache(part, path),
    extensions: own(original || extra ? { ...original, ...extra } : undefined),
  })
}

const decodeFile = (part: JsonObject, path: string): DocumentPart =>
  compact({
    type: 'document' as const,
    source: decodeFileSource(part, path),
    title: optional(part['filename'], `${path}.filename`, string),
    path,
    cache: decodeCache(part, path),
    extensions: own(rest(part, fileFields)),
  })

const decodeFileSource = (part: JsonObject, path: string): Source => {
  const id = optional(part['file_id'], `${path}.file_id`, filled)
  if (id !== undefined) return fileOf(id)
  const url = optional(part['file_url'], `${path}.file_url`, filled)
  if (url !== undefined) return decodeUrl(url, `${path}.file_url`)
  const at = `${path}.file_data`
  const data = filled(part['file_data'], at)
  // The API takes the bare base64 of a PDF as well.
  return data.startsWith('data:') ? decodeUrl(data, at) : inline('application/pdf', data, at)
}

const fileOf = (id: string): Source => ({ from: 'file', id, protocol: 'openai-responses' })

/** The texts of `summary` or `content` of a reasoning item. */
export const decodeReasoningTexts = (value: JsonValue | undefined, path: string): string[] =>
  (optional(value, path, array) ?? []).map((item, index) =>
    string(object(item, `${path}[${index}]`)['text'], `${path}[${index}].text`),
  )
