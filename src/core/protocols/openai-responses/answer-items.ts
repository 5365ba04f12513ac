import type { JsonObject } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { callId } from './ids.ts'
import { text } from './read-output.ts'
import type { NamespacedName } from './tool-namespaces.ts'

/** The items of an answer and their parts, in full shape. Whole answers and streams are made of the same. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

export const textPart = (written: string, annotations: readonly JsonObject[]): JsonObject => ({
  type: 'output_text',
  text: written,
  annotations: [...annotations],
  logprobs: [],
})

export const refusalPart = (refusal: string): JsonObject => ({ type: 'refusal', refusal })

export const messageItem = (id: string, status: ItemStatus, content: readonly JsonObject[]): JsonObject => ({
  id,
  type: 'message',
  status,
  role: 'assistant',
  content: [...content],
})

/** `sealed` is the state that the client gives back, if it asked for it. */
export const reasoningItem = (id: string, summary: string, sealed: string | undefined): JsonObject => ({
  id,
  type: 'reasoning',
  summary: summary === '' ? [] : [summaryPart(summary)],
  ...(sealed !== undefined && { encrypted_content: sealed }),
})

export const summaryPart = (written: string): JsonObject => ({ type: 'summary_text', text: written })

export interface Call {
  readonly id: string
  readonly name: string
  readonly custom?: true
}

/** `namespaced`: the tools that the client knows by two names, by their one name elsewhere. */
export const callItem = (
  id: string,
  status: ItemStatus,
  call: Call,
  written: string,
  namespaced: ReadonlyMap<string, NamespacedName>,
): JsonObject => {
  const names = namespaced.get(call.name) ?? { name: call.name }
  const called = { call_id: callId(call.id), ...names }
  if (call.custom) return { id, type: 'custom_tool_call', status, ...called, input: written }
  return { id, type: 'function_call', status, ...called, arguments: written }
}

const own = new Set(['file_citation', 'container_file_citation', 'file_path'])

/** A source as this protocol lists it, for the whole of `cited` if it says of no place in it; undefined for one that is neither an address on the web nor its own. */
export const encodeCitation = (citation: JsonObject, cited = ''): JsonObject | undefined => {
  if (own.has(text(citation['type']))) return citation
  const link = isObject(citation['url_citation']) ? citation['url_citation'] : citation
  const url = text(link['url'])
  if (url === '') return undefined
  const { start_index: start, end_index: end } = link
  return {
    type: 'url_citation',
    url,
    title: text(link['title']),
    start_index: typeof start === 'number' ? start : 0,
    end_index: typeof end === 'number' ? end : Array.from(cited).length,
  }
}

/** Whether a source says which part of the text it is for; otherwise it is for all of its block, as Anthropic's are. */
export const hasPlace = (citation: JsonObject): boolean => {
  const link = isObject(citation['url_citation']) ? citation['url_citation'] : citation
  return own.has(text(citation['type'])) || typeof link['end_index'] === 'number'
}
