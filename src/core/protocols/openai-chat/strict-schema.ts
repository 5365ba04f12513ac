import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** Whether OpenAI takes a schema in strict mode: every object closed, every property required, at every depth. */
export const fitsStrict = (schema: JsonObject): boolean => {
  const properties = schema['properties']
  if (isObject(properties) || schema['type'] === 'object') {
    const names = Object.keys(isObject(properties) ? properties : {})
    const required = Array.isArray(schema['required']) ? schema['required'] : []
    if (schema['additionalProperties'] !== false || !names.every((name) => required.includes(name))) return false
  }
  return Object.values(schema).every(fits)
}

const fits = (value: JsonValue): boolean => {
  if (Array.isArray(value)) return value.every(fits)
  if (!isObject(value)) return true
  // A map of schemas (properties, $defs) is no schema itself, but its values are.
  return 'type' in value || '$ref' in value ? fitsStrict(value) : Object.values(value).every(fits)
}
