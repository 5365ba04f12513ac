import { hash } from 'node:crypto'
import type { NeutralMessage, Part } from './neutral/index.ts'

/**
 * The conversation with each tool call under an id of its own, for providers that refuse one that comes again. Some servers count calls anew in every answer, some clients
 * use the name of the tool. The first keeps its id; a later one gets one made of it and of how often it came before, which stays as the conversation grows.
 */
export const withUniqueCallIds = (messages: readonly NeutralMessage[]): readonly NeutralMessage[] => {
  const seen = new Map<string, number>()
  /** New ids of the calls of the turn that is answered now. */
  let renamed = new Map<string, string>()
  let isAnswer = false
  let changed = false
  const part = (given: Part): Part => {
    if (given.type === 'tool-result') {
      const callId = renamed.get(given.callId)
      return callId === undefined ? given : { ...given, callId }
    }
    if (given.type !== 'tool-call') return given
    const times = seen.get(given.id) ?? 0
    seen.set(given.id, times + 1)
    if (times === 0) return given
    changed = true
    const id = `call_${hash('sha256', `${times}:${given.id}`, 'hex').slice(0, 24)}`
    renamed.set(given.id, id)
    return { ...given, id }
  }
  const unique = messages.map((message) => {
    if (message.role === 'system') return message
    if (message.role === 'assistant' && !isAnswer) renamed = new Map()
    isAnswer = message.role === 'assistant'
    return { ...message, parts: message.parts.map(part) }
  })
  return changed ? unique : messages
}
