import type { JsonObject, NeutralMessage } from '../neutral/index.ts'
import { isObject, refuse } from '../read.ts'
import { encodePart, type Encoding } from './encode-content.ts'
import { append, placesOf } from '../turns.ts'
import { withUniqueCallIds } from '../unique-call-ids.ts'
import { unsupported } from './refusals.ts'
import { toolUseId } from './ids.ts'

interface Turn {
  readonly role: 'user' | 'assistant'
  /** Results with the cache points behind them, by the call they answer. */
  readonly results: { readonly callId: string; readonly blocks: JsonObject[] }[]
  readonly blocks: JsonObject[]
  readonly path: string
}

/**
 * The conversation under the API's laws: turns of user and assistant alternate, the user begins and has the last word, all results of a turn's calls stand first in the next
 * user turn, in the order of the calls. Instructions between messages become marked text of the user.
 */
export const encodeMessages = (messages: readonly NeutralMessage[], encoding: Encoding): JsonObject[] => {
  const turns: Turn[] = []
  for (const [index, message] of withUniqueCallIds(messages).entries()) {
    const path = message.path ?? `messages[${index}]`
    encoding.warnings.extensions(path, message.extensions)
    if (message.name !== undefined)
      encoding.warnings.dropped(`${path}.name`, 'the Converse API has no names of speakers')
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const added = encodeTurn(message, role, path, encoding)
    if (added.results.length + added.blocks.length === 0) {
      if (message.role === 'user') refuse(path, 'is empty; the Converse API takes no message without content.')
      continue
    }
    const last = turns.at(-1)
    if (last?.role === role) {
      append(last.results, added.results)
      append(last.blocks, added.blocks)
    } else turns.push(added)
  }
  const [first] = turns
  if (first?.role !== 'user')
    return refuse(first?.path ?? 'messages', 'the conversation must begin with a user message.')
  const end = turns.at(-1)!
  if (end.role === 'assistant') unsupported(end.path, 'the conversation must not end with an assistant message')
  return turns.map(({ role, results, blocks }, index) => ({
    role,
    content: [...inOrder(results, turns[index - 1]), ...blocks],
  }))
}

const encodeTurn = (message: NeutralMessage, role: Turn['role'], path: string, encoding: Encoding): Turn => {
  const turn: Turn = { role, results: [], blocks: [], path }
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    if (role === 'assistant' && (part.type === 'image' || part.type === 'document'))
      unsupported(at, 'an assistant message cannot hold images or documents')
    const blocks = encodePart(part, at, encoding)
    if (part.type === 'tool-result') turn.results.push({ callId: toolUseId(part.callId), blocks })
    else append(turn.blocks, blocks)
  }
  if (message.role === 'system') asReminder(turn, encoding)
  return turn
}

const asReminder = (turn: Turn, { warnings }: Encoding): void => {
  for (const block of turn.blocks)
    if (typeof block['text'] === 'string') block['text'] = `<system-reminder>${block['text']}</system-reminder>`
  if (turn.blocks.length > 0) warnings.changed(turn.path, 'sent as user text in <system-reminder>')
}

const inOrder = (results: Turn['results'], before: Turn | undefined): JsonObject[] => {
  const calls = (before?.blocks ?? []).map(({ toolUse }) => (isObject(toolUse) ? toolUse['toolUseId'] : undefined))
  const place = placesOf(calls.filter((id) => typeof id === 'string'))
  return results.toSorted((left, right) => place(left.callId) - place(right.callId)).flatMap(({ blocks }) => blocks)
}
