import type { JsonObject, JsonValue, NeutralMessage, Part, TextPart, ThinkingPart } from '../neutral/index.ts'
import { array, compact, filled, object, oneOf, optional, refuse, rest, string } from '../read.ts'
import {
  decodeAssistantContent,
  decodeOutput,
  decodeReasoningTexts,
  decodeTexts,
  decodeUserContent,
  own,
} from './decode-parts.ts'
import { betweenSummaries } from './read-output.ts'
import { append } from '../turns.ts'
import { isOwnReasoningId } from './ids.ts'
import { flatName } from './tool-namespaces.ts'

// Ids and states of items say nothing to a provider that keeps none (`store: false`).
const messageFields = new Set(['type', 'role', 'content', 'id', 'status'])
const callFields = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'status', 'namespace'])
const outputFields = new Set(['type', 'id', 'call_id', 'output', 'status'])
const reasoningFields = new Set(['type', 'id', 'summary', 'content', 'encrypted_content', 'status'])

/** Items of hosted tools, of searches for tools and of compaction: only this protocol has them. */
const ownItems = new Set([
  'apply_patch_call',
  'apply_patch_call_output',
  'code_interpreter_call',
  'compaction',
  'compaction_trigger',
  'computer_call',
  'computer_call_output',
  'configuration_update',
  'file_search_call',
  'image_generation_call',
  'item_reference',
  'local_shell_call',
  'local_shell_call_output',
  'mcp_approval_request',
  'mcp_approval_response',
  'mcp_call',
  'mcp_list_tools',
  'program',
  'program_output',
  'shell_call',
  'shell_call_output',
  'tool_search_call',
  'tool_search_output',
  'web_search_call',
])

export interface Conversation {
  readonly system: TextPart[]
  readonly messages: NeutralMessage[]
}

/**
 * The items of a conversation as turns: what the model did in a row (reasoning, messages, calls) is one message of the assistant, results in a row are one message of the
 * user. Instructions in front of it become the system text, whether `system` or `developer` said them; `additional_tools` are read with the tools.
 */
export const decodeItems = (value: JsonValue | undefined): Conversation => {
  if (typeof value === 'string')
    return { system: [], messages: [{ role: 'user', parts: decodeUserContent(value, 'input'), path: 'input' }] }
  const system: TextPart[] = []
  const messages: NeutralMessage[] = []
  let turn: { readonly kind: 'assistant' | 'results'; readonly parts: Part[] } | undefined
  const add = (kind: 'assistant' | 'results', path: string, parts: readonly Part[]): void => {
    if (turn?.kind !== kind) {
      turn = { kind, parts: [] }
      messages.push({ role: kind === 'assistant' ? 'assistant' : 'user', parts: turn.parts, path })
    }
    append(turn.parts, parts)
  }
  for (const [index, entry] of array(value, 'input').entries()) {
    const path = `input[${index}]`
    const item = object(entry, path)
    switch (typeOf(item, path)) {
      case 'message': {
        const message = decodeMessage(item, path)
        if (message.role === 'assistant') add('assistant', path, message.parts)
        else if (message.role === 'system' && messages.length === 0) system.push(...decodeSystem(message))
        else {
          turn = undefined
          messages.push(message)
        }
        break
      }
      case 'reasoning':
        add('assistant', path, [decodeReasoning(item, path)])
        break
      case 'function_call':
      case 'custom_tool_call':
        add('assistant', path, [decodeCall(item, path)])
        break
      case 'function_call_output':
      case 'custom_tool_call_output':
        add('results', path, [decodeResult(item, path)])
        break
      case 'additional_tools':
        break
      default:
        add('assistant', path, [{ type: 'opaque', protocol: 'openai-responses', value: item, path }])
    }
  }
  return { system, messages }
}

const typeOf = (item: JsonObject, path: string): string => {
  const type = optional(item['type'], `${path}.type`, filled)
  // A message needs no type, and neither does a reference.
  if (type === undefined) return item['role'] === undefined && item['id'] !== undefined ? 'item_reference' : 'message'
  const known =
    ['message', 'reasoning', 'additional_tools'].includes(type) ||
    /^(?:function|custom_tool)_call(?:_output)?$/.test(type) ||
    ownItems.has(type)
  return known ? type : refuse(`${path}.type`, `there are no items of type "${type.slice(0, 64)}".`)
}

const decodeMessage = (item: JsonObject, path: string): NeutralMessage => {
  const role = oneOf(item['role'], `${path}.role`, ['user', 'assistant', 'system', 'developer'])
  const at = `${path}.content`
  const extensions = own(rest(item, messageFields))
  switch (role) {
    case 'user':
      return compact({ role, parts: decodeUserContent(item['content'], at), path, extensions })
    case 'assistant':
      return { role, parts: onFirst(decodeAssistantContent(item['content'], at), extensions), path }
    case 'system':
    case 'developer':
      return compact({ role: 'system' as const, parts: decodeTexts(item['content'], at), path, extensions })
  }
}

/** What is said of a message that is only a part of its turn (`phase`) stays with the first thing it says. */
const onFirst = <P extends Part>(parts: readonly P[], extensions: NeutralMessage['extensions']): P[] =>
  parts.map((part, index) =>
    index > 0 || !extensions
      ? part
      : { ...part, extensions: own({ ...part.extensions?.['openai-responses'], ...extensions['openai-responses'] }) },
  )

const decodeSystem = ({ parts, extensions }: NeutralMessage): TextPart[] =>
  onFirst(
    parts.filter((part) => part.type === 'text'),
    extensions,
  )

/** The summary, or the reasoning itself where a model shows it. */
const decodeReasoning = (item: JsonObject, path: string): ThinkingPart => {
  const summary = decodeReasoningTexts(item['summary'], `${path}.summary`).join(betweenSummaries)
  const content = decodeReasoningTexts(item['content'], `${path}.content`).join('')
  const signature = optional(item['encrypted_content'], `${path}.encrypted_content`, filled)
  const id = optional(item['id'], `${path}.id`, filled)
  const made = id !== undefined && isOwnReasoningId(id)
  return compact({
    type: 'thinking' as const,
    text: summary === '' ? content : summary,
    signature,
    // Text under an id that was made here may be anybody's.
    signedBy: made && signature === undefined ? undefined : ('openai-responses' as const),
    id: made ? undefined : id,
    path,
    extensions: own(rest(item, reasoningFields)),
  })
}

const decodeCall = (item: JsonObject, path: string): Part => {
  const custom = item['type'] === 'custom_tool_call'
  const name = filled(item['name'], `${path}.name`)
  const namespace = optional(item['namespace'], `${path}.namespace`, filled)
  const field = custom ? 'input' : 'arguments'
  return compact({
    type: 'tool-call' as const,
    id: filled(item['call_id'], `${path}.call_id`),
    name: namespace === undefined ? name : flatName(namespace, name),
    arguments: optional(item[field], `${path}.${field}`, string) ?? '',
    ...(custom && { custom: true as const }),
    path,
    extensions: own(rest(item, callFields)),
  })
}

const decodeResult = (item: JsonObject, path: string): Part =>
  compact({
    type: 'tool-result' as const,
    callId: filled(item['call_id'], `${path}.call_id`),
    content: decodeOutput(item['output'], `${path}.output`),
    path,
    extensions: own(rest(item, outputFields)),
  })
