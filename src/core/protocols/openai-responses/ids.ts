import { hash, randomBytes } from 'node:crypto'
import { sealPrefix } from '../sealed.ts'

const maxCallId = 64

const derive = (prefix: string, from: string): string => prefix + hash('sha256', from, 'hex').slice(0, 48)

const random = (): string => randomBytes(16).toString('hex')

/** The id of an answer: one of this protocol passes, any other is hidden behind one derived from it. */
export const answerId = (id: string, { same }: { readonly same?: true }): string =>
  id.startsWith('resp_') || (same && id !== '') ? id : derive('resp_', id || random())

/** The id of an item of an answer, the same whether the answer is told whole or as a stream. `answer` is the answer's own id. */
export const itemId = (prefix: 'msg_' | 'rs_' | 'fc_' | 'ctc_' | 'ig_', answer: string, index: number): string =>
  derive(prefix, `${answer}:${index}`)

/**
 * The id of a call as the API accepts it: at most 64 characters. A longer one becomes a hash of itself, so that call and result still meet, and meet again in every later
 * turn, without anything being remembered.
 */
export const callId = (id: string): string =>
  id !== '' && id.length <= maxCallId ? id : derive('call_', id || random())

const ownReasoning = `rs_${sealPrefix}`

/**
 * Reasoning keeps the id under which its state is accepted. One that was given none gets an id that is known again when it comes back: a provider would look for it among
 * what it keeps.
 */
export const reasoningId = (id: string | undefined, answer: string, index: number): string =>
  id?.startsWith('rs_') ? id : ownReasoning + itemId('rs_', answer, index).slice('rs_'.length + sealPrefix.length)

/** Whether an id of reasoning was made here. */
export const isOwnReasoningId = (id: string): boolean => id.startsWith(ownReasoning)
