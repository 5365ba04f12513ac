import { isJson, list, object } from './prompt.ts'
import type { Json } from './prompt.ts'

const maxDepth = 8

/** A value that matches a JSON Schema of the usual kind; `words` fills its strings. The same schema and words give the same value. */
export const sample = (schema: Json, words: string): unknown => valueOf(schema, words, schema, 0)

const valueOf = (schema: Json, words: string, root: Json, depth: number): unknown => {
  if (depth > maxDepth) return null
  if (typeof schema['$ref'] === 'string') return valueOf(resolve(schema['$ref'], root), words, root, depth + 1)
  if ('const' in schema) return schema['const']
  if (list(schema['enum']).length > 0) return list(schema['enum'])[0]
  if ('default' in schema) return schema['default']
  const [option] = [...list(schema['anyOf']), ...list(schema['oneOf']), ...list(schema['allOf'])]
  if (isJson(option)) return valueOf(option, words, root, depth + 1)
  switch (typeOf(schema)) {
    case 'object': {
      const entries = Object.entries(object(schema['properties'])).map(
        ([name, field]) => [name, valueOf(object(field), words, root, depth + 1)] as const,
      )
      return Object.fromEntries(entries)
    }
    case 'array':
      return Array.from({ length: Math.max(1, bound(schema['minItems'], 1)) }, () =>
        valueOf(object(schema['items']), words, root, depth + 1),
      )
    case 'integer':
    case 'number':
      return bound(schema['minimum'], Math.min(1, bound(schema['maximum'], 1)))
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return text(schema, words)
  }
}

const typeOf = (schema: Json): unknown => {
  const { type } = schema
  if (Array.isArray(type)) return type[0]
  return type ?? ('properties' in schema ? 'object' : 'items' in schema ? 'array' : 'string')
}

const bound = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise)

const formats: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T12:00:00Z',
  time: '12:00:00Z',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

const text = (schema: Json, words: string): string => {
  const format = typeof schema['format'] === 'string' ? formats[schema['format']] : undefined
  return (
    format ?? words.slice(0, bound(schema['maxLength'], 60)).toWellFormed().padEnd(bound(schema['minLength'], 0), '.')
  )
}

const resolve = (reference: string, root: Json): Json => {
  let found: unknown = root
  for (const step of reference.replace(/^#\/?/, '').split('/')) if (step !== '') found = object(found)[step]
  return object(found)
}
