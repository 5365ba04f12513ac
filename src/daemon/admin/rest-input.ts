import { z } from 'zod'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Operation } from '../../core/kernel/operation.ts'

interface Parts {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

type Fields = Readonly<Record<string, unknown>>
type JsonSchema = z.core.JSONSchema.BaseSchema

export const inputSchemaOf = (operation: Operation): JsonSchema =>
  z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' })

export const outputSchemaOf = (operation: Operation): JsonSchema =>
  z.toJSONSchema(operation.output, { io: 'output', unrepresentable: 'any' })

/** Gathers the input of an operation from a REST request: path, then query for GET and DELETE, then body. Validation is the runner's; here only texts of a query become numbers and flags where the schema wants them. */
export const createRestInput = (operation: Operation): ((parts: Parts) => Fields) => {
  const fromQuery = operation.method === 'GET' || operation.method === 'DELETE'
  const properties = fromQuery ? (inputSchemaOf(operation).properties ?? {}) : {}
  const typeOf = (name: string): unknown => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined
    return typeof property === 'object' ? property.type : undefined
  }

  return ({ params, query, body }) => {
    const path = asFields(params)
    const input: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    const take = (fields: Fields, read: (name: string, value: unknown) => unknown): void => {
      for (const [name, value] of Object.entries(fields)) {
        if (Object.hasOwn(path, name)) throw refuse(name, 'This field is given by the path.')
        if (Object.hasOwn(input, name)) throw refuse(name, 'This field is given twice.')
        input[name] = read(name, value)
      }
    }
    if (fromQuery) take(asFields(query), (name, value) => fromText(typeOf(name), value))
    else if (Object.keys(asFields(query)).length > 0) {
      throw refuse(Object.keys(asFields(query))[0]!, 'Send fields of this operation in the body, not in the query.')
    }
    take(asFields(body), (_name, value) => value)
    return { ...path, ...input }
  }
}

const asFields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

const refuse = (name: string, message: string): GatewayError => {
  const path = name.slice(0, 100)
  return new GatewayError('invalid_request', `${path}: ${message}`, { param: path, fields: [{ path, message }] })
}

const fromText = (type: unknown, value: unknown): unknown => {
  if (type === 'array') return Array.isArray(value) ? value : [value]
  if (typeof value !== 'string') return value
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d{1,9})?$/.test(value)) return Number(value)
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}
