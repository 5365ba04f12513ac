import { GatewayError } from '../kernel/errors.ts'
import type { JsonObject, JsonValue } from '../protocols/neutral/index.ts'

/** Fields that are the request itself, or that decide where it goes and who is charged: never a default. */
const reserved = new Set(['model', 'messages', 'system', 'stream', 'stream_options', 'n'])
const fieldName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
const maxBytes = 16_384
const maxFields = 64
const maxDepth = 32

const wrong = (param: string, why: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${why}`, { param })

const checkFields = (what: 'defaults' | 'caps', object: JsonObject): void => {
  const names = Object.keys(object)
  if (names.length > maxFields) throw wrong(what, `holds more than ${maxFields} fields.`)
  for (const name of names)
    if (!fieldName.test(name)) throw wrong(what, `"${name.slice(0, 40)}" is not the name of a field.`)
}

const depth = (value: JsonValue, level = 1): number =>
  level > maxDepth || typeof value !== 'object' || value === null
    ? level
    : Object.values(value).reduce((deepest: number, inner) => Math.max(deepest, depth(inner, level + 1)), level)

/** JSON text of the defaults of a shadow model: values for fields that the client leaves out, in the client's protocol's names. Throws `invalid_request`. */
export const defaultsColumn = (defaults: JsonObject): string => {
  checkFields('defaults', defaults)
  for (const name of Object.keys(defaults))
    if (reserved.has(name)) throw wrong('defaults', `"${name}" belongs to the client.`)
  if (depth(defaults) > maxDepth) throw wrong('defaults', `is nested deeper than ${maxDepth} levels.`)
  const json = JSON.stringify(defaults)
  if (Buffer.byteLength(json) > maxBytes) throw wrong('defaults', `is larger than ${maxBytes} bytes.`)
  return json
}

/** JSON text of the caps of a shadow model: upper bounds of numeric fields. Throws `invalid_request`. */
export const capsColumn = (caps: Readonly<Record<string, number>>): string => {
  checkFields('caps', caps)
  for (const [name, bound] of Object.entries(caps)) {
    if (!Number.isFinite(bound) || bound < 0) throw wrong('caps', `"${name}" must be a number of zero or more.`)
    if (name.endsWith('tokens') && (!Number.isSafeInteger(bound) || bound < 1))
      throw wrong('caps', `"${name}" must be a whole number of one or more.`)
  }
  return JSON.stringify(caps)
}
