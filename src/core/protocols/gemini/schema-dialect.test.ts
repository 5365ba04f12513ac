import { expect, test } from 'vitest'
import type { JsonObject } from '../neutral/index.ts'
import { toJsonSchema } from './schema-dialect.ts'

test.each<[string, JsonObject, JsonObject]>([
  [
    'types are lower case',
    { type: 'OBJECT', properties: { A: { type: 'STRING' } } },
    { type: 'object', properties: { A: { type: 'string' } } },
  ],
  ['null is a type', { type: 'STRING', nullable: true, enum: ['a'] }, { type: ['string', 'null'], enum: ['a', null] }],
  [
    'null is one of several schemas',
    { anyOf: [{ type: 'INTEGER' }], nullable: true },
    { anyOf: [{ type: 'integer' }, { type: 'null' }] },
  ],
  [
    'counts are numbers',
    { type: 'ARRAY', minItems: '1', max_items: '2', items: { type: 'NUMBER' } },
    { type: 'array', minItems: 1, maxItems: 2, items: { type: 'number' } },
  ],
  [
    'what only Gemini uses is left out',
    { type: 'STRING', format: 'enum', enum: ['a'], propertyOrdering: ['x'], example: 1 },
    { type: 'string', enum: ['a'] },
  ],
  [
    'names of properties are no keywords',
    {
      type: 'OBJECT',
      properties: { type: { type: 'STRING' }, any_of: { type: 'STRING' }, nullable: { type: 'BOOLEAN' } },
    },
    {
      type: 'object',
      properties: { type: { type: 'string' }, any_of: { type: 'string' }, nullable: { type: 'boolean' } },
    },
  ],
  [
    'references',
    { ref: '#/$defs/a', defs: { a: { type: 'NULL' } } },
    { $ref: '#/$defs/a', $defs: { a: { type: 'null' } } },
  ],
])('%s', (_, given, expected) => {
  expect(toJsonSchema(given)).toEqual(expected)
})

test('JSON Schema comes out as it went in', () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { a: { type: ['string', 'null'], format: 'date', default: 'x' }, b: { oneOf: [{ const: 1 }] } },
    required: ['a'],
    additionalProperties: { type: 'string' },
  }
  expect(toJsonSchema(schema)).toEqual(schema)
})

test('objects of an answer are closed, which the dialect cannot say', () => {
  const given = { type: 'OBJECT', properties: { a: { type: 'OBJECT', properties: {} }, b: { type: 'OBJECT' } } }
  expect(toJsonSchema(given, { closed: true })).toEqual({
    type: 'object',
    additionalProperties: false,
    properties: { a: { type: 'object', properties: {}, additionalProperties: false }, b: { type: 'object' } },
  })
})
