import { GatewayError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from './neutral/index.ts'
import { numberIn } from './parse-json.ts'

/** Readers of a client's body that name the place of what is wrong. `null` counts as absent wherever a field is optional: the SDKs' types allow it. */
export const refuse = (path: string, why: string): never => {
  throw new GatewayError('invalid_request', `${path}: ${why}`, { param: path })
}

/** For what is valid in its protocol but not served on the way to another one. */
export const notServed = (path: string, why: string): never => {
  throw new GatewayError('unsupported_parameter', `${path}: ${why}.`, { param: path })
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)

export const object = (value: JsonValue | undefined, path: string): JsonObject =>
  isObject(value) ? value : refuse(path, 'must be an object.')

export const array = (value: JsonValue | undefined, path: string): JsonValue[] =>
  Array.isArray(value) ? value : refuse(path, 'must be an array.')

export const string = (value: JsonValue | undefined, path: string): string =>
  typeof value === 'string' ? value : refuse(path, 'must be a string.')

export const filled = (value: JsonValue | undefined, path: string): string =>
  typeof value === 'string' && value !== '' ? value : refuse(path, 'must be a string that is not empty.')

export const number = (given: JsonValue | undefined, path: string, least: number, most: number): number => {
  const value = numberIn(given)
  if (value !== undefined && Number.isFinite(value) && value >= least && value <= most) return value
  return refuse(path, `must be a number from ${least} to ${most}.`)
}

export const wholeNumber = (given: JsonValue | undefined, path: string, least: number): number => {
  const value = numberIn(given)
  if (value !== undefined && Number.isSafeInteger(value) && value >= least) return value
  return refuse(path, `must be a whole number of at least ${least}.`)
}

export const boolean = (value: JsonValue | undefined, path: string): boolean =>
  typeof value === 'boolean' ? value : refuse(path, 'must be true or false.')

export const oneOf = <const T extends string>(value: JsonValue | undefined, path: string, known: readonly T[]): T =>
  known.includes(value as T)
    ? (value as T)
    : refuse(path, `must be one of ${known.map((name) => `"${name}"`).join(', ')}.`)

/** `read(value)` when the field is there, else undefined. */
export const optional = <T>(
  value: JsonValue | undefined,
  path: string,
  read: (value: JsonValue, path: string) => T,
): T | undefined => (value === undefined || value === null ? undefined : read(value, path))

/** Leaves out keys whose value is undefined, so that absent stays absent. `fields` itself when there are none: it must be the caller's own. */
export const compact = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } => {
  for (const key in fields) if (fields[key] === undefined) return defined(fields)
  return fields as { [K in keyof T]: Exclude<T[K], undefined> }
}

const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } => {
  const result: { [K in keyof T]?: T[K] } = {}
  for (const key in fields) if (fields[key] !== undefined) result[key] = fields[key]
  return result as { [K in keyof T]: Exclude<T[K], undefined> }
}

/** The fields of `source` that are neither known nor null; undefined when there are none. */
export const rest = (source: JsonObject, known: ReadonlySet<string>): JsonObject | undefined => {
  for (const key in source) if (source[key] !== null && !known.has(key)) return others(source, known)
  return undefined
}

const others = (source: JsonObject, known: ReadonlySet<string>): JsonObject =>
  Object.fromEntries(Object.entries(source).filter(([key, value]) => value !== null && !known.has(key)))
