import type { Finish, FinishReason, JsonObject, JsonValue, ProviderFailure } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** `fault`: the answer is broken and nothing a client could use; it is told as an error. */
const fromWire: Readonly<Record<string, FinishReason | 'fault'>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'malformed-tool-call',
  UNEXPECTED_TOOL_CALL: 'malformed-tool-call',
  TOO_MANY_TOOL_CALLS: 'malformed-tool-call',
  CONTINUATION: 'pause',
  MALFORMED_RESPONSE: 'fault',
  LANGUAGE: 'fault',
  OTHER: 'fault',
  IMAGE_OTHER: 'fault',
  NO_IMAGE: 'fault',
}

/**
 * The numbers that servers built on protocol buffers send. From 6 on Google's two APIs number differently: 6 to 8 are kinds of blocked content (and, in one of them, a
 * language that is not served), what follows is a call that cannot be read (and, in one of them, blocked content). None of them is ever a good end.
 */
const numbers: Readonly<Record<number, string>> = {
  1: 'STOP',
  2: 'MAX_TOKENS',
  3: 'SAFETY',
  4: 'RECITATION',
  5: 'OTHER',
  6: 'BLOCKLIST',
  7: 'PROHIBITED_CONTENT',
  8: 'SPII',
  9: 'MALFORMED_FUNCTION_CALL',
  10: 'MALFORMED_FUNCTION_CALL',
}

/** Google's word for a finish reason; undefined while there is none. */
export const finishWord = (value: JsonValue | undefined): string | undefined => {
  if (typeof value === 'number') return value === 0 ? undefined : (numbers[value] ?? String(value))
  return typeof value === 'string' && value !== '' && value !== 'FINISH_REASON_UNSPECIFIED' ? value : undefined
}

/**
 * How a candidate ended. Gemini has no word for calls of tools: they are read from the parts. A call of a tool that was not declared is still a call that the client can
 * answer. The failure is for ends that leave nothing usable.
 */
export const decodeFinish = (
  word: string,
  message: JsonValue | undefined,
  called: boolean,
): Finish | ProviderFailure => {
  const told = Object.hasOwn(fromWire, word) ? fromWire[word]! : 'other'
  const explanation = typeof message === 'string' && message !== '' ? message : undefined
  if (told === 'fault')
    return {
      class: 'server',
      status: 502,
      code: word.toLowerCase(),
      message: explanation ?? `The model stopped without an answer (${word}).`,
    }
  const isCall = called && (told === 'stop' || told === 'other' || word === 'UNEXPECTED_TOOL_CALL')
  const reason = isCall ? 'tool-calls' : told
  return { reason, raw: word, ...(reason === 'content-filter' && explanation && { explanation }) }
}

/** Why the prompt was refused: there are no candidates then, only `promptFeedback`. Undefined for a prompt that was not. */
export const blockReason = ({ promptFeedback }: JsonObject): string | undefined => {
  const reason = isObject(promptFeedback) ? promptFeedback['blockReason'] : undefined
  if (typeof reason === 'number') return reason === 0 ? undefined : `reason ${reason}`
  return typeof reason === 'string' && /^[A-Z_]{1,64}$/.test(reason) && !reason.endsWith('_UNSPECIFIED')
    ? reason
    : undefined
}

/** The failure that a refused prompt is. */
export const blockedPrompt = (body: JsonObject): ProviderFailure | undefined => {
  const reason = blockReason(body)
  if (reason === undefined) return undefined
  const { blockReasonMessage: told } = body['promptFeedback'] as JsonObject
  const message = typeof told === 'string' && told !== '' ? told : `The provider refused the prompt (${reason}).`
  return { class: 'content-filter', status: 400, code: 'content_filter', message }
}

/** `finishReason` of a candidate; undefined for an end that must not look like one: the caller answers with an error. */
export const encodeFinish = ({ reason, raw }: Finish): string | undefined => {
  switch (reason) {
    case 'stop':
    case 'stop-sequence':
      return 'STOP'
    case 'tool-calls':
      return raw === 'UNEXPECTED_TOOL_CALL' ? raw : 'STOP'
    case 'length':
    case 'context-exceeded':
      return 'MAX_TOKENS'
    case 'content-filter':
    case 'refusal':
      return raw !== null && fromWire[raw] === 'content-filter' ? raw : 'SAFETY'
    case 'malformed-tool-call':
      return raw !== null && fromWire[raw] === 'malformed-tool-call' ? raw : 'MALFORMED_FUNCTION_CALL'
    case 'pause':
    case 'other':
      // A new word of Google's own.
      return raw !== null && /^[A-Z][A-Z_]{2,63}$/.test(raw) ? raw : undefined
  }
}

/** The sentence for an end that this protocol has no word for. */
export const brokenFinish = ({ raw }: Finish): string =>
  `The model stopped in a way that cannot be expressed here${raw === null ? '' : ` ("${raw.slice(0, 64)}")`}.`
