import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { camel } from './camel-case.ts'

/** Names of JSON Schema by those of Gemini's Schema message that differ; null for what JSON Schema has no use for. */
const renamed: Readonly<Record<string, string | null>> = {
  defs: '$defs',
  ref: '$ref',
  propertyOrdering: null,
  nullable: null,
  example: null,
}
const counts = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'])
const types = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null'])

export interface SchemaOptions {
  /** Says of objects with named properties that they have no others, as providers with strict answers demand and this dialect cannot say. */
  readonly closed?: boolean
}

/**
 * Gemini's Schema (`parameters`, `responseSchema`: an OpenAPI subset with upper-case types, `nullable`, counts as strings) as JSON Schema. What already is JSON
 * Schema comes out as it went in.
 */
export const toJsonSchema = (schema: JsonObject, options: SchemaOptions = {}): JsonObject => {
  const result: JsonObject = {}
  for (const [given, value] of Object.entries(schema)) {
    const key = given.includes('_') ? camel(given) : given
    const name = Object.hasOwn(renamed, key) ? renamed[key] : key
    if (name === null || name === undefined) continue
    const read = readKeyword(key, value, options)
    if (read !== undefined) result[name] = read
  }
  const order = schema['propertyOrdering'] ?? schema['property_ordering']
  if (Array.isArray(order) && isObject(result['properties']))
    result['properties'] = inOrder(result['properties'], order)
  if (schema['nullable'] === true) allowNull(result)
  if (options.closed && result['type'] === 'object' && isObject(result['properties']))
    result['additionalProperties'] ??= false
  return result
}

/** Other models answer in the order in which the schema names the properties. */
const inOrder = (properties: JsonObject, order: readonly JsonValue[]): JsonObject => {
  const first = order.filter((name) => typeof name === 'string').filter((name) => Object.hasOwn(properties, name))
  return Object.fromEntries(
    [...new Set([...first, ...Object.keys(properties)])].map((name) => [name, properties[name]!]),
  )
}

const readKeyword = (key: string, value: JsonValue, options: SchemaOptions): JsonValue | undefined => {
  switch (key) {
    case 'type':
      return readType(value)
    case 'format':
      // Marks an enumeration, which `enum` says already.
      return value === 'enum' ? undefined : value
    case 'properties':
    case 'defs':
    case '$defs':
      return isObject(value)
        ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, schemaOr(inner, options)]))
        : value
    case 'items':
    case 'additionalProperties':
      return schemaOr(value, options)
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      return Array.isArray(value) ? value.map((inner) => schemaOr(inner, options)) : value
    default:
      return counts.has(key) && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  }
}

const schemaOr = (value: JsonValue, options: SchemaOptions): JsonValue =>
  isObject(value) ? toJsonSchema(value, options) : value

/** `TYPE_UNSPECIFIED` says nothing. */
const readType = (value: JsonValue): JsonValue | undefined => {
  if (typeof value !== 'string') return value
  const lower = value.toLowerCase()
  if (lower === 'type_unspecified') return undefined
  return types.has(lower) ? lower : value
}

const allowNull = (schema: JsonObject): void => {
  if (typeof schema['type'] === 'string' && schema['type'] !== 'null') schema['type'] = [schema['type'], 'null']
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(null)) schema['enum'] = [...schema['enum'], null]
  if (Array.isArray(schema['anyOf'])) schema['anyOf'] = [...schema['anyOf'], { type: 'null' }]
}
