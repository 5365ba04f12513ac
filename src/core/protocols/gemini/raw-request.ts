import { type Cut, readField, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import type { RawEdits } from '../protocol.ts'
import { spelled } from './inspect.ts'

/**
 * The client's bytes with the limit on output lowered, if it must be. The model stands in the path; one that the body repeats is taken out, because it names
 * the shadow.
 */
export const rawRequest = (scanned: ScannedObject, edits: RawEdits): Buffer => {
  const cuts: Cut[] = []
  if (scanned.fields.has('model')) cuts.push(setField(scanned, 'model', 'null'))
  for (const [field, value] of Object.entries(edits.defaults ?? {}))
    if (!scanned.fields.has(field)) cuts.push(setField(scanned, field, JSON.stringify(value)))
  if (edits.maxTokens !== undefined) cuts.push(...lowerLimit(scanned, edits.maxTokens))
  return splice(scanned.bytes, cuts)
}

/** Only the limit's own bytes inside `generationConfig` change. */
const lowerLimit = (scanned: ScannedObject, most: number): Cut[] => {
  const name = spelled(scanned, 'generationConfig', 'generation_config')
  const config = scanned.fields.get(name)
  if (!config || scanned.bytes[config.valueStart] !== 0x7b)
    return [setField(scanned, name, `{"maxOutputTokens":${most}}`)]
  const inner = scanObject(scanned.bytes.subarray(config.valueStart, config.valueEnd))
  const limit = spelled(inner, 'maxOutputTokens', 'max_output_tokens')
  const asked = readField(inner, limit)
  if (asked !== null && asked !== undefined && Number(asked) <= most) return []
  const { start, end, text } = setField(inner, limit, String(most))
  return [{ start: config.valueStart + start, end: config.valueStart + end, text }]
}
