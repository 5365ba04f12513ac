import { z } from 'zod'
import { operations } from '../../src/core/operations.ts'
import type { Operation } from '../../src/core/kernel/operation.ts'
import { code, table } from './page.ts'
import type { Page } from './page.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
  readonly default?: unknown
  readonly description?: string
}

/** A schema in one line, as people write types. */
const typeText = (schema: Schema): string => {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(' or ')
  if (Array.isArray(schema.type)) return schema.type.join(' or ')
  if (schema.type === 'array') return `list of ${schema.items ? typeText(schema.items) : 'anything'}`
  if (schema.type === 'object') {
    const names = Object.keys(schema.properties ?? {})
    if (names.length > 0)
      return `{ ${names.map((name) => (schema.required?.includes(name) ? name : `${name}?`)).join(', ')} }`
    return 'object'
  }
  return schema.format ?? (schema.type as string | undefined) ?? 'JSON'
}

const schemaOf = (type: z.ZodType, io: 'input' | 'output'): Schema =>
  z.toJSONSchema(type, { io, unrepresentable: 'any' }) as Schema

/** Nested objects get lines of their own: `prices.input`. */
const fields = (schema: Schema, prefix = ''): string[][] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const more = [
      field.description ?? '',
      field.default === undefined ? '' : `Default ${code(JSON.stringify(field.default))}.`,
    ]
    const row = [
      code(prefix + name),
      typeText(field),
      schema.required?.includes(name) ? 'yes' : '',
      more.filter((text) => text !== '').join(' '),
    ]
    if (field.properties) return [row, ...fields(field, `${prefix}${name}.`)]
    if (field.items?.properties) return [row, ...fields(field.items, `${prefix}${name}[].`)]
    return [row]
  })

const answerText = (operation: Operation): string => {
  const schema = schemaOf(operation.output, 'output')
  const page = schema.properties?.['data']?.items
  return page ? `Answer: a page of ${typeText(page)}` : `Answer: ${typeText(schema)}`
}

const section = (operation: Operation): string => {
  const rows = fields(schemaOf(operation.input, 'input'))
  const notes = [
    `Role: ${operation.role}.`,
    operation.money ? 'Needs an `Idempotency-Key`.' : '',
    operation.audit === undefined ? '' : `Audited as ${code(operation.audit)}.`,
  ]
  return `### ${operation.id}

${code(`${operation.method} /api/admin${operation.path}`)}

${operation.summary.replace(/\.?$/, '.')} ${notes.filter((note) => note !== '').join(' ')}

${rows.length > 0 ? `${table(['field', 'type', 'required', ''], rows)}\n\n` : ''}${answerText(operation)}
`
}

/** Routes that are no operations. */
const beside = `## The first admin

\`POST /api/admin/bootstrap\`

The one route of the admin plane that needs no token. A gateway that nobody can administer over the network prints a code when it starts; this exchanges it for the first admin. A code works once,
for 24 hours, until the next start, and not after 20 wrong attempts. On the machine itself no code is needed: \`gateway tokens create\` makes a token. Audited as \`gateway.bootstrapped\`.

${table(
  ['field', 'type', 'required', ''],
  [
    ['`code`', 'string', 'yes', 'As printed: `tgboot-…`.'],
    ['`email`', 'string', 'yes', 'Address of the user that is made, with the role admin and without a password.'],
  ],
)}

Answer, with status 201: { user, token }. The token is shown this once. A code that does not work is 401 \`unauthenticated\`.

## About the gateway

| route | who | answer |
| --- | --- | --- |
| \`GET /health\`, \`GET /health/live\` | everybody | { status }: the process answers |
| \`GET /health/ready\` | everybody | { status, reason? }; 503 while it drains: new requests should go elsewhere |
| \`GET /api/system/info\` | admin token | { name, version, node } |
| \`GET /api/admin/operations\` | admin token | every operation of this page with its schemas, as data |
`

export const apiPage: Page = {
  file: 'api.md',
  async render() {
    const nouns = Map.groupBy(operations, ({ id }) => id.split('.')[0]!)
    const chapters = [...nouns].map(([noun, list]) => `## ${noun}\n\n${list.map(section).join('\n')}`)
    return `# Admin API

Every administrative act is an operation. It is served as the route named below and as \`POST /api/admin/operations/<id>\` with the whole input as one JSON object; the command line uses the same
operations. Fields that stand in the path as \`:name\` are part of the input. Unknown fields are refused.

Authentication: \`Authorization: Bearer <admin token>\` over HTTP (\`gateway tokens create\`), nothing on the local socket \`gateway.sock\`. Amounts and prices are decimal strings in credits, prices per
1 000 000 tokens; times are RFC 3339. Lists are \`{"data":[…],"next_cursor":…}\` and take \`limit\` and \`cursor\`; all but the
history of credits also take \`page\` and \`sort\`. Errors are \`application/problem+json\` ([errors](errors.md)).

${beside}
${chapters.join('\n')}`
  },
}
