import type { CacheMark, Extensions, JsonObject, JsonValue } from '../neutral/index.ts'
import { object, oneOf, optional, rest } from '../read.ts'

export {
  array,
  boolean,
  compact,
  filled,
  isObject,
  number,
  object,
  oneOf,
  optional,
  refuse,
  string,
  wholeNumber,
} from '../read.ts'

export const cacheMark = (value: JsonValue | undefined, path: string): CacheMark | undefined =>
  optional(value, path, (given) => {
    const mark = object(given, path)
    oneOf(mark['type'], `${path}.type`, ['ephemeral'])
    const ttl = optional(mark['ttl'], `${path}.ttl`, (name, at) => oneOf(name, at, ['5m', '1h']))
    return ttl ? { ttl } : {}
  })

/** What the neutral form has no place for, kept under this protocol's name so that the way back restores it. */
export const leftover = (source: JsonObject, known: ReadonlySet<string>): Extensions | undefined => {
  const extra = rest(source, known)
  return extra && { 'anthropic-messages': extra }
}
