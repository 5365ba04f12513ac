import type { ResolvedModel } from '../catalog/resolved.ts'
import { type Cut, readField, type ScannedObject, setField, splice } from '../protocols/json-scan.ts'
import { nestedCuts, nestingOf } from './nested-settings.ts'
import { nestedInResponses, topOfResponses } from './responses-settings.ts'

/** Names of the limit on output, whichever protocol the client speaks; capped through the hold, not here. */
const outputFields = ['max_tokens', 'max_completion_tokens', 'max_output_tokens']

/** The most output tokens one answer of this model may have; Infinity when nobody limits it. */
export const outputCap = (model: ResolvedModel): number => {
  let cap = model.maxOutputTokens ?? Number.POSITIVE_INFINITY
  for (const field of outputFields) {
    const value = model.caps[field]
    if (typeof value === 'number') cap = Math.min(cap, value)
  }
  return cap
}

/**
 * The body with the shadow model's defaults filled in and its caps applied: the same bytes when there is nothing to change. `endpoint` tells where its protocol keeps
 * them.
 */
export const applySettings = (scanned: ScannedObject, model: ResolvedModel, endpoint: string): Buffer => {
  const nesting = nestingOf(endpoint)
  if (nesting) return splice(scanned.bytes, nestedCuts(scanned, nesting, model.defaults, model.caps))
  const responses = endpoint === 'openai-responses'
  const cuts: Cut[] = responses ? nestedInResponses(scanned, model.defaults) : []
  const defaults = responses ? topOfResponses(model.defaults) : model.defaults
  let added = ''
  for (const [field, value] of Object.entries(defaults)) {
    if (scanned.fields.has(field)) continue
    // The limit on output has several names: a default for one is not for a client that used another.
    if (outputFields.includes(field) && outputFields.some((name) => scanned.fields.has(name))) continue
    added += `,${JSON.stringify(field)}:${JSON.stringify(value)}`
  }
  for (const [field, bound] of Object.entries(model.caps)) {
    if (outputFields.includes(field) || typeof bound !== 'number') continue
    const asked = readField(scanned, field)
    if (typeof asked === 'number' && asked > bound) cuts.push(setField(scanned, field, JSON.stringify(bound)))
  }
  // A body that passed inspection has a model, so there is a field in front of the comma.
  if (added) cuts.push({ start: scanned.close, end: scanned.close, text: added })
  return splice(scanned.bytes, cuts)
}
