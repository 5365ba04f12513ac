import type { z } from 'zod'
import { GatewayError } from './errors.ts'
import type { FieldError } from './errors.ts'

const most = 20
const unknownField = 'This field is unknown.'

/** Dotted path of a field: `targets[0].provider`. */
const pathOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = String(part).slice(0, 100)
    return text === '' ? name : `${text}.${name}`
  }, '')

/** Where an object has an own key `__proto__`, which schemas drop without a word; null when nowhere. */
const protoKey = (value: unknown, path = ''): string | null => {
  if (typeof value !== 'object' || value === null) return null
  for (const [key, item] of Object.entries(value)) {
    const at = pathOf([...(path === '' ? [] : [path]), Array.isArray(value) ? Number(key) : key])
    if (key === '__proto__') return at
    const inside = protoKey(item, at)
    if (inside !== null) return inside
  }
  return null
}

/** What a schema has against a value, field by field. Unknown fields are named one by one. */
const fieldErrors = (error: z.ZodError): FieldError[] =>
  error.issues
    .flatMap((issue): FieldError[] => {
      if (issue.code !== 'unrecognized_keys') return [{ path: pathOf(issue.path), message: issue.message }]
      return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: unknownField }))
    })
    .slice(0, most)

/** The value as the schema reads it. Throws `invalid_request` with every wrong field; unknown ones are wrong where the schema is strict. */
export const validate = <Value>(schema: z.ZodType<Value>, input: unknown): Value => {
  const result = schema.safeParse(input)
  const dropped = protoKey(input)
  if (result.success && dropped === null) return result.data
  const fields = result.success ? [{ path: dropped ?? '', message: unknownField }] : fieldErrors(result.error)
  const first = fields[0]!
  throw new GatewayError('invalid_request', first.path === '' ? first.message : `${first.path}: ${first.message}`, {
    fields,
    ...(first.path !== '' && { param: first.path }),
  })
}
