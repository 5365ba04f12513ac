import type { JsonObject, NeutralMessage, NeutralRequest, Part } from '../neutral/index.ts'
import { refuse } from '../read.ts'
import { requireToolPairs } from '../tool-pairs.ts'
import { append } from '../turns.ts'
import { encodeCall, encodePart, type Restoring } from './encode-parts.ts'
import { type Answered, encodeResult } from './encode-result.ts'
import { isGeneration3, type ModelTraits } from './model-name.ts'
import { unsupported, type Warnings } from './refusals.ts'
import { placeId } from './turn-calls.ts'
import { ModelTurn, signCalls } from './signatures.ts'

interface Turn {
  readonly role: 'user' | 'model'
  readonly results: { readonly order: number; readonly part: JsonObject }[]
  readonly parts: JsonObject[]
}

/**
 * The conversation under Gemini's laws: turns of one role are one, results of calls stand first and in the order of the calls, nothing is empty, the user
 * begins and, unless the client speaks Gemini itself, ends.
 */
export const encodeContents = (request: NeutralRequest, traits: ModelTraits, warnings: Warnings): JsonObject[] => {
  requireToolPairs(request.messages)
  const how: Restoring = { restore: request.protocol === 'gemini', warnings }
  if (!how.restore) refusePrefill(request.messages)
  const turns: Turn[] = []
  /** The calls of the turn before, in their order. */
  let calls = new Map<string, Answered>()
  for (const [index, message] of request.messages.entries()) {
    const path = message.path ?? `messages[${index}]`
    warnings.extensions(path, message.extensions)
    if (message.name !== undefined) warnings.dropped(`${path}.name`, 'the Gemini API has no names of speakers')
    const role = message.role === 'assistant' ? 'model' : 'user'
    const last = turns.at(-1)
    if (role === 'model' && last?.role !== 'model') calls = new Map()
    const turn: Turn = last?.role === role && !how.restore ? last : { role, results: [], parts: [] }
    if (role === 'model') append(turn.parts, encodeModel(message, path, calls, how))
    else encodeUser(turn, message, path, calls, isGeneration3(traits), how)
    if (turn.parts.length + turn.results.length === 0) {
      if (message.role === 'user') refuse(path, 'is empty; the Gemini API takes no turn without parts.')
    } else if (turn !== last) turns.push(turn)
  }
  const contents = turns.map(({ role, results, parts }) => ({
    role,
    parts: [...results.toSorted((left, right) => left.order - right.order).map(({ part }) => part), ...parts],
  }))
  if (!how.restore) beginWithUser(request, contents, warnings)
  if (isGeneration3(traits)) signCalls(contents)
  return contents
}

const refusePrefill = (messages: readonly NeutralMessage[]): void => {
  const last = messages.at(-1)
  if (last?.role === 'assistant')
    unsupported(last.path ?? 'messages', 'the conversation must not end with an assistant message')
}

const beginWithUser = (request: NeutralRequest, contents: JsonObject[], warnings: Warnings): void => {
  if (contents[0]?.['role'] !== 'model') return
  contents.unshift({ role: 'user', parts: [{ text: '.' }] })
  warnings.changed(request.messages[0]?.path ?? 'messages', 'a user turn "." is put in front of the conversation')
}

/** What of a part cannot be sent whatever it is. */
const note = (part: Part, path: string, warnings: Warnings): void => {
  warnings.extensions(path, part.extensions)
  if (part.cache) warnings.droppedOf(path, 'cache', 'prompts are cached without marks')
}

const encodeModel = (
  message: NeutralMessage,
  path: string,
  calls: Map<string, Answered>,
  how: Restoring,
): JsonObject[] => {
  const turn = new ModelTurn()
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    note(part, at, how.warnings)
    if (part.type === 'thinking') {
      if (!turn.think(part)) how.warnings.reasoning(part, at, 'reasoning without a signature of this provider')
    } else if (part.type === 'tool-call') {
      const id = how.restore && part.id === placeId(at) ? undefined : part.id
      calls.set(part.id, { name: part.name, order: calls.size, id })
      turn.push(encodeCall(part, at, id))
    } else if (part.type === 'tool-result') unsupported(at, 'an assistant message cannot hold results of tools')
    else turn.push(encodePart(part, at, how))
  }
  return turn.finish()
}

/** An instruction between messages becomes text of the user, marked as what it is. */
const encodeUser = (
  turn: Turn,
  message: NeutralMessage,
  path: string,
  calls: ReadonlyMap<string, Answered>,
  inside: boolean,
  how: Restoring,
): void => {
  for (const [position, part] of message.parts.entries()) {
    const at = part.path ?? `${path}.content[${position}]`
    note(part, at, how.warnings)
    if (part.type === 'thinking' || part.type === 'tool-call')
      unsupported(at, `a user message cannot hold a part of type ${part.type}`)
    else if (part.type === 'tool-result') {
      const call = calls.get(part.callId) ?? refuse(at, `there is no tool call "${part.callId}" in the turn before.`)
      const encoded = encodeResult(part, at, call, inside, turn.parts, how)
      turn.results.push({ order: call.order, part: encoded })
    } else {
      const encoded = encodePart(part, at, how)
      if (encoded) turn.parts.push(message.role === 'system' ? asReminder(encoded) : encoded)
    }
  }
  if (message.role === 'system') how.warnings.changed(path, 'sent as user text in <system-reminder>')
}

const asReminder = (part: JsonObject): JsonObject =>
  typeof part['text'] === 'string' ? { ...part, text: `<system-reminder>${part['text']}</system-reminder>` } : part
