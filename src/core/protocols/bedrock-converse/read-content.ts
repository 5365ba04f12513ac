import type { Block, JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'

export const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** A source as all protocols tell it; undefined for one that is no address on the web (a document or a search result of the request). */
export const readCitation = (citation: JsonValue | undefined): JsonObject | undefined => {
  if (!isObject(citation)) return undefined
  const location = isObject(citation['location']) ? citation['location'] : {}
  const web = isObject(location['web']) ? location['web'] : {}
  const url = [text(web['url']), text(citation['source'])].find((address) => /^https?:\/\//.test(address))
  if (url === undefined) return undefined
  return { type: 'url_citation', url, title: text(citation['title']) }
}

/** One block of a whole answer. */
export const decodeBlock = (block: JsonObject): Block => {
  const { text: said, toolUse, reasoningContent: reasoning, citationsContent: cited } = block
  if (typeof said === 'string') return { kind: 'text', text: said }
  if (isObject(toolUse) && toolUse['type'] !== 'server_tool_use') {
    const input = isObject(toolUse['input']) ? toolUse['input'] : {}
    return {
      kind: 'tool-call',
      id: text(toolUse['toolUseId']),
      name: text(toolUse['name']),
      arguments: JSON.stringify(input),
    }
  }
  if (isObject(reasoning)) return decodeReasoning(reasoning)
  if (isObject(cited)) {
    const pieces = Array.isArray(cited['content']) ? cited['content'].filter(isObject) : []
    const listed = Array.isArray(cited['citations']) ? cited['citations'] : []
    const citations = listed.map(readCitation).filter((citation) => citation !== undefined)
    return {
      kind: 'text',
      text: pieces.map((piece) => text(piece['text'])).join(''),
      ...(citations.length > 0 && { citations }),
    }
  }
  return { kind: 'opaque', part: { type: 'opaque', protocol: 'bedrock-converse', value: block } }
}

const decodeReasoning = (reasoning: JsonObject): Block => {
  const { redactedContent: redacted, reasoningText } = reasoning
  if (typeof redacted === 'string') return { kind: 'thinking', text: '', redacted, signedBy: 'bedrock-converse' }
  const told = isObject(reasoningText) ? reasoningText : {}
  const signature = text(told['signature'])
  return {
    kind: 'thinking',
    text: text(told['text']),
    signedBy: 'bedrock-converse',
    ...(signature !== '' && { signature }),
  }
}
