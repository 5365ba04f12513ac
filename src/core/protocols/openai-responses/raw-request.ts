import { readField, type ScannedObject, setField, splice } from '../json-scan.ts'
import type { RawEdits } from '../protocol.ts'

/** The client's bytes with the real model's name, defaults filled in, and the limit on output lowered if it must be. Usage is always told. */
export const rawRequest = (scanned: ScannedObject, edits: RawEdits): Buffer => {
  const cuts = [setField(scanned, 'model', JSON.stringify(edits.model))]
  for (const [field, value] of Object.entries(edits.defaults ?? {}))
    if (!scanned.fields.has(field)) cuts.push(setField(scanned, field, JSON.stringify(value)))
  const asked = readField(scanned, 'max_output_tokens')
  if (edits.maxTokens !== undefined && !(typeof asked === 'number' && asked <= edits.maxTokens))
    cuts.push(setField(scanned, 'max_output_tokens', String(edits.maxTokens)))
  return splice(scanned.bytes, cuts)
}
