import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonObject, JsonValue } from '../../src/core/protocols/neutral/index.ts'
import { isObject } from '../../src/core/protocols/read.ts'

/**
 * OpenAI's own description of its API (openai/openai-openapi, MIT). It lies beside the repository like the recordings; what reads it is skipped where it is absent. It does
 * not describe all of OpenAI's own traffic, so it is amended; what we send has to pass with these amendments only.
 */
const file = join(import.meta.dirname, '../../../shared/openapi/openai-openapi.json')

export const descriptionPresent = existsSync(file)

/** Keywords that are no JSON Schema, or that Ajv reads in another way. */
const dropped = new Set(['discriminator', '$recursiveAnchor', 'nullable', 'example', 'examples', 'default'])

/** The description as JSON Schema: `nullable` (also of a choice of values) as a type, and nothing that no validator knows. */
const asSchema = (value: JsonValue): JsonValue => {
  if (Array.isArray(value)) return value.map(asSchema)
  if (!isObject(value)) return value
  const schema = Object.fromEntries(
    Object.entries(value)
      .filter(
        ([key, inner]) => !key.startsWith('x-') && !(dropped.has(key) && !isObject(inner)) && key !== 'discriminator',
      )
      .map(([key, inner]) => [key, asSchema(inner)]),
  )
  if (value['nullable'] !== true) return schema
  if (Array.isArray(schema['enum'])) schema['enum'] = [...schema['enum'], null]
  return { anyOf: [schema, { type: 'null' }] }
}

/** Fields that are null in OpenAI's own answers where the description knows only absence. */
const mayBeNull: Readonly<Record<string, readonly string[]>> = {
  CreateChatCompletionResponse: ['system_fingerprint'],
  CreateChatCompletionStreamResponse: ['system_fingerprint', 'usage'],
  ModelResponseProperties: ['user', 'safety_identifier', 'prompt_cache_key'],
  TextResponseFormatJsonSchema: ['description', 'strict'],
}

const schemaOfCustomChunk: JsonObject = {
  type: 'object',
  properties: {
    index: { type: 'integer' },
    id: { type: 'string' },
    type: { const: 'custom' },
    custom: { type: 'object', properties: { name: { type: 'string' }, input: { type: 'string' } } },
  },
  required: ['index', 'custom'],
}

const amend = (schemas: JsonObject): void => {
  const allowNull = (properties: JsonValue | undefined, field: string): void => {
    if (isObject(properties) && properties[field] !== undefined)
      properties[field] = { anyOf: [properties[field], { type: 'null' }] }
  }
  for (const [name, fields] of Object.entries(mayBeNull)) {
    const schema = schemas[name]
    if (isObject(schema)) for (const field of fields) allowNull(schema['properties'], field)
  }
  // Usage is null until the answer has ended.
  const response = schemas['Response']
  if (isObject(response) && Array.isArray(response['allOf']))
    for (const part of response['allOf']) if (isObject(part)) allowNull(part['properties'], 'usage')
  // The API streams calls of free-text tools too; the description only knows them whole.
  schemas['ChatCompletionMessageToolCallChunk'] = {
    anyOf: [schemas['ChatCompletionMessageToolCallChunk'] ?? {}, schemaOfCustomChunk],
  }
  // A message with parts is one in short as well as one in full.
  const item = schemas['InputItem']
  if (isObject(item) && item['oneOf'] !== undefined) {
    item['anyOf'] = item['oneOf']
    delete item['oneOf']
  }
  // Real codes are more than the list: insufficient_quota.
  schemas['ResponseErrorCode'] = { type: 'string' }
}

const load = (): Ajv2020 => {
  const document = JSON.parse(readFileSync(file, 'utf8')) as JsonObject
  const components = isObject(document['components']) ? document['components'] : {}
  const schemas = asSchema(components['schemas'] ?? {})
  if (!isObject(schemas)) throw new Error('The description has no schemas.')
  amend(schemas)
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false })
  ajv.addSchema({ $id: 'openai', components: { schemas } })
  return ajv
}

let loaded: Ajv2020 | undefined

/** What is wrong with `value` as the description's `schema`, in a few words; '' when nothing is. */
export const mismatch = (schema: string, value: unknown): string => {
  loaded ??= load()
  const validate = loaded.getSchema(`openai#/components/schemas/${schema}`)
  if (!validate) throw new Error(`The description has no ${schema}.`)
  if (validate(value) === true) return ''
  return (validate.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .slice(-6)
    .join('\n')
}

/** What is wrong with an event of a Responses stream, by the schema of its own type: a mismatch of the union of all would not say where. */
export const eventMismatch = (event: JsonObject): string => {
  const type = event['type']
  if (typeof type !== 'string') return 'no type'
  return mismatch(eventSchemas[type] ?? 'ResponseStreamEvent', event)
}

const eventSchemas: Readonly<Record<string, string>> = {
  error: 'ResponseErrorEvent',
  'response.created': 'ResponseCreatedEvent',
  'response.in_progress': 'ResponseInProgressEvent',
  'response.completed': 'ResponseCompletedEvent',
  'response.incomplete': 'ResponseIncompleteEvent',
  'response.failed': 'ResponseFailedEvent',
  'response.output_item.added': 'ResponseOutputItemAddedEvent',
  'response.output_item.done': 'ResponseOutputItemDoneEvent',
  'response.content_part.added': 'ResponseContentPartAddedEvent',
  'response.content_part.done': 'ResponseContentPartDoneEvent',
  'response.output_text.delta': 'ResponseTextDeltaEvent',
  'response.output_text.done': 'ResponseTextDoneEvent',
}
