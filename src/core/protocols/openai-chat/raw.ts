import { type Cut, readField, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import type { Observed, RawEdits, RawRoad } from '../protocol.ts'
import { decodeStreamFailure, isErrorEvent } from './errors.ts'
import { Tap } from './tap.ts'
import { decodeUsage } from './usage.ts'

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

const request = (scanned: ScannedObject, edits: RawEdits): Buffer => {
  const cuts: Cut[] = [setField(scanned, 'model', JSON.stringify(edits.model))]
  // Fields that are new stand in front of the closing brace, in one cut.
  let added = ''
  const set = (field: string, json: string): void => {
    if (scanned.fields.has(field)) cuts.push(setField(scanned, field, json))
    else added += `,${JSON.stringify(field)}:${json}`
  }
  if (edits.forceUsage) {
    const options = readField(scanned, 'stream_options')
    if (!isObject(options)) set('stream_options', '{"include_usage":true}')
    else if (options['include_usage'] !== true) set('stream_options', JSON.stringify({ ...options, include_usage: true }))
  }
  if (edits.maxTokens !== undefined) {
    const named = ['max_completion_tokens', 'max_tokens'].filter((field) => typeof readField(scanned, field) === 'number')
    for (const field of named.length > 0 ? named : ['max_completion_tokens']) set(field, String(edits.maxTokens))
  }
  for (const [field, value] of Object.entries(edits.defaults ?? {})) {
    if (!scanned.fields.has(field)) set(field, JSON.stringify(value))
  }
  if (added) cuts.push({ start: scanned.close, end: scanned.close, text: added })
  return splice(scanned.bytes, cuts)
}

const response = (body: Buffer, { model }: { readonly model: string }): { readonly body: Buffer; readonly observed: Observed } => {
  const observed: Observed = { deliveredChars: 0, complete: false }
  try {
    const scanned = scanObject(body)
    const error = readField(scanned, 'error') as JsonValue | undefined
    if (error !== undefined && !scanned.fields.has('choices') && isErrorEvent({ error })) {
      observed.failure = decodeStreamFailure({ error })
      return { body, observed }
    }
    observe(scanned, observed)
    const named = scanned.fields.get('model')
    return { body: named ? splice(body, [{ start: named.valueStart, end: named.valueEnd, text: JSON.stringify(model) }]) : body, observed }
  } catch {
    return { body, observed }
  }
}

const observe = (scanned: ScannedObject, observed: Observed): void => {
  const usage = readField(scanned, 'usage')
  const id = readField(scanned, 'id')
  if (isObject(usage)) observed.usage = decodeUsage(usage)
  if (typeof id === 'string') observed.upstreamId = id
  observed.complete = true
  const choices = readField(scanned, 'choices')
  for (const choice of Array.isArray(choices) ? choices.filter(isObject) : []) {
    if (typeof choice['finish_reason'] === 'string') observed.finish ??= choice['finish_reason']
    if (isObject(choice['message'])) observed.deliveredChars += shownLength(choice['message'])
  }
}

const shownLength = (message: JsonObject): number => {
  let length = 0
  for (const shown of [message['content'], message['refusal'], message['reasoning_content'] ?? message['reasoning']]) {
    if (typeof shown === 'string') length += shown.length
    else if (Array.isArray(shown)) length += JSON.stringify(shown).length
  }
  return length + (Array.isArray(message['tool_calls']) ? JSON.stringify(message['tool_calls']).length : 0)
}

/** The straight road of chat completions. */
export const raw: RawRoad = { request, response, createTap: (edits) => new Tap(edits) }
