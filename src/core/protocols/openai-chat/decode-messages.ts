import type {
  JsonObject,
  JsonValue,
  NeutralMessage,
  Part,
  TextPart,
  ThinkingPart,
  ToolResultPart,
} from '../neutral/index.ts'
import { array, compact, filled, isObject, object, oneOf, optional, refuse, rest, string } from '../read.ts'
import { isSealed } from '../sealed.ts'
import { decodeAssistantContent, decodeTexts, decodeUserContent } from './decode-parts.ts'

const systemFields = new Set(['role', 'content'])
const plainFields = new Set(['role', 'content', 'name'])
const toolFields = new Set(['role', 'content', 'tool_call_id', 'name'])
const assistantFields = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'audio',
  'tool_calls',
  'reasoning_content',
  'reasoning',
])
const sealedAssistantFields = new Set([...assistantFields, 'reasoning_details'])
const callFields = new Set(['id', 'type', 'function', 'custom', 'index'])

export interface Conversation {
  readonly system: TextPart[]
  readonly messages: NeutralMessage[]
}

/**
 * A Chat conversation. Instructions in front of it become the system text, whether `system` or `developer` said them. The results of one turn's calls become one
 * user message.
 */
export const decodeMessages = (value: JsonValue | undefined): Conversation => {
  const list = array(value, 'messages')
  if (list.length === 0) refuse('messages', 'must hold at least one message.')
  const system: TextPart[] = []
  const messages: NeutralMessage[] = []
  let results: ToolResultPart[] | undefined
  for (const [index, item] of list.entries()) {
    const path = `messages[${index}]`
    const message = object(item, path)
    const role = oneOf(message['role'], `${path}.role`, [
      'system',
      'developer',
      'user',
      'assistant',
      'tool',
      'function',
    ])
    if (role === 'tool') {
      if (!results) {
        results = []
        messages.push({ role: 'user', parts: results, path })
      }
      results.push(decodeResult(message, path))
      continue
    }
    results = undefined
    if (role === 'function') refuse(`${path}.role`, '"function" is no longer served; use tool messages.')
    else if (role === 'user') messages.push(decodeUser(message, path))
    else if (role === 'assistant') messages.push(decodeAssistant(message, path))
    else if (messages.length === 0) system.push(...decodeSystem(message, path))
    else messages.push(decodeInstruction(message, path))
  }
  if (messages.length === 0) refuse('messages', 'must hold at least one message that is not a system message.')
  return { system, messages }
}

const decodeSystem = (message: JsonObject, path: string): TextPart[] => {
  const extra = rest(message, systemFields)
  return decodeTexts(message['content'], `${path}.content`).map((part, index) =>
    index > 0 || !extra
      ? part
      : { ...part, extensions: { 'openai-chat': { ...part.extensions?.['openai-chat'], ...extra } } },
  )
}

const decodeInstruction = (message: JsonObject, path: string): NeutralMessage => {
  const extra = rest(message, plainFields)
  return compact({
    role: 'system' as const,
    parts: decodeTexts(message['content'], `${path}.content`),
    name: readName(message, path),
    path,
    extensions: extra && { 'openai-chat': extra },
  })
}

const decodeUser = (message: JsonObject, path: string): NeutralMessage => {
  const extra = rest(message, plainFields)
  return compact({
    role: 'user' as const,
    parts: decodeUserContent(message['content'], `${path}.content`),
    name: readName(message, path),
    path,
    extensions: extra && { 'openai-chat': extra },
  })
}

/** Reasoning first, as it was made; an earlier audio answer is known by its id alone and only to OpenAI. */
const decodeAssistant = (message: JsonObject, path: string): NeutralMessage => {
  if (message['function_call'] != null) refuse(`${path}.function_call`, 'is no longer served; use tool_calls.')
  const parts: Part[] = []
  const field = message['reasoning_content'] == null ? 'reasoning' : 'reasoning_content'
  const reasoning = optional(message[field], `${path}.${field}`, string)
  if (reasoning) parts.push({ type: 'thinking', text: reasoning, path: `${path}.${field}` })
  const states = readStates(message, path)
  const statesBefore = Map.groupBy(states, ({ before }) => before)
  for (const { part } of statesBefore.get(undefined) ?? []) parts.push(part)
  parts.push(...(optional(message['content'], `${path}.content`, decodeAssistantContent) ?? []))
  const refusal = optional(message['refusal'], `${path}.refusal`, string)
  if (refusal) parts.push({ type: 'refusal', text: refusal, path: `${path}.refusal` })
  const audio = optional(message['audio'], `${path}.audio`, object)
  if (audio) parts.push({ type: 'opaque', protocol: 'openai-chat', value: { audio }, path: `${path}.audio` })
  const calls = optional(message['tool_calls'], `${path}.tool_calls`, array) ?? []
  for (const [index, value] of calls.entries()) {
    const call = decodeCall(value, `${path}.tool_calls[${index}]`)
    if (call.type === 'tool-call') for (const { part } of statesBefore.get(call.id) ?? []) parts.push(part)
    parts.push(call)
  }
  const extra = rest(message, states.length > 0 ? sealedAssistantFields : assistantFields)
  return compact({
    role: 'assistant' as const,
    parts,
    name: readName(message, path),
    path,
    extensions: extra && { 'openai-chat': extra },
  })
}

/** Sealed state of earlier reasoning and the call it stands in front of. What another server keeps in the same field passes on as it is. */
const readStates = (message: JsonObject, path: string): { readonly part: ThinkingPart; readonly before?: string }[] => {
  const details = message['reasoning_details']
  if (!Array.isArray(details)) return []
  return details.flatMap((detail, index) => {
    const { data, id } = isObject(detail) ? detail : {}
    if (typeof data !== 'string' || !isSealed(data)) return []
    const at = `${path}.reasoning_details[${index}]`
    const part: ThinkingPart = { type: 'thinking', text: '', signature: data, signedBy: 'openai-chat', path: at }
    return [{ part, ...(typeof id === 'string' && id !== '' && { before: id }) }]
  })
}

const decodeCall = (value: JsonValue, path: string): Part => {
  const call = object(value, path)
  const type = optional(call['type'], `${path}.type`, filled) ?? 'function'
  if (type !== 'function' && type !== 'custom')
    return { type: 'opaque', protocol: 'openai-chat', value: { tool_call: call }, path }
  const made = object(call[type], `${path}.${type}`)
  const extra = rest(call, callFields)
  return compact({
    type: 'tool-call' as const,
    id: filled(call['id'], `${path}.id`),
    name: filled(made['name'], `${path}.${type}.name`),
    arguments: optional(made[type === 'custom' ? 'input' : 'arguments'], `${path}.${type}.arguments`, string) ?? '',
    ...(type === 'custom' && { custom: true as const }),
    path,
    extensions: extra && { 'openai-chat': extra },
  })
}

const decodeResult = (message: JsonObject, path: string): ToolResultPart => {
  const extra = rest(message, toolFields)
  return compact({
    type: 'tool-result' as const,
    callId: filled(message['tool_call_id'], `${path}.tool_call_id`),
    content: decodeTexts(message['content'], `${path}.content`),
    path,
    extensions: extra && { 'openai-chat': extra },
  })
}

const readName = (message: JsonObject, path: string): string | undefined =>
  optional(message['name'], `${path}.name`, string)
