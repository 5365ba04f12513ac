import type {
  DocumentPart,
  ImagePart,
  JsonObject,
  JsonValue,
  OpaquePart,
  Part,
  Source,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from '../neutral/index.ts'
import {
  array,
  boolean,
  cacheMark,
  compact,
  filled,
  isObject,
  leftover,
  object,
  optional,
  refuse,
  string,
} from './read.ts'

type Content = TextPart | ImagePart | DocumentPart | OpaquePart

const textFields = new Set(['type', 'text', 'cache_control'])
const imageFields = new Set(['type', 'source', 'cache_control'])
const documentFields = new Set(['type', 'source', 'title', 'cache_control'])
const thinkingFields = new Set(['type', 'thinking', 'signature', 'data', 'cache_control'])
const toolUseFields = new Set(['type', 'id', 'name', 'input', 'cache_control'])
const toolResultFields = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control'])

/** A message's content: a string or an array of blocks. Blocks that no other protocol has become opaque parts. */
export const decodeContent = (value: JsonValue | undefined, path: string): Part[] =>
  blocks(value, path, (block, at) => decodeBlock(block, at))

/** A system text: a string, or an array of nothing but text. */
export const decodeTexts = (value: JsonValue | undefined, path: string): TextPart[] =>
  blocks(value, path, (block, at) =>
    block['type'] === 'text' ? decodeText(block, at) : refuse(`${at}.type`, 'must be "text" here.'),
  )

const blocks = <P>(
  value: JsonValue | undefined,
  path: string,
  decode: (block: JsonObject, path: string) => P,
): (P | TextPart)[] => {
  if (typeof value === 'string') return [{ type: 'text', text: value, path }]
  if (!Array.isArray(value)) return refuse(path, 'must be a string or an array of content blocks.')
  return value.map((block, index) => decode(object(block, `${path}[${index}]`), `${path}[${index}]`))
}

const decodeBlock = (block: JsonObject, path: string): Part => {
  switch (block['type']) {
    case 'thinking':
    case 'redacted_thinking':
      return decodeThinking(block, path)
    case 'tool_use':
      return decodeToolUse(block, path)
    case 'tool_result':
      return decodeToolResult(block, path)
    default:
      return decodePlain(block, path)
  }
}

const decodePlain = (block: JsonObject, path: string): Content => {
  switch (block['type']) {
    case 'text':
      return decodeText(block, path)
    case 'image':
      return decodeImage(block, path)
    case 'document':
      return decodeDocument(block, path)
    case 'search_result':
      return decodeSearchResult(block, path)
    default:
      filled(block['type'], `${path}.type`)
      return { type: 'opaque', protocol: 'anthropic-messages', value: block, path }
  }
}

const located = (block: JsonObject, path: string, known: ReadonlySet<string>) => ({
  path,
  cache: cacheMark(block['cache_control'], `${path}.cache_control`),
  extensions: leftover(block, known),
})

const decodeText = (block: JsonObject, path: string): TextPart =>
  compact({ type: 'text' as const, text: string(block['text'], `${path}.text`), ...located(block, path, textFields) })

const decodeImage = (block: JsonObject, path: string): ImagePart => {
  const at = `${path}.source`
  const source = object(block['source'], at)
  return compact({
    type: 'image' as const,
    source: decodeSource(source, at) ?? refuse(`${at}.type`, 'must be "base64", "url" or "file".'),
    ...located(block, path, imageFields),
  })
}

const decodeSource = (source: JsonObject, path: string): Source | undefined => {
  switch (source['type']) {
    case 'base64':
      return {
        from: 'base64',
        mediaType: filled(source['media_type'], `${path}.media_type`),
        data: string(source['data'], `${path}.data`),
      }
    case 'url':
      return { from: 'url', url: filled(source['url'], `${path}.url`) }
    case 'file':
      return { from: 'file', id: filled(source['file_id'], `${path}.file_id`), protocol: 'anthropic-messages' }
    default:
      return undefined
  }
}

/** A document made of blocks crosses as its text, if text is all it holds; on the way back it is the block it was. */
const decodeDocument = (block: JsonObject, path: string): DocumentPart | OpaquePart => {
  const at = `${path}.source`
  const source = object(block['source'], at)
  const title = optional(block['title'], `${path}.title`, string)
  if (source['type'] === 'content') {
    const text = joinTexts(source['content'])
    if (text === undefined) return { type: 'opaque', protocol: 'anthropic-messages', value: block, path }
    return wholeBlock(block, path, text, title)
  }
  const decoded: Source =
    source['type'] === 'text'
      ? { from: 'text', text: string(source['data'], `${at}.data`), mediaType: 'text/plain' }
      : (decodeSource(source, at) ?? refuse(`${at}.type`, 'must be "base64", "text", "content", "url" or "file".'))
  return compact({ type: 'document' as const, source: decoded, title, ...located(block, path, documentFields) })
}

const decodeSearchResult = (block: JsonObject, path: string): DocumentPart => {
  array(block['content'], `${path}.content`)
  const text = joinTexts(block['content']) ?? refuse(`${path}.content`, 'must hold text blocks only.')
  const title = optional(block['title'], `${path}.title`, string)
  return wholeBlock(block, path, text, title)
}

const wholeBlock = (block: JsonObject, path: string, text: string, title: string | undefined): DocumentPart => ({
  type: 'document',
  source: { from: 'text', text, mediaType: 'text/plain' },
  path,
  extensions: { 'anthropic-messages': block },
  ...(title !== undefined && { title }),
})

const joinTexts = (content: JsonValue | undefined): string | undefined => {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts: string[] = []
  for (const block of content) {
    if (!isObject(block) || typeof block['text'] !== 'string') return undefined
    texts.push(block['text'])
  }
  return texts.join('\n\n')
}

const decodeThinking = (block: JsonObject, path: string): ThinkingPart => {
  if (block['type'] === 'redacted_thinking') {
    const redacted = string(block['data'], `${path}.data`)
    return { type: 'thinking', text: '', redacted, signedBy: 'anthropic-messages', path }
  }
  // An empty signature is what unsigned reasoning of another provider was shown with.
  const signature = optional(block['signature'], `${path}.signature`, string)
  return compact({
    type: 'thinking' as const,
    text: string(block['thinking'], `${path}.thinking`),
    ...(signature && { signature, signedBy: 'anthropic-messages' as const }),
    ...located(block, path, thinkingFields),
  })
}

const decodeToolUse = (block: JsonObject, path: string): ToolCallPart => {
  const caller = block['caller']
  const direct = isObject(caller) && caller['type'] === 'direct'
  const { caller: _, ...rest } = block
  return compact({
    type: 'tool-call' as const,
    id: filled(block['id'], `${path}.id`),
    name: filled(block['name'], `${path}.name`),
    arguments: JSON.stringify(optional(block['input'], `${path}.input`, object) ?? {}),
    // The direct caller is the default and says nothing.
    ...located(direct ? rest : block, path, toolUseFields),
  })
}

const decodeToolResult = (block: JsonObject, path: string): ToolResultPart =>
  compact({
    type: 'tool-result' as const,
    callId: filled(block['tool_use_id'], `${path}.tool_use_id`),
    content: optional(block['content'], `${path}.content`, (value, at) => blocks(value, at, decodePlain)) ?? [],
    isError: optional(block['is_error'], `${path}.is_error`, boolean),
    ...located(block, path, toolResultFields),
  })
