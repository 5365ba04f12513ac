import { hash, randomBytes } from 'node:crypto'
import type { ChatDialect } from './dialect.ts'

const maxCallId = 64
const nineChars = /^[a-zA-Z0-9]{9}$/

const derive = (prefix: string, from: string): string =>
  prefix +
  BigInt(`0x${hash('sha256', from, 'hex')}`)
    .toString(36)
    .padStart(50, '0')
    .slice(-24)

/** The id of an answer: OpenAI's own passes, any other is hidden behind one derived from it. */
export const answerId = (id: string): string =>
  id.startsWith('chatcmpl-') ? id : derive('chatcmpl-', id || randomBytes(16).toString('hex'))

/**
 * The id of a tool call as the server accepts it: at most 64 characters at OpenAI. Another one becomes a hash of itself, so that call and result still meet, and meet again in
 * every later turn, without anything being remembered.
 */
export const callId = (id: string, dialect: ChatDialect = {}): string => {
  if (dialect.nineCharCallIds) return nineChars.test(id) ? id : derive('', id).slice(-9)
  return id.length <= maxCallId ? id : derive('call_', id)
}

/** For calls of servers that give them no id. */
export const mintCallId = (): string => derive('call_', randomBytes(16).toString('hex'))
