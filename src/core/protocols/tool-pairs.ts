import type { NeutralMessage } from './neutral/index.ts'
import { refuse } from './read.ts'

/**
 * The law of tools: every call of a turn is answered exactly once in the turn that follows it, and nothing is answered that was not called. Messages of one
 * role in a row are one turn; instructions between them (role `system`) end none.
 */
export const requireToolPairs = (messages: readonly NeutralMessage[]): void => {
  let pending = new Map<string, string>()
  let seen = new Set<string>()
  let answered = new Set<string>()
  let role: 'user' | 'assistant' = 'user'

  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue
    if (message.role === 'assistant' && role === 'user') {
      requireAnswered(pending)
      pending = new Map()
      seen = new Set()
      answered = new Set()
    }
    role = message.role
    for (const [position, part] of message.parts.entries()) {
      const path = part.path ?? message.path ?? `messages[${index}].content[${position}]`
      if (part.type === 'tool-call') {
        if (seen.has(part.id)) refuse(path, `the tool call id "${part.id}" appears twice in one turn.`)
        seen.add(part.id)
        pending.set(part.id, path)
      } else if (part.type === 'tool-result') {
        if (answered.has(part.callId)) refuse(path, `the tool call "${part.callId}" has two results.`)
        if (!pending.delete(part.callId))
          refuse(path, `there is no tool call "${part.callId}" in the turn before this result.`)
        answered.add(part.callId)
      }
    }
  }
  requireAnswered(pending)
}

const requireAnswered = (pending: ReadonlyMap<string, string>): void => {
  for (const [id, path] of pending) refuse(path, `the tool call "${id}" has no result in the turn that follows it.`)
}
