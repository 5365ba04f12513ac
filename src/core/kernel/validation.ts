import type { z } from 'zod'
import type { FieldError } from './errors.ts'

const most = 20

/** Dotted path of a field: `targets[0].provider`. */
const pathOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const name = String(part).slice(0, 100)
    return text === '' ? name : `${text}.${name}`
  }, '')

/** What a schema has against a value, field by field. Unknown fields are named one by one. */
export const fieldErrors = (error: z.ZodError): FieldError[] =>
  error.issues
    .flatMap((issue): FieldError[] => {
      if (issue.code !== 'unrecognized_keys') return [{ path: pathOf(issue.path), message: issue.message }]
      return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'This field is unknown.' }))
    })
    .slice(0, most)
