import type { Block, JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { callId } from './ids.ts'
import { flatName } from './tool-namespaces.ts'

/**
 * One item of a provider's output as blocks: the parts of a message, reasoning, a call; anything else (hosted calls, lists of tools) is kept whole for clients of this
 * protocol. Parts of a message keep their places: those without text are blocks too, parts of unknown types are undefined.
 */
export const readItem = (item: JsonObject): (Block | undefined)[] => {
  switch (item['type']) {
    case 'message':
      return objects(item['content']).map(readPart)
    case 'reasoning':
      return [readReasoning(item)]
    case 'function_call':
    case 'custom_tool_call':
      return [readCall(item)]
    default:
      return [{ kind: 'opaque', part: { type: 'opaque', protocol: 'openai-responses', value: item } }]
  }
}

/** Whether a block tells anything; an item of reasoning that shows and carries nothing does not. */
export const tells = (block: Block | undefined): block is Block => {
  switch (block?.kind) {
    case undefined:
      return false
    case 'text':
      return block.text !== '' || (block.citations ?? []).length > 0
    case 'refusal':
      return block.text !== ''
    case 'thinking':
      return block.text !== '' || block.signature !== undefined
    case 'tool-call':
      return block.name !== ''
    case 'opaque':
      return true
  }
}

const readPart = (part: JsonObject): Block | undefined => {
  if (part['type'] === 'refusal') return { kind: 'refusal', text: text(part['refusal']) }
  if (part['type'] !== 'output_text' && part['type'] !== 'text') return undefined
  const citations = objects(part['annotations'])
  return { kind: 'text', text: text(part['text']), ...(citations.length > 0 && { citations }) }
}

/** The summary, or, of models whose reasoning is open, the reasoning itself. */
const readReasoning = (item: JsonObject): Block => {
  const summary = texts(item['summary']).join(betweenSummaries)
  const sealed = text(item['encrypted_content'])
  return {
    kind: 'thinking',
    text: summary === '' ? texts(item['content']).join('') : summary,
    ...(sealed !== '' && { signature: sealed }),
    signedBy: 'openai-responses',
    ...(text(item['id']) !== '' && { id: text(item['id']) }),
  }
}

/** Each part of a summary is a paragraph with a heading of its own. */
export const betweenSummaries = '\n\n'

const readCall = (item: JsonObject): Block => {
  const custom = item['type'] === 'custom_tool_call'
  const name = text(item['name'])
  const namespace = text(item['namespace'])
  const written = item[custom ? 'input' : 'arguments']
  return {
    kind: 'tool-call',
    id: callId(text(item['call_id']) || text(item['id'])),
    name: namespace === '' || name === '' ? name : flatName(namespace, name),
    arguments: isObject(written) ? JSON.stringify(written) : text(written),
    ...(custom && { custom: true as const }),
  }
}

export const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const objects = (value: JsonValue | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

const texts = (value: JsonValue | undefined): string[] =>
  objects(value)
    .map((part) => text(part['text']))
    .filter((piece) => piece !== '')
