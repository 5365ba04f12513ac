import type { JsonObject, JsonValue } from '../neutral/index.ts'
import type { MadeMedia } from '../made-media.ts'
import { isObject } from '../read.ts'

/** Reading what servers answer, leniently: absent, null and empty are the same, and every place that holds reasoning counts. */
export interface Piece {
  readonly kind: 'text' | 'thinking' | 'refusal'
  readonly text: string
}

const filled = (value: JsonValue | undefined): value is string => typeof value === 'string' && value !== ''

/** The pieces of a message or of a stream's delta, in the order they were made. */
export const readPieces = (message: JsonObject): Piece[] => {
  const pieces: Piece[] = []
  const reasoning = readReasoning(message)
  if (reasoning !== '') pieces.push({ kind: 'thinking', text: reasoning })
  pieces.push(...readContent(message['content']))
  if (filled(message['refusal'])) pieces.push({ kind: 'refusal', text: message['refusal'] })
  return pieces
}

/** `reasoning_content` (DeepSeek, vLLM, xAI), `reasoning` (Groq, Ollama, OpenRouter), or only OpenRouter's details (Snowflake). */
const readReasoning = (message: JsonObject): string => {
  if (filled(message['reasoning_content'])) return message['reasoning_content']
  if (filled(message['reasoning'])) return message['reasoning']
  const details = message['reasoning_details']
  if (!Array.isArray(details)) return ''
  return details
    .filter(isObject)
    .map((detail) => detail['text'] ?? detail['summary'])
    .filter(filled)
    .join('')
}

/** Text, or Mistral's list of thinking and text. */
const readContent = (content: JsonValue | undefined): Piece[] => {
  if (filled(content)) return [{ kind: 'text', text: content }]
  if (!Array.isArray(content)) return []
  return content.filter(isObject).flatMap((part) => {
    const thinking = part['type'] === 'thinking'
    const text = thinking ? joinTexts(part['thinking']) : part['text']
    return filled(text) ? [{ kind: thinking ? ('thinking' as const) : ('text' as const), text }] : []
  })
}

const joinTexts = (value: JsonValue | undefined): string => {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  return value
    .filter(isObject)
    .map((part) => part['text'])
    .filter(filled)
    .join('')
}

/** The text of a call's arguments, whether the server wrote it as text, as an object, or not at all. */
export const readArguments = (value: JsonValue | undefined): string => {
  if (typeof value === 'string') return value
  return isObject(value) ? JSON.stringify(value) : ''
}

/** Sources of a text as OpenAI lists them. */
export const readCitations = (message: JsonObject): JsonObject[] =>
  Array.isArray(message['annotations'])
    ? message['annotations'].filter(isObject).filter((annotation) => isObject(annotation['url_citation']))
    : []

/** A source as OpenAI lists it; undefined for one that is no address on the web. */
export const encodeCitation = (citation: JsonObject): JsonObject | undefined => {
  if (isObject(citation['url_citation'])) return citation
  if (!filled(citation['url'])) return undefined
  const title = filled(citation['title']) ? citation['title'] : ''
  const place = { start_index: index(citation['start_index']), end_index: index(citation['end_index']) }
  return { type: 'url_citation', url_citation: { url: citation['url'], title, ...place } }
}

const index = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0)

/** A picture in an answer as OpenRouter has it, since OpenAI's own API makes none here; litellm and the AI SDK read it. */
export const encodeImage = ({ mediaType, data }: MadeMedia, index: number): JsonObject => ({
  index,
  type: 'image_url',
  image_url: { url: `data:${mediaType};base64,${data}` },
})
