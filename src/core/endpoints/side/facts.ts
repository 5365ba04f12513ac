import { refuseForbiddenFields } from '../../protocols/forbidden-fields.ts'
import { readField, scanObject, type ScannedObject } from '../../protocols/json-scan.ts'
import type { JsonValue } from '../../protocols/neutral/index.ts'
import type { Place, RequestFacts } from '../../protocols/protocol.ts'
import { refuse } from '../../protocols/read.ts'

const maxModelLength = 256
const isControl = /\p{Cc}/u

/** The scanned body of a side endpoint: no forbidden field is in it. */
export const scanBody = (body: Buffer, words: readonly string[] = []): ScannedObject => {
  const scanned = scanObject(body, words)
  refuseForbiddenFields(scanned)
  return scanned
}

/** A top-level value; null counts as absent. */
export const valueOf = (scanned: ScannedObject, field: string): JsonValue | undefined =>
  (readField(scanned, field) as JsonValue | undefined) ?? undefined

/** The model's name, of the body or of the path (Azure's clients, Gemini's). */
export const modelOf = (scanned: ScannedObject, place: Place): string => {
  const model = valueOf(scanned, 'model') ?? place.model
  if (model === undefined) return refuse('model', 'is required.')
  if (typeof model !== 'string' || model === '' || model.length > maxModelLength || isControl.test(model))
    return refuse('model', `must be a name of 1 to ${maxModelLength} characters without control characters.`)
  return model
}

export const streamOf = (scanned: ScannedObject): boolean => {
  const stream = valueOf(scanned, 'stream') ?? false
  return typeof stream === 'boolean' ? stream : refuse('stream', 'must be true or false.')
}

/** A whole number of at least `least`; undefined when absent. */
export const wholeOf = (scanned: ScannedObject, field: string, least: number, most: number): number | undefined => {
  const value = valueOf(scanned, field)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  return refuse(field, `must be a whole number from ${least} to ${most}.`)
}

/** A text that must be there. */
export const textOf = (scanned: ScannedObject, field: string): string => {
  const value = valueOf(scanned, field)
  if (value === undefined) return refuse(field, 'is required.')
  return typeof value === 'string' && value !== '' ? value : refuse(field, 'must be a string that is not empty.')
}

/** Facts of a request that is answered at once and generates nothing; `more` says what is different. */
export const sideFacts = (
  scanned: ScannedObject,
  place: Place,
  more: Partial<Omit<RequestFacts, 'scanned' | 'model'>> = {},
): RequestFacts => ({
  scanned,
  model: modelOf(scanned, place),
  stream: false,
  includeUsage: true,
  choices: 1,
  remoteParts: 0,
  maxTokens: 0,
  ...more,
})
