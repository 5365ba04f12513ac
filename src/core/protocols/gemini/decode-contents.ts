import type { JsonObject, JsonValue, NeutralMessage, Part, TextPart, ToolResultPart } from '../neutral/index.ts'
import { compact, filled, isObject, notServed, object, oneOf, optional, refuse, string } from '../read.ts'
import { dataOf, decodePart, decodeResultPart, decodeText, readSignature, signatureOf } from './decode-parts.ts'
import { items, leftover } from './read.ts'
import { pairCalls } from './turn-calls.ts'

const contentFields = new Set(['role', 'parts'])
const callFields = new Set(['id', 'name', 'args'])
const resultFields = new Set(['id', 'name', 'response', 'parts'])

/** The conversation. Turns without a role are the user's, as are those of the older role `function`. */
export const decodeContents = (value: JsonValue | undefined): NeutralMessage[] => {
  const calls = pairCalls(value)
  const messages = items(value, 'contents').flatMap(([item, path]) => decodeContent(object(item, path), path, calls))
  return messages.length === 0 ? refuse('contents', 'must hold at least one content.') : messages
}

/** Ids of calls and of those that results answer. */
type Calls = ReturnType<typeof pairCalls>

/** None for a turn of the model's that says nothing, as the last chunk of a stream that clients keep as a turn of its own. */
const decodeContent = (content: JsonObject, path: string, calls: Calls): NeutralMessage[] => {
  const given = optional(content['role'], `${path}.role`, (value, at) =>
    oneOf(value, at, ['user', 'model', 'function']),
  )
  const role = given === 'model' ? ('assistant' as const) : ('user' as const)
  const list = items(content['parts'], `${path}.parts`)
  if (list.length === 0) refuse(`${path}.parts`, 'must hold at least one part.')
  const parts = list.flatMap(([item, at]) => decodeTurnPart(object(item, at), at, role, calls))
  if (parts.length === 0 && role === 'user') refuse(`${path}.parts`, 'must hold a text or other content.')
  return parts.length === 0 ? [] : [compact({ role, parts, path, extensions: leftover(content, contentFields) })]
}

const decodeTurnPart = (part: JsonObject, path: string, role: 'user' | 'assistant', calls: Calls): Part[] => {
  const data = dataOf(part, path)
  if (data === 'functionCall') {
    if (role === 'user') refuse(path, 'only the model calls functions.')
    return [...signatureOf(readSignature(part, path), path), ...decodeCall(part, path, calls)]
  }
  if (data !== 'functionResponse') return decodePart(part, path, role)
  if (role === 'assistant') refuse(path, 'results of functions belong into user turns.')
  return [decodeResult(part, path, calls)]
}

/** A call without a name only marks the end of one whose arguments were streamed. */
const decodeCall = (part: JsonObject, path: string, calls: Calls): Part[] => {
  const at = `${path}.functionCall`
  const call = object(part['functionCall'], at)
  if (Object.keys(call).length === 0) return []
  if (call['partialArgs'] != null) refuse(`${at}.partialArgs`, 'send the whole arguments as args.')
  const name = filled(call['name'], `${at}.name`)
  optional(call['id'], `${at}.id`, string)
  const id = calls.get(call)!
  const args = optional(call['args'], `${at}.args`, object) ?? {}
  return [
    compact({
      type: 'tool-call' as const,
      id,
      name,
      arguments: JSON.stringify(args),
      path,
      extensions: within('functionCall', call, callFields),
    }),
  ]
}

const decodeResult = (part: JsonObject, path: string, calls: Calls): ToolResultPart => {
  const at = `${path}.functionResponse`
  const result = object(part['functionResponse'], at)
  const name = filled(result['name'], `${at}.name`)
  const id = optional(result['id'], `${at}.id`, string)
  const callId = calls.get(result) ?? refuseResult(name, id, at)
  const { text, isError } = readResponse(result['response'], `${at}.response`)
  const shown = items(result['parts'], `${at}.parts`).map(([item, place]) =>
    decodeResultPart(object(item, place), place),
  )
  return compact({
    type: 'tool-result' as const,
    callId,
    content: [text, ...shown],
    isError,
    path,
    extensions: within('functionResponse', result, resultFields),
  })
}

const refuseResult = (name: string, id: string | undefined, path: string): never =>
  id
    ? refuse(`${path}.id`, `there is no call "${id}" of "${name}" in the turn before.`)
    : refuse(path, `there is no call of "${name}" without a result in the turn before.`)

/**
 * What a function returned, as text. The API takes the field `output` (or `error`) for the result if it stands alone, else the whole object. The path tells
 * which it was, so that the way back to Gemini restores it.
 */
const readResponse = (
  value: JsonValue | undefined,
  path: string,
): { readonly text: TextPart; readonly isError?: true } => {
  const response = optional(value, path, object) ?? {}
  const [field, ...more] = Object.keys(response)
  const inner = more.length === 0 && field !== undefined ? response[field] : undefined
  if (field === 'error' && typeof inner === 'string')
    return { text: { type: 'text', text: inner, path: `${path}.error` }, isError: true }
  if (field === 'output' && typeof inner === 'string')
    return { text: { type: 'text', text: inner, path: `${path}.output` } }
  return { text: { type: 'text', text: JSON.stringify(response), path } }
}

const within = (field: string, source: JsonObject, known: ReadonlySet<string>) => {
  const extra = leftover(source, known)?.gemini
  return extra && { gemini: { [field]: extra } }
}

/** `systemInstruction`: its role says nothing, and it holds nothing but text. */
export const decodeSystem = (value: JsonValue | undefined): TextPart[] => {
  const content = optional(value, 'systemInstruction', object)
  return items(content?.['parts'], 'systemInstruction.parts').map(([item, path]) => {
    const part = object(item, path)
    return isObject(part) && dataOf(part, path) === 'text'
      ? decodeText(part, path)
      : notServed(path, 'instructions hold text only')
  })
}
