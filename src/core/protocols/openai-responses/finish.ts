import type { Finish, JsonObject } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** How an answer ended in the provider's word: the reason when it is incomplete, else its status. Servers that imitate the API leave the status out. */
export const finishWord = (response: JsonObject, incomplete = response['status'] === 'incomplete'): string => {
  const { status, incomplete_details: details } = response
  if (!incomplete) return typeof status === 'string' && status !== '' ? status : 'completed'
  const reason = isObject(details) ? details['reason'] : undefined
  return typeof reason === 'string' && reason !== '' ? reason : 'incomplete'
}

/** An answer that is incomplete was cut by a limit or a filter: an end, never a failure. `called` and `refused`: what was among its items. */
export const decodeFinish = (raw: string, called: boolean, refused: boolean): Finish => {
  switch (raw) {
    case 'completed':
      return { reason: called ? 'tool-calls' : 'stop', raw }
    case 'incomplete':
    case 'max_output_tokens':
    case 'max_tokens':
      return { reason: 'length', raw }
    case 'content_filter':
      return { reason: refused ? 'refusal' : 'content-filter', raw }
    default:
      return { reason: called ? 'tool-calls' : 'other', raw }
  }
}

/** `status` and `incomplete_details` of an answer. */
export interface WireFinish {
  readonly status: 'completed' | 'incomplete'
  readonly reason?: 'max_output_tokens' | 'content_filter'
}

/** Undefined for an end that must not look like one: the caller answers with an error. */
export const encodeFinish = ({ reason }: Finish): WireFinish | undefined => {
  switch (reason) {
    case 'stop':
    case 'stop-sequence':
    case 'tool-calls':
      return { status: 'completed' }
    case 'length':
    case 'context-exceeded':
      return { status: 'incomplete', reason: 'max_output_tokens' }
    case 'content-filter':
    case 'refusal':
      return { status: 'incomplete', reason: 'content_filter' }
    case 'pause':
    case 'malformed-tool-call':
    case 'other':
      return undefined
  }
}
