import type { JsonObject, JsonValue, NeutralMessage, Part } from '../neutral/index.ts'
import { encodePart } from './encode-content.ts'
import { refuse } from './read.ts'
import { append, placesOf } from '../turns.ts'
import { withUniqueCallIds } from '../unique-call-ids.ts'
import { unsupported, type Warnings } from './refusals.ts'

interface Turn {
  readonly role: 'user' | 'assistant' | 'system'
  readonly results: { readonly callId: string; readonly block: JsonObject }[]
  readonly blocks: JsonObject[]
  readonly path: string
}

/**
 * The conversation under the API's laws: messages of one role are one turn, all results of a turn's calls stand in the next user turn, first and in the order of the
 * calls, blank text is left out, and the first turn is the user's.
 */
export const encodeMessages = (
  messages: readonly NeutralMessage[],
  restore: boolean,
  warnings: Warnings,
): JsonObject[] => {
  if (!messages.some((message) => message.role !== 'system')) refuse('messages', 'must hold at least one user message.')

  const turns: Turn[] = []
  let calls: readonly string[] = []
  const closeTurn = (): void => {
    const last = turns.at(-1)
    if (last?.role === 'user') inOrder(last.results, calls)
    else if (last?.role === 'assistant') calls = callIds(last)
  }
  for (const [index, message] of withUniqueCallIds(messages).entries()) {
    const path = message.path ?? `messages[${index}]`
    warnings.extensions(path, message.extensions)
    if (message.name !== undefined) warnings.dropped(`${path}.name`, 'the Messages API has no names of speakers')
    const role = message.role === 'system' && !restore ? 'user' : message.role
    const added: Turn = { role, results: [], blocks: [], path }
    for (const [position, part] of message.parts.entries())
      addPart(added, part, part.path ?? `${path}.content[${position}]`, restore, warnings)
    if (message.role === 'system' && !restore) asReminder(added, warnings)
    if (added.results.length + added.blocks.length === 0) {
      if (message.role === 'user') refuse(path, 'is empty; the Messages API takes no message without content.')
      continue
    }
    const last = turns.at(-1)
    if (last?.role === role) {
      append(last.results, added.results)
      append(last.blocks, added.blocks)
    } else {
      closeTurn()
      turns.push(added)
    }
  }
  closeTurn()

  const first = turns.find((turn) => turn.role !== 'system')
  if (first?.role !== 'user') refuse(first?.path ?? 'messages', 'the conversation must begin with a user message.')
  trimPrefill(turns.at(-1)!, warnings)
  return turns.map(({ role, results, blocks }) => ({
    role,
    content: [...results.map(({ block }) => block), ...blocks],
  }))
}

const addPart = (turn: Turn, part: Part, path: string, restore: boolean, warnings: Warnings): void => {
  if (!restore && turn.role === 'assistant' && (part.type === 'image' || part.type === 'document'))
    unsupported(path, 'an assistant message cannot hold images or documents')
  const block = encodePart(part, path, warnings)
  if (!block) return
  if (part.type === 'tool-result') turn.results.push({ callId: block['tool_use_id'] as string, block })
  else turn.blocks.push(block)
}

/** An instruction between messages, for models that know none there: text of the user, marked as what it is. Never part of the first system text, which is cached. */
const asReminder = (turn: Turn, warnings: Warnings): void => {
  for (const block of turn.blocks) block['text'] = `<system-reminder>${text(block['text'])}</system-reminder>`
  if (turn.blocks.length > 0) warnings.changed(turn.path, 'sent as user text in <system-reminder>')
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const callIds = (turn: Turn): string[] =>
  turn.blocks.filter((block) => block['type'] === 'tool_use').map((block) => block['id'] as string)

const inOrder = (results: Turn['results'], calls: readonly string[]): void => {
  const place = placesOf(calls)
  results.sort((left, right) => place(left.callId) - place(right.callId))
}

/** The API refuses a last assistant text that ends in white space. */
const trimPrefill = (last: Turn, warnings: Warnings): void => {
  const block = last.blocks.at(-1)
  if (last.role !== 'assistant' || block?.['type'] !== 'text') return
  const whole = text(block['text'])
  const trimmed = whole.trimEnd()
  if (trimmed === whole) return
  block['text'] = trimmed
  warnings.changed(last.path, 'white space at the end of the last assistant text removed')
}
