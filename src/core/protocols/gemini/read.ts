import type { Extensions, JsonObject, JsonValue } from '../neutral/index.ts'
import { filled, refuse, rest } from '../read.ts'

/** The items of a repeated field with their paths. The API takes one item alone for a list of one. */
export const items = (value: JsonValue | undefined, path: string): readonly (readonly [JsonValue, string])[] => {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return [[value, path]]
  return value.map((item, index) => [item, `${path}[${index}]`])
}

/** A number, which proto3's JSON may also tell as a string. */
export const numeric = (value: JsonValue): JsonValue =>
  typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value

/** The name of an enumeration's value, with the prefix that some have taken off. The API reads any case. */
export const enumName = (value: JsonValue | undefined, path: string): string => filled(value, path).toUpperCase()

export const oneOfNames = <const T extends string>(
  value: JsonValue | undefined,
  path: string,
  known: readonly T[],
): T => {
  const name = enumName(value, path)
  return known.find((one) => one === name) ?? refuse(path, `must be one of ${known.join(', ')}.`)
}

/** What the neutral form has no place for, kept under this protocol's name so that the way back restores it. */
export const leftover = (source: JsonObject, known: ReadonlySet<string>): Extensions | undefined => {
  const extra = rest(source, known)
  return extra && { gemini: extra }
}
