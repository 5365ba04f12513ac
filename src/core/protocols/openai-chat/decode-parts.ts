import type {
  AudioPart,
  CacheMark,
  DocumentPart,
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

const textFields = new Set(['type', 'text', 'prompt_cache_breakpoint', 'cache_control'])

/** The text parts of a system or tool message: a string, or an array of nothing but text. */
export const decodeTexts = (value: JsonValue | undefined, path: string): TextPart[] => {
  if (typeof value === 'string') return [{ type: 'text', text: value, path }]
  return array(value, path).map((item, index) => {
    const at = `${path}[${index}]`
    const part = object(item, at)
    return part['type'] === 'text' ? decodeText(part, at) : refuse(`${at}.type`, 'must be "text" here.')
  })
}

/** What a user says: a string, or parts. Parts that no other protocol has become opaque. */
export const decodeUserContent = (value: JsonValue | undefined, path: string): Part[] =>
  decodeContent(value, path, (part, at) => {
    switch (part['type']) {
      case 'text':
        return decodeText(part, at)
      case 'image_url':
        return decodeImage(part, at)
      case 'input_audio':
        return decodeAudio(part, at)
      case 'file':
        return decodeFile(part, at)
      default:
        return decodeOpaque(part, at)
    }
  })

/** What the assistant said: a string, or parts of text, refusals and, from Mistral, thinking. */
export const decodeAssistantContent = (value: JsonValue | undefined, path: string): Part[] =>
  decodeContent(value, path, (part, at) => {
    switch (part['type']) {
      case 'text':
        return decodeText(part, at)
      case 'refusal':
        return { type: 'refusal', text: string(part['refusal'], `${at}.refusal`), path: at } satisfies RefusalPart
      default:
        return decodeOpaque(part, at)
    }
  })

const decodeContent = (
  value: JsonValue | undefined,
  path: string,
  decode: (part: JsonObject, path: string) => Part,
): Part[] => {
  if (typeof value === 'string') return [{ type: 'text', text: value, path }]
  if (!Array.isArray(value)) return refuse(path, 'must be a string or an array of content parts.')
  return value.map((part, index) => decode(object(part, `${path}[${index}]`), `${path}[${index}]`))
}

const decodeOpaque = (part: JsonObject, path: string): OpaquePart => {
  filled(part['type'], `${path}.type`)
  return { type: 'opaque', protocol: 'openai-chat', value: part, path }
}

const decodeText = (part: JsonObject, path: string): TextPart => {
  const extra = rest(part, textFields)
  return compact({
    type: 'text' as const,
    text: string(part['text'], `${path}.text`),
    path,
    cache: decodeCache(part, path),
    extensions: extra && { 'openai-chat': extra },
  })
}

/** OpenAI's breakpoints, and the marks of Anthropic that clients of OpenRouter and the like send. */
const decodeCache = (part: JsonObject, path: string): CacheMark | undefined => {
  const field = part['cache_control'] == null ? 'prompt_cache_breakpoint' : 'cache_control'
  return optional(part[field], `${path}.${field}`, (value, at) => {
    const ttl = optional(object(value, at)['ttl'], `${at}.ttl`, (name, place) =>
      oneOf(name, place, ['5m', '30m', '1h', '12h']),
    )
    return ttl ? { ttl } : {}
  })
}

const decodeImage = (part: JsonObject, path: string): ImagePart => {
  const at = `${path}.image_url`
  // Some servers' clients give the address itself.
  const image = typeof part['image_url'] === 'string' ? { url: part['image_url'] } : object(part['image_url'], at)
  return compact({
    type: 'image' as const,
    source: decodeUrl(filled(image['url'], `${at}.url`), `${at}.url`),
    detail: optional(image['detail'], `${at}.detail`, (value, place) => oneOf(value, place, ['auto', 'low', 'high'])),
    path,
    cache: decodeCache(part, path),
  })
}

const decodeAudio = (part: JsonObject, path: string): AudioPart => {
  const at = `${path}.input_audio`
  const audio = object(part['input_audio'], at)
  const mediaType = `audio/${filled(audio['format'], `${at}.format`)}`
  return { type: 'audio', source: inline(mediaType, string(audio['data'], `${at}.data`), `${at}.data`), path }
}

const decodeFile = (part: JsonObject, path: string): DocumentPart => {
  const at = `${path}.file`
  const file = object(part['file'], at)
  const title = optional(file['filename'], `${at}.filename`, string)
  const id = optional(file['file_id'], `${at}.file_id`, filled)
  const source: Source =
    id === undefined
      ? decodeUrl(filled(file['file_data'], `${at}.file_data`), `${at}.file_data`)
      : { from: 'file', id, protocol: 'openai-chat' }
  return compact({ type: 'document' as const, source, title, path, cache: decodeCache(part, path) })
}
