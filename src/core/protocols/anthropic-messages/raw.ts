import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { anyValues, type Cut, readField, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import { maskModels } from '../mask-models.ts'
import { parseJson } from '../parse-json.ts'
import type { Observed, RawEdits, RawRoad } from '../protocol.ts'
import { decodeStreamError } from './errors.ts'
import { renameFallbacks } from './mask.ts'
import { isObject } from './read.ts'
import { Tap } from './tap.ts'
import { decodeUsage } from './usage.ts'

const leastBudget = 1024

const request = (scanned: ScannedObject, edits: RawEdits): Buffer => {
  const cuts = [setField(scanned, 'model', JSON.stringify(edits.model))]
  for (const [field, value] of Object.entries(edits.defaults ?? {})) {
    if (!scanned.fields.has(field)) cuts.push(setField(scanned, field, JSON.stringify(value)))
  }
  if (edits.maxTokens !== undefined) cuts.push(...lowerLimit(scanned, edits.maxTokens))
  return splice(scanned.bytes, cuts)
}

/** The API refuses a thinking budget that is not below the limit: a budget that was right for the client's own limit is lowered with it. */
const lowerLimit = (scanned: ScannedObject, most: number): Cut[] => {
  const asked = readField(scanned, 'max_tokens')
  if (typeof asked === 'number' && asked <= most) return []
  const cuts = [setField(scanned, 'max_tokens', String(most))]
  const thinking = readField(scanned, 'thinking') as JsonObject | undefined
  const budget = isObject(thinking) && thinking['budget_tokens']
  if (typeof budget === 'number' && budget >= most && typeof asked === 'number' && budget < asked) {
    const lowered = most - 1 >= leastBudget ? { ...thinking, budget_tokens: most - 1 } : { type: 'disabled' }
    cuts.push(setField(scanned, 'thinking', JSON.stringify(lowered)))
  }
  return cuts
}

const response = (
  body: Buffer,
  { model }: { readonly model: string },
): { readonly body: Buffer; readonly observed: Observed } => {
  const observed: Observed = { deliveredChars: 0, complete: false }
  try {
    const scanned = scanObject(body, [], anyValues)
    const type = readField(scanned, 'type')
    const content = readField(scanned, 'content')
    if (type === 'error' || (!Array.isArray(content) && readField(scanned, 'error') != null)) {
      observed.failure = decodeStreamError(JSON.parse(body.toString('utf8')) as JsonObject)
      return { body, observed }
    }
    if (!Array.isArray(content)) return { body, observed }
    observe(scanned, content, observed)
    return { body: maskAnswer(scanned, model), observed }
  } catch {
    return { body, observed: { deliveredChars: 0, complete: false } }
  }
}

const observe = (scanned: ScannedObject, content: readonly JsonValue[], observed: Observed): void => {
  const usage = readField(scanned, 'usage') as JsonObject | undefined
  const realModel = readField(scanned, 'model')
  const id = readField(scanned, 'id')
  const finish = readField(scanned, 'stop_reason')
  if (isObject(usage)) observed.usage = decodeUsage(usage, typeof realModel === 'string' ? realModel : '')
  if (typeof id === 'string') observed.upstreamId = id
  if (typeof finish === 'string') observed.finish = finish
  observed.complete = true
  observed.deliveredChars = countChars(content)
}

const countChars = (content: readonly JsonValue[]): number => {
  let chars = 0
  for (const block of content.filter(isObject)) {
    for (const shown of [block['text'], block['thinking']]) if (typeof shown === 'string') chars += shown.length
    if (block['type'] === 'tool_use') chars += JSON.stringify(block['input'] ?? {}).length
  }
  return chars
}

const maskAnswer = (scanned: ScannedObject, model: string): Buffer => {
  const cuts: Cut[] = []
  const named = scanned.fields.get('model')
  if (named) cuts.push({ start: named.valueStart, end: named.valueEnd, text: JSON.stringify(model) })
  // The parts of an answer that were made by several models are listed by their names.
  const usage = scanned.fields.get('usage')
  if (usage) {
    const part = scanned.bytes.subarray(usage.valueStart, usage.valueEnd)
    const masked = maskModels(part, model)
    if (masked !== part) cuts.push({ start: usage.valueStart, end: usage.valueEnd, text: masked.toString('utf8') })
  }
  const content = scanned.fields.get('content')
  if (content && scanned.bytes.subarray(content.valueStart, content.valueEnd).includes('"fallback"')) {
    const blocks = readField(scanned, 'content', parseJson) as JsonObject[]
    if (renameFallbacks(blocks, model))
      cuts.push({ start: content.valueStart, end: content.valueEnd, text: JSON.stringify(blocks) })
  }
  return splice(scanned.bytes, cuts)
}

export const raw: RawRoad = { request, response, createTap: ({ model }) => new Tap(model) }
