import { hash } from 'node:crypto'

const accepted = /^[a-zA-Z0-9_-]+$/

const derive = (prefix: string, from: string): string =>
  prefix +
  BigInt(`0x${hash('sha256', from, 'hex')}`)
    .toString(36)
    .padStart(50, '0')
    .slice(-24)

/**
 * The id of a tool call as Anthropic accepts it: `^[a-zA-Z0-9_-]+$`. Another id becomes a hash of itself, so that call and result still meet, and meet again in every
 * later turn (prompt caches hold) without anything being remembered.
 */
export const toolId = (id: string): string => (accepted.test(id) ? id : derive('toolu_', id))

/** The id of an answer: Anthropic's own passes, any other is hidden behind one derived from it. */
export const messageId = (id: string): string => (id.startsWith('msg_') && accepted.test(id) ? id : derive('msg_', id))
