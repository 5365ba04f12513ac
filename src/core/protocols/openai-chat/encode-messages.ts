import type {
  JsonObject,
  NeutralMessage,
  NeutralRequest,
  Part,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
} from '../neutral/index.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { append, joinAnswers } from '../turns.ts'
import type { ChatDialect } from './dialect.ts'
import { encodeTexts, encodeUserPart, titled } from './encode-parts.ts'
import { callId } from './ids.ts'
import { unsupported, type Warnings } from './refusals.ts'

/**
 * The conversation: system text first, results of tools in messages of their own right behind their calls, in front of whatever else is said in that turn. An answer that a
 * client of another protocol has in pieces is one message, and none where nothing of it is sent.
 */
export const encodeMessages = (request: NeutralRequest, dialect: ChatDialect, warnings: Warnings): JsonObject[] => {
  requireToolPairs(request.messages)
  refusePrefill(request)
  const restore = request.protocol === 'openai-chat'
  const messages = encodeSystem(request, warnings)
  for (const [index, message] of request.messages.entries()) {
    const path = message.path ?? `messages[${index}]`
    warnings.extensions(path, message.extensions)
    for (const [position, part] of message.parts.entries())
      note(part, part.path ?? `${path}.content[${position}]`, warnings)
  }
  /** What was said since the last answer; it stands behind the results of that answer's calls. */
  let said: JsonObject[] = []
  for (const [index, message] of (restore ? request.messages : joinAnswers(request.messages)).entries()) {
    const path = message.path ?? `messages[${index}]`
    if (message.role === 'assistant') {
      append(messages, said)
      said = []
      const answer = encodeAssistant(message, path, dialect, warnings)
      if (restore || tells(answer)) messages.push(answer)
    } else {
      const turn = encodeUser(message, path, restore, dialect, warnings)
      append(messages, turn.results)
      append(said, turn.said)
    }
  }
  append(messages, said)
  return messages
}

/** Whether a message is more than its role and an empty text. */
const tells = (answer: JsonObject): boolean => answer['content'] !== '' || Object.keys(answer).length > 2

/** What of a part cannot be sent whatever it is: cache marks (this protocol caches by itself) and fields of other protocols. */
const note = (part: Part, path: string, warnings: Warnings): void => {
  warnings.extensions(path, part.extensions)
  if (part.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
}

/** The API continues no answer that the client began: it would make a new one behind it. */
const refusePrefill = ({ protocol, messages }: NeutralRequest): void => {
  const last = messages.at(-1)
  if (protocol !== 'openai-chat' && last?.role === 'assistant')
    unsupported(last.path ?? 'messages', 'the conversation must not end with an assistant message')
}

/** The blocks of one message stay together. A client of this protocol may have sent several; their paths tell them apart. */
const encodeSystem = ({ protocol, system }: NeutralRequest, warnings: Warnings): JsonObject[] => {
  const groups = new Map<string, TextPart[]>()
  for (const [index, part] of system.entries()) {
    const path = part.path ?? `system[${index}]`
    note(part, path, warnings)
    const message = protocol === 'openai-chat' ? path.slice(0, path.indexOf(']') + 1) : ''
    const group = groups.get(message)
    if (group) group.push(part)
    else groups.set(message, [part])
  }
  return groups
    .values()
    .map((parts) => ({ role: 'system', content: encodeTexts(parts) }))
    .toArray()
}

/** `restore`: the client speaks this protocol too. */
const encodeUser = (
  message: NeutralMessage,
  path: string,
  restore: boolean,
  dialect: ChatDialect,
  warnings: Warnings,
): { readonly results: JsonObject[]; readonly said: JsonObject[] } => {
  const results: JsonObject[] = []
  const content: JsonObject[] = []
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    if (part.type !== 'tool-result') content.push(encodeUserPart(part, at, restore, warnings))
    else results.push(encodeResult(part, at, content, dialect, warnings))
  }
  if (content.length === 0) return { results, said: [] }
  const said = {
    role: message.role,
    content: simplest(content),
    ...(message.name !== undefined && { name: message.name }),
    ...message.extensions?.['openai-chat'],
  }
  return { results, said: [said] }
}

const simplest = (content: JsonObject[]): string | JsonObject[] => {
  const [only, ...more] = content
  return only && more.length === 0 && isPlainText(only) ? textOf(only) : content
}

const isPlainText = (part: JsonObject): boolean => part['type'] === 'text' && Object.keys(part).length === 2
const textOf = (part: JsonObject): string => part['text'] as string

/** Results hold text only; images and documents among them follow in the user's message, under the id of their call. */
const encodeResult = (
  part: ToolResultPart,
  path: string,
  after: JsonObject[],
  dialect: ChatDialect,
  warnings: Warnings,
): JsonObject => {
  const texts: TextPart[] = []
  const callee = callId(part.callId, dialect)
  for (const [position, item] of part.content.entries()) {
    const at = item.path ?? `${path}.content[${position}]`
    note(item, at, warnings)
    if (item.type === 'text') texts.push(item)
    else if (item.type === 'document' && item.source.from === 'text') {
      warnings.changed(at, 'a text document is sent as text')
      texts.push({ type: 'text', text: titled(item.title, item.source.text) })
    } else {
      warnings.changed(at, 'sent in a user message behind the results')
      after.push({ type: 'text', text: `Result of ${callee}:` }, encodeUserPart(item, at, false, warnings))
    }
  }
  if (part.isError) warnings.droppedOf(path, 'isError', 'results carry no error flag')
  return {
    role: 'tool',
    tool_call_id: callee,
    content: encodeTexts(texts),
    ...part.extensions?.['openai-chat'],
  }
}

const encodeAssistant = (
  message: NeutralMessage,
  path: string,
  dialect: ChatDialect,
  warnings: Warnings,
): JsonObject => {
  const said: JsonObject[] = []
  const extra: JsonObject = {}
  const calls: JsonObject[] = []
  let refusal = ''
  let reasoning = ''
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    switch (part.type) {
      case 'text':
        said.push({ type: 'text', text: part.text, ...part.extensions?.['openai-chat'] })
        break
      case 'refusal':
        refusal += part.text
        break
      case 'thinking':
        reasoning += replayed(part, at, dialect, warnings)
        break
      case 'tool-call':
        calls.push(encodeCall(part, dialect))
        break
      case 'opaque':
        if (part.protocol !== 'openai-chat') unsupported(at, 'this block has no counterpart')
        else if (part.value['tool_call'] !== undefined) calls.push(part.value['tool_call'] as JsonObject)
        else if (part.value['audio'] !== undefined) extra['audio'] = part.value['audio']
        else said.push(part.value)
        break
      default:
        unsupported(at, `an assistant message cannot hold a part of type ${part.type}`)
    }
  }
  const content = joined(said)
  return {
    role: 'assistant',
    content: content === '' && (calls.length > 0 || refusal !== '') ? null : content,
    ...((reasoning !== '' || (dialect.reasoningWithCalls && calls.length > 0)) && {
      [dialect.reasoningField ?? 'reasoning_content']: reasoning,
    }),
    ...(refusal !== '' && { refusal }),
    ...extra,
    ...(message.name !== undefined && { name: message.name }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...message.extensions?.['openai-chat'],
  }
}

/** Text that was told in several blocks is one text, as the answer it repeats was. */
const joined = (said: JsonObject[]): string | JsonObject[] =>
  said.every(isPlainText) ? said.map(textOf).join('') : said

/** Reasoning goes back to servers that ask for it; others refuse the field. */
const replayed = (part: ThinkingPart, path: string, dialect: ChatDialect, warnings: Warnings): string => {
  if (dialect.reasoningField) return part.text
  warnings.reasoning(part, path, 'earlier reasoning is not sent back')
  return ''
}

const encodeCall = (part: ToolCallPart, dialect: ChatDialect): JsonObject => ({
  id: callId(part.id, dialect),
  ...(part.custom
    ? { type: 'custom', custom: { name: part.name, input: part.arguments } }
    : { type: 'function', function: { name: part.name, arguments: part.arguments } }),
  ...part.extensions?.['openai-chat'],
})
