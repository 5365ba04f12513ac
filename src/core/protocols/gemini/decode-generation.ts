import type { JsonObject, JsonValue, NeutralRequest, OutputFormat, Reasoning } from '../neutral/index.ts'
import { array, boolean, compact, filled, number, object, optional, refuse, string, wholeNumber } from '../read.ts'
import { leftover, numeric, oneOfNames } from './read.ts'
import { toJsonSchema } from './schema-dialect.ts'

const known = new Set([
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'stopSequences',
  'candidateCount',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'responseLogprobs',
  'logprobs',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'responseModalities',
  'thinkingConfig',
])
const thinkingFields = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel'])
const levels = ['THINKING_LEVEL_UNSPECIFIED', 'MINIMAL', 'LOW', 'MEDIUM', 'HIGH'] as const

type Generation = Pick<
  NeutralRequest,
  | 'maxTokens'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'stop'
  | 'choices'
  | 'seed'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'logprobs'
  | 'format'
  | 'reasoning'
>

/** `generationConfig`. `extra`: what the neutral form has no place for, under its path. */
export const decodeGeneration = (
  value: JsonValue | undefined,
): { readonly generation: Generation; readonly extra: JsonObject } => {
  const at = 'generationConfig'
  const config = optional(value, at, object) ?? {}
  const read = <T>(field: string, reader: (value: JsonValue, path: string) => T): T | undefined =>
    optional(config[field], `${at}.${field}`, (given, path) => reader(given, path))
  const between = (least: number, most: number) => (given: JsonValue, path: string) =>
    number(numeric(given), path, least, most)
  const whole = (least: number) => (given: JsonValue, path: string) => wholeNumber(numeric(given), path, least)
  const extra: JsonObject = {}
  for (const [field, left] of Object.entries(leftover(config, known)?.gemini ?? {})) extra[`${at}.${field}`] = left
  const generation = compact({
    maxTokens: read('maxOutputTokens', whole(1)),
    temperature: read('temperature', between(0, 2)),
    topP: read('topP', between(0, 1)),
    topK: read('topK', whole(0)),
    stop: read('stopSequences', (list, path) =>
      array(list, path).map((text, index) => filled(text, `${path}[${index}]`)),
    ),
    choices: read('candidateCount', whole(1)),
    seed: read('seed', whole(Number.MIN_SAFE_INTEGER)),
    presencePenalty: read('presencePenalty', between(-2, 2)),
    frequencyPenalty: read('frequencyPenalty', between(-2, 2)),
    logprobs: read('responseLogprobs', boolean) === true ? compact({ top: read('logprobs', whole(0)) }) : undefined,
    format: decodeFormat(config, extra),
    reasoning: read('thinkingConfig', (given, path) => decodeThinking(object(given, path), path, extra)),
  })
  read('responseModalities', (list, path) => keepModalities(array(list, path), path, extra))
  return { generation, extra }
}

/** Text alone is what is answered anyway. */
const keepModalities = (list: JsonValue[], path: string, extra: JsonObject): void => {
  const names = list.map((name, index) => string(name, `${path}[${index}]`).toUpperCase())
  if (names.some((name) => name !== 'TEXT' && name !== 'MODALITY_UNSPECIFIED')) extra[path] = list
}

/** JSON with a schema in either dialect, JSON without one, or text. Other media types (`text/x.enum`) are Gemini's alone. */
const decodeFormat = (config: JsonObject, extra: JsonObject): OutputFormat | undefined => {
  const at = 'generationConfig'
  const type = optional(config['responseMimeType'], `${at}.responseMimeType`, string)
  const dialect = optional(config['responseSchema'], `${at}.responseSchema`, object)
  const plain = optional(config['responseJsonSchema'], `${at}.responseJsonSchema`, object)
  if (type !== undefined && type !== '' && type !== 'application/json' && type !== 'text/plain') {
    extra[`${at}.responseMimeType`] = type
    if (dialect) extra[`${at}.responseSchema`] = dialect
    if (plain) extra[`${at}.responseJsonSchema`] = plain
    return undefined
  }
  if (type !== 'application/json' && (dialect ?? plain))
    refuse(`${at}.responseMimeType`, 'must be "application/json" where a schema is given.')
  if (type !== 'application/json') return type === 'text/plain' ? { type: 'text' } : undefined
  const schema = plain ?? (dialect && toJsonSchema(dialect, { closed: true }))
  const path = `${at}.${plain ? 'responseJsonSchema' : 'responseSchema'}`
  return schema ? { type: 'schema', schema, path } : { type: 'json' }
}

/** A budget of 0 is off, one of -1 the model's own choice. */
const decodeThinking = (config: JsonObject, path: string, extra: JsonObject): Reasoning | undefined => {
  for (const [field, left] of Object.entries(leftover(config, thinkingFields)?.gemini ?? {}))
    extra[`${path}.${field}`] = left
  const budget = optional(config['thinkingBudget'], `${path}.thinkingBudget`, (value, at) =>
    wholeNumber(numeric(value), at, -1),
  )
  const level = optional(config['thinkingLevel'], `${path}.thinkingLevel`, (value, at) => oneOfNames(value, at, levels))
  const shown = optional(config['includeThoughts'], `${path}.includeThoughts`, boolean)
  const reasoning = compact({
    effort: level && effortOf[level],
    budgetTokens: budget !== undefined && budget > 0 ? budget : undefined,
    mode: budget === undefined ? undefined : modeOf(budget),
    display: shown === undefined ? undefined : shown ? ('summarized' as const) : ('omitted' as const),
  })
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

const modeOf = (budget: number): Reasoning['mode'] => {
  if (budget === 0) return 'off'
  return budget < 0 ? 'adaptive' : 'on'
}

const effortOf = {
  THINKING_LEVEL_UNSPECIFIED: undefined,
  MINIMAL: 'minimal',
  LOW: 'low',
  MEDIUM: 'medium',
  HIGH: 'high',
} as const
