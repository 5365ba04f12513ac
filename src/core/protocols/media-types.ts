import type { Source } from './neutral/index.ts'
import { refuse } from './read.ts'

/** The type alone, without what may stand behind it: `text/csv; charset=utf-8` is `text/csv`. */
export const baseType = (mediaType: string): string => mediaType.split(';')[0]!.trim().toLowerCase()

/** What is text under another name; anything written in JSON, XML or YAML is too. */
const texts =
  /^application\/(?:(?:x-)?(?:javascript|typescript|python|sh|sql|yaml|csv|toml|ndjson|jsonl)|json|xml)$|\+(?:json|xml|yaml)$/

export const isText = (mediaType: string): boolean => {
  const type = baseType(mediaType)
  return type.startsWith('text/') || texts.test(type)
}

type Inline = Extract<Source, { from: 'base64' }>

/** The text of a document that is text. Refuses bytes that are none in UTF-8. */
export const readText = ({ data }: Inline, path: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(data, 'base64'))
  } catch {
    return refuse(path, 'the text must be in UTF-8.')
  }
}

/** The names that OpenAI has for recordings; it takes no others. */
const audioFormats: Readonly<Record<string, 'mp3' | 'wav'>> = {
  'audio/mp3': 'mp3',
  'audio/mpeg': 'mp3',
  'audio/mpeg3': 'mp3',
  'audio/x-mp3': 'mp3',
  'audio/x-mpeg': 'mp3',
  'audio/wav': 'wav',
  'audio/wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/vnd.wave': 'wav',
}

export const audioFormatOf = (mediaType: string): 'mp3' | 'wav' | undefined => audioFormats[baseType(mediaType)]

/** The pictures that OpenAI takes, by the names that clients have for their types. */
const pictures: Readonly<Record<string, string>> = {
  'image/png': 'image/png',
  'image/jpeg': 'image/jpeg',
  'image/jpg': 'image/jpeg',
  'image/gif': 'image/gif',
  'image/webp': 'image/webp',
}

export const pictureTypeOf = (mediaType: string): string | undefined => pictures[baseType(mediaType)]
