import { readField, type ScannedObject } from './json-scan.ts'
import type { JsonValue } from './neutral/index.ts'
import { refuse } from './read.ts'

const maxModelLength = 256
const isControl = /\p{Cc}/u

/** A top-level value of a scanned body; null counts as absent. */
export const inspectField = (scanned: ScannedObject, field: string): JsonValue | undefined =>
  (readField(scanned, field) as JsonValue | undefined) ?? undefined

/** The model that OpenAI's clients name in the body. Throws `invalid_request`. */
export const inspectModel = (scanned: ScannedObject): string => {
  const model = inspectField(scanned, 'model')
  if (model === undefined) return refuse('model', 'is required.')
  if (typeof model !== 'string' || model === '' || model.length > maxModelLength || isControl.test(model)) {
    return refuse('model', `must be a name of 1 to ${maxModelLength} characters without control characters.`)
  }
  return model
}
