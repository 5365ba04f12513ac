import type {
  JsonObject,
  NeutralMessage,
  NeutralRequest,
  Part,
  RefusalPart,
  TextPart,
  ThinkingPart,
  ToolResultPart,
} from '../neutral/index.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { append, joinAnswers } from '../turns.ts'
import { withUniqueCallIds } from '../unique-call-ids.ts'
import { encodeInputPart, note, ownFields, simplest } from './encode-parts.ts'
import { callId, itemId } from './ids.ts'
import { unsupported, type Warnings } from './refusals.ts'

/** The conversation as `instructions` and `input`. Reasoning stands in front of what it led to, results of tools in front of what else is said in their turn. */
export const encodeItems = (request: NeutralRequest, warnings: Warnings): JsonObject => {
  const restore = request.protocol === 'openai-responses'
  // What the provider is said to keep already holds the calls.
  if (!restore) requireToolPairs(request.messages)
  refusePrefill(request)
  const messages = restore ? request.messages : joinAnswers(withUniqueCallIds(request.messages))
  const walk: Walk = { restore, warnings, customCalls: customCallsOf(messages) }
  const { instructions, items } = encodeSystem(request, walk)
  for (const [index, message] of request.messages.entries()) {
    const path = message.path ?? `messages[${index}]`
    warnings.extensions(path, message.extensions)
    if (message.name !== undefined) warnings.dropped(`${path}.name`, 'the Responses API has no names of speakers')
  }
  for (const [index, message] of messages.entries()) {
    const path = message.path ?? `messages[${index}]`
    append(items, (message.role === 'assistant' ? encodeAssistant : encodeUser)(message, path, walk))
  }
  return { ...(instructions !== undefined && { instructions }), input: items }
}

interface Walk {
  /** The client speaks this protocol too. */
  readonly restore: boolean
  readonly warnings: Warnings
  /** Ids of calls of free-text tools: their results are items of another type. */
  readonly customCalls: ReadonlySet<string>
}

const customCallsOf = (messages: readonly NeutralMessage[]): ReadonlySet<string> =>
  new Set(
    messages
      .flatMap(({ parts }) => parts)
      .filter((part) => part.type === 'tool-call' && part.custom)
      .map((part) => (part.type === 'tool-call' ? part.id : '')),
  )

/** The API continues no answer that the client began: it would make a new one behind it. */
const refusePrefill = ({ protocol, messages }: NeutralRequest): void => {
  const last = messages.at(-1)
  if (protocol !== 'openai-responses' && last?.role === 'assistant')
    unsupported(last.path ?? 'messages', 'the conversation must not end with an assistant message')
}

/** The item of the client's input that a part stood in; parts of clients of other protocols have none and stay together. */
const itemOf = (part: Part, restore: boolean): string =>
  restore && part.path !== undefined ? part.path.slice(0, part.path.indexOf(']') + 1) : ''

/** Parts in a row that stood in one item. */
const grouped = <P extends Part>(parts: readonly P[], restore: boolean): P[][] => {
  const groups: P[][] = []
  let last: string | undefined
  for (const part of parts) {
    const item = itemOf(part, restore)
    if (item === last) groups.at(-1)!.push(part)
    else groups.push([part])
    last = item
  }
  return groups
}

/** One plain text is `instructions`; several stay apart, as the parts of an item in front of the conversation. */
const encodeSystem = (
  { system }: NeutralRequest,
  { restore, warnings }: Walk,
): { readonly instructions?: string; readonly items: JsonObject[] } => {
  for (const [index, part] of system.entries()) note(part, part.path ?? `system[${index}]`, restore, warnings)
  const [first, ...others] = system
  const instructs = first && (restore ? first.path === 'instructions' : others.length === 0)
  const items = grouped(instructs ? others : system, restore).map((parts) => ({
    role: 'system',
    content: simplest(parts.map((part) => encodeInputPart(plain(part), 'system', restore, warnings))),
    // What was said of the item stands at its first part.
    ...(parts[0] && ownFields(parts[0])),
  }))
  return { ...(instructs && { instructions: first.text }), items }
}

const plain = ({ type, text, cache }: TextPart): TextPart => ({ type, text, ...(cache && { cache }) })

const encodeUser = (message: NeutralMessage, path: string, walk: Walk): JsonObject[] => {
  const { restore, warnings } = walk
  const results: JsonObject[] = []
  const content: JsonObject[] = []
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    note(part, at, restore, warnings)
    if (part.type === 'tool-result') results.push(encodeResult(part, at, walk))
    else content.push(encodeInputPart(part, at, restore, warnings))
  }
  if (content.length === 0) return results
  const said = { role: message.role, content: simplest(content), ...message.extensions?.['openai-responses'] }
  return [...results, said]
}

const encodeResult = (part: ToolResultPart, path: string, { restore, warnings, customCalls }: Walk): JsonObject => {
  const output = part.content.map((item, position) => {
    const at = item.path ?? `${path}.content[${position}]`
    note(item, at, restore, warnings)
    return encodeInputPart(item, at, restore, warnings)
  })
  if (part.isError) warnings.droppedOf(path, 'isError', 'results carry no error flag')
  return {
    type: customCalls.has(part.callId) ? 'custom_tool_call_output' : 'function_call_output',
    call_id: callId(part.callId),
    output: output.length === 0 ? '' : simplest(output),
    ...ownFields(part),
  }
}

const encodeAssistant = (message: NeutralMessage, path: string, walk: Walk): JsonObject[] => {
  const { restore, warnings } = walk
  const items: JsonObject[] = []
  let said: (TextPart | RefusalPart)[] = []
  const endSaid = (): void => {
    for (const parts of grouped(said, restore)) items.push(...encodeSaid(parts, `${path}:${items.length}`))
    said = []
  }
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    note(part, at, restore, warnings)
    if (part.type === 'text' || part.type === 'refusal') {
      said.push(part)
      continue
    }
    endSaid()
    switch (part.type) {
      case 'thinking':
        items.push(...encodeThinking(part, at, walk))
        break
      case 'tool-call':
        items.push({
          ...(part.custom ? { type: 'custom_tool_call' } : { type: 'function_call' }),
          call_id: callId(part.id),
          name: part.name,
          ...(part.custom ? { input: part.arguments } : { arguments: part.arguments }),
          ...ownFields(part),
        })
        break
      case 'opaque':
        if (part.protocol !== 'openai-responses') unsupported(at, 'this block has no counterpart')
        items.push(part.value)
        break
      default:
        unsupported(at, `an assistant message cannot hold a part of type ${part.type}`)
    }
  }
  endSaid()
  return items
}

/** What is said in a row is one message: its short form if it is nothing but text, else the whole item, whose id says nothing where nothing is kept. */
const encodeSaid = (parts: readonly (TextPart | RefusalPart)[], place: string): JsonObject[] => {
  const text = parts.map((part) => part.text).join('')
  if (text === '') return []
  const { annotations: _, ...more } = parts[0] ? ownFields(parts[0]) : {}
  const shared = { role: 'assistant', ...more }
  const plain = parts.every((part) => part.type === 'text' && ownFields(part)['annotations'] === undefined)
  if (plain) return [{ ...shared, content: text }]
  const content = parts.map((part) =>
    part.type === 'refusal'
      ? { type: 'refusal', refusal: part.text }
      : { type: 'output_text', text: part.text, annotations: ownFields(part)['annotations'] ?? [], logprobs: [] },
  )
  return [{ type: 'message', id: itemId('msg_', place, 0), status: 'completed', ...shared, content }]
}

/**
 * Encrypted reasoning goes back with the id it was made under; the model refuses it otherwise. Reasoning in plain text goes back to servers of this protocol that told it
 * so; OpenAI would look for its id among what it keeps.
 */
const encodeThinking = (part: ThinkingPart, path: string, { restore, warnings }: Walk): JsonObject[] => {
  const { id, signature, text } = part
  const own = part.signedBy === 'openai-responses'
  const item = { type: 'reasoning', ...(id !== undefined && { id }) }
  if (own && signature !== undefined) {
    const summary = text === '' ? [] : [{ type: 'summary_text', text }]
    return [{ ...item, summary, encrypted_content: signature, ...ownFields(part) }]
  }
  if (own && restore && id !== undefined && text !== '')
    return [{ ...item, summary: [], content: [{ type: 'reasoning_text', text }], ...ownFields(part) }]
  warnings.reasoning(part, path, 'earlier reasoning is sent back only to the model that made it')
  return []
}
