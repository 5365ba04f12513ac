import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** An answer has some dozens; placing each one reads the text again. */
const mostSupports = 500

/**
 * `groundingMetadata` and `citationMetadata` of a candidate as url citations in OpenAI's shape. Google counts bytes of UTF-8, we count characters (code points) of
 * `text`, the block that they are told with; what does not lie in it is cited without a place. Sources that are no address on the web are left out.
 */
export const decodeCitations = (candidate: JsonObject, text: string): JsonObject[] => {
  const places = new Places(text)
  return [...grounded(candidate['groundingMetadata'], places), ...quoted(candidate['citationMetadata'], places)]
}

const grounded = (metadata: JsonValue | undefined, places: Places): JsonObject[] => {
  if (!isObject(metadata)) return []
  const sources = list(metadata['groundingChunks']).map(sourceOf)
  const supports = list(metadata['groundingSupports']).filter(isObject).slice(0, mostSupports)
  if (supports.length === 0) return sources.flatMap((source) => (source ? [{ type: 'url_citation', ...source }] : []))
  return supports.flatMap((support) => {
    const segment: JsonObject = isObject(support['segment']) ? support['segment'] : {}
    const cited = list(support['groundingChunkIndices']).flatMap((index) =>
      typeof index === 'number' && sources[index] ? [sources[index]] : [],
    )
    const place = cited.length > 0 ? places.find(segment) : {}
    return cited.map((source) => ({ type: 'url_citation', ...source, ...place }))
  })
}

const quoted = (metadata: JsonValue | undefined, places: Places): JsonObject[] => {
  if (!isObject(metadata)) return []
  const sources = list(metadata['citations'] ?? metadata['citationSources'])
  return sources.slice(0, mostSupports).flatMap((source) => {
    if (!isObject(source) || !filled(source['uri'])) return []
    return [{ type: 'url_citation', url: source['uri'], title: word(source['title']), ...places.find(source) }]
  })
}

const sourceOf = (chunk: JsonValue): { readonly url: string; readonly title: string } | undefined => {
  if (!isObject(chunk)) return undefined
  const source = [chunk['web'], chunk['maps'], chunk['retrievedContext'], chunk['image']].find(isObject)
  const url = source?.['uri'] ?? source?.['sourceUri']
  return source && filled(url) ? { url, title: word(source['title']) } : undefined
}

/** Where segments lie in a text. */
class Places {
  readonly #text: string
  #bytes: Buffer | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** A segment's own words are right where its numbers are not: in streams and in answers of several parts those count from elsewhere. */
  find({ startIndex, endIndex, text }: JsonObject): JsonObject {
    const from = typeof startIndex === 'number' ? startIndex : 0
    const bytes = (this.#bytes ??= Buffer.from(this.#text))
    if (typeof endIndex === 'number' && from < endIndex && endIndex <= bytes.length) {
      const words = bytes.toString('utf8', from, endIndex)
      if (!filled(text) || words === text) return this.#at(bytes.toString('utf8', 0, from), words)
    }
    const at = filled(text) ? this.#text.indexOf(text) : -1
    return at === -1 || !filled(text) ? {} : this.#at(this.#text.slice(0, at), text)
  }

  #at(before: string, words: string): JsonObject {
    const start = characters(before)
    return { start_index: start, end_index: start + characters(words) }
  }
}

/** A citation with the place of the text it was told with, for `groundingMetadata`. */
export interface PlacedCitation {
  readonly citation: JsonObject
  /** The text of its block. */
  readonly text: string
  /** Bytes of text in front of that block. */
  readonly offset: number
}

/** Undefined when no citation is an address on the web. */
export const encodeGrounding = (citations: readonly PlacedCitation[]): JsonObject | undefined => {
  const chunks = new Map<string, { readonly index: number; readonly chunk: JsonObject }>()
  const supports: JsonObject[] = []
  for (const { citation, text, offset } of citations) {
    const link = isObject(citation['url_citation']) ? citation['url_citation'] : citation
    const { url } = link
    if (!filled(url)) continue
    const known = chunks.get(url) ?? { index: chunks.size, chunk: { web: { uri: url, title: word(link['title']) } } }
    chunks.set(url, known)
    const segment = segmentOf(link, text, offset)
    if (segment) supports.push({ segment, groundingChunkIndices: [known.index] })
  }
  if (chunks.size === 0) return undefined
  const groundingChunks = [...chunks.values()].map(({ chunk }) => chunk)
  return { groundingChunks, ...(supports.length > 0 && { groundingSupports: supports }) }
}

const segmentOf = (link: JsonObject, text: string, offset: number): JsonObject | undefined => {
  const { start_index: start, end_index: end } = link
  // Anthropic cuts the text at its citations: what is cited is the block.
  const whole = typeof link['type'] === 'string' && link['type'].endsWith('_location')
  if (!whole && !(typeof start === 'number' && typeof end === 'number' && 0 <= start && start < end)) return undefined
  const letters = whole ? [] : Array.from(text)
  const words = whole ? text : letters.slice(Number(start), Number(end)).join('')
  if (words === '') return undefined
  const from = offset + (whole ? 0 : Buffer.byteLength(letters.slice(0, Number(start)).join('')))
  return { ...(from > 0 && { startIndex: from }), endIndex: from + Buffer.byteLength(words), text: words }
}

const list = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : [])
const filled = (value: JsonValue | undefined): value is string => typeof value === 'string' && value !== ''
const word = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const characters = (text: string): number => {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    // The second half of a pair is no character of its own.
    const unit = text.charCodeAt(at)
    if (unit < 0xdc00 || unit > 0xdfff) count++
  }
  return count
}
