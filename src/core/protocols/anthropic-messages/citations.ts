import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from './read.ts'

const own = new Set([
  'char_location',
  'page_location',
  'content_block_location',
  'web_search_result_location',
  'search_result_location',
])

/**
 * A citation as a block with this text holds it. A link cited by another protocol becomes a web result without the parts that only Anthropic could fill, its cited text the
 * words of the answer that it stands for (code points); others are left out.
 */
export const encodeCitation = (citation: JsonObject, text: string): JsonObject | undefined => {
  if (own.has(string(citation['type']))) return citation
  const link = isObject(citation['url_citation']) ? citation['url_citation'] : citation
  const url = string(link['url'])
  if (url === '') return undefined
  return {
    type: 'web_search_result_location',
    url,
    title: string(link['title']) || null,
    cited_text: citedText(link, text),
    encrypted_index: '',
  }
}

const citedText = ({ start_index: start, end_index: end }: JsonObject, text: string): string =>
  typeof start === 'number' && typeof end === 'number' && 0 <= start && start < end
    ? Array.from(text).slice(start, end).join('')
    : ''

const string = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
