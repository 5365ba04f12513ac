import { refuseForbiddenFields } from '../forbidden-fields.ts'
import { readField, scanObject, type ScannedObject } from '../json-scan.ts'
import type { JsonValue } from '../neutral/index.ts'
import type { Place, RequestFacts } from '../protocol.ts'
import { PromptScale } from '../prompt-scale.ts'
import { refuse } from '../read.ts'
import { countRemote, remoteKeys } from './remote-parts.ts'

const maxModelLength = 256
/** More than any model of Google's gives. */
const maxChoices = 128
const isControl = /\p{Cc}/u

/** What admission needs of a generateContent request: model and stream are told by its path, the rest by one scan of the top level. */
export const inspect = (body: Buffer, place: Place = {}): RequestFacts => {
  const prompt = new PromptScale()
  const scanned = scanObject(body, remoteKeys, undefined, prompt)
  refuseForbiddenFields(scanned)
  requireContents(scanned)
  const config = readGenerationConfig(scanned)
  const maxTokens = readWhole(config, 'maxOutputTokens', 'max_output_tokens', Number.MAX_SAFE_INTEGER)
  return {
    scanned,
    prompt,
    model: modelOf(place),
    stream: place.stream ?? false,
    includeUsage: true,
    choices: readWhole(config, 'candidateCount', 'candidate_count', maxChoices) ?? 1,
    ...countRemote(scanned),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

/** The model's name in the path, without the collection that clients may put in front of it. */
export const modelOf = (place: Place): string => {
  const model = (place.model ?? '').replace(/^(?:models|tunedModels)\//, '')
  if (model === '' || model.length > maxModelLength || isControl.test(model))
    return refuse('model', `must be a name of 1 to ${maxModelLength} characters without control characters.`)
  return model
}

/** The name under which the body holds a field of two spellings. */
export const spelled = ({ fields }: ScannedObject, camel: string, snake: string, within = ''): string => {
  if (!fields.has(snake)) return camel
  return fields.has(camel) ? refuse(within + camel, 'is given twice, in camelCase and in snake_case.') : snake
}

const readGenerationConfig = (scanned: ScannedObject): ScannedObject | undefined => {
  const name = spelled(scanned, 'generationConfig', 'generation_config')
  const field = scanned.fields.get(name)
  if (!field || scanned.bytes[field.valueStart] === 0x6e) return undefined
  if (scanned.bytes[field.valueStart] !== 0x7b) return refuse(name, 'must be an object.')
  return scanObject(scanned.bytes.subarray(field.valueStart, field.valueEnd))
}

/** Numbers may be told as strings, as proto3's JSON allows. */
const readWhole = (
  config: ScannedObject | undefined,
  camel: string,
  snake: string,
  most: number,
): number | undefined => {
  if (!config) return undefined
  const name = spelled(config, camel, snake, 'generationConfig.')
  const told = (readField(config, name) as JsonValue | undefined) ?? undefined
  if (told === undefined) return undefined
  const value = typeof told === 'string' && /^\d+$/.test(told) ? Number(told) : told
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  return refuse(`generationConfig.${name}`, `must be a whole number from 1 to ${most}.`)
}

/** A list of turns, or one turn alone, as Google's own examples have it. */
const requireContents = (scanned: ScannedObject): void => {
  const { bytes, fields } = scanned
  const field = fields.get('contents') ?? refuse('contents', 'is required.')
  if (bytes[field.valueStart] === 0x7b) return
  let at = field.valueStart + 1
  while (bytes[at]! <= 0x20) at++
  if (bytes[field.valueStart] !== 0x5b || bytes[at] === 0x5d)
    refuse('contents', 'must be an array with at least one content.')
}
