import { GatewayError } from '../../kernel/errors.ts'
import type { CacheMark, Extensions, JsonObject, JsonValue } from '../neutral/index.ts'

/** Readers of a client's body that name the place of what is wrong. `null` counts as absent wherever a field is optional: the SDKs' types allow it. */
export const refuse = (path: string, why: string): never => {
  throw new GatewayError('invalid_request', `${path}: ${why}`, { param: path })
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const object = (value: JsonValue | undefined, path: string): JsonObject =>
  isObject(value) ? value : refuse(path, 'must be an object.')

export const array = (value: JsonValue | undefined, path: string): JsonValue[] =>
  Array.isArray(value) ? value : refuse(path, 'must be an array.')

export const string = (value: JsonValue | undefined, path: string): string =>
  typeof value === 'string' ? value : refuse(path, 'must be a string.')

export const filled = (value: JsonValue | undefined, path: string): string =>
  typeof value === 'string' && value !== '' ? value : refuse(path, 'must be a string that is not empty.')

export const number = (value: JsonValue | undefined, path: string, least: number, most: number): number =>
  typeof value === 'number' && value >= least && value <= most
    ? value
    : refuse(path, `must be a number from ${least} to ${most}.`)

export const wholeNumber = (value: JsonValue | undefined, path: string, least: number): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least
    ? value
    : refuse(path, `must be a whole number of at least ${least}.`)

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

export const cacheMark = (value: JsonValue | undefined, path: string): CacheMark | undefined =>
  optional(value, path, (given) => {
    const mark = object(given, path)
    oneOf(mark['type'], `${path}.type`, ['ephemeral'])
    const ttl = optional(mark['ttl'], `${path}.ttl`, (name, at) => oneOf(name, at, ['5m', '1h']))
    return ttl ? { ttl } : {}
  })

/** What the neutral form has no place for, kept under this protocol's name so that the way back restores it. */
export const leftover = (source: JsonObject, known: ReadonlySet<string>): Extensions | undefined => {
  let extra: JsonObject | undefined
  for (const [key, value] of Object.entries(source)) {
    if (!known.has(key) && value !== null) (extra ??= {})[key] = value
  }
  return extra && { 'anthropic-messages': extra }
}

/** Leaves out keys whose value is undefined, so that absent stays absent. */
export const compact = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } => {
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) result[key] = value
  return result as { [K in keyof T]: Exclude<T[K], undefined> }
}
