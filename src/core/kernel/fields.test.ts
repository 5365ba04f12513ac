import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { GatewayError } from './errors.ts'
import { signedCreditsField, textField, timestampField } from './fields.ts'
import { validate } from './validation.ts'

const accepts = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success

test.each([
  ['2027-01-31T00:00:00Z', true],
  ['2027-01-31T00:00:00.123+14:00', true],
  ['2028-02-29T00:00:00Z', true],
  ['2027-02-29T00:00:00Z', false],
  ['2027-02-30T00:00:00Z', false],
  ['2027-01-31T23:59:60Z', false],
  ['2027-01-31T24:00:00Z', false],
  ['2027-13-01T00:00:00Z', false],
  ['2027-01-31T00:00:00', false],
  ['2027-01-31', false],
  ['1800000000', false],
  [1_800_000_000_000, false],
  ['', false],
])('a time is RFC 3339 with a zone and exists in the calendar: %j', (value, good) => {
  expect(accepts(timestampField, value)).toBe(good)
})

test.each([
  ['-3', true],
  ['+0.000000001', true],
  ['12.5', true],
  ['0', false],
  ['-0.00', false],
  ['+-1', false],
  ['1e3', false],
  ['0x10', false],
  ['.5', false],
  ['１', false],
])('a signed amount is a decimal string that is not zero: %j', (value, good) => {
  expect(accepts(signedCreditsField, value)).toBe(good)
})

test('a text is one visible line', () => {
  const text = textField(20)
  for (const good of ['Ada', 'Ада Лавлейс', '日本語', 'a 🙂 b', "'; drop table users"])
    expect(accepts(text, good)).toBe(true)
  for (const bad of ['', ' ', 'a\nb', 'a\0', '\u001b[31m', '\u202eevil', 'zero\u200bwidth', '\ud800', 'x'.repeat(21)]) {
    expect(accepts(text, bad), JSON.stringify(bad)).toBe(false)
  }
})

describe('validation', () => {
  const schema = z.strictObject({
    list: z.array(z.strictObject({ n: z.number() })),
    tags: z.record(z.string(), z.string()),
  })
  const refusal = (input: unknown) => {
    try {
      validate(schema, input)
    } catch (error) {
      return error instanceof GatewayError ? error.details : undefined
    }
    return undefined
  }

  test('names every wrong field by its path, unknown ones too', () => {
    const details = refusal({ list: [{ n: 1 }, { n: '2', m: 3 }], tags: {}, surprise: 1 })
    expect(details?.param).toBe('list[1].n')
    expect(details?.fields?.map(({ path }) => path)).toEqual(['list[1].n', 'list[1].m', 'surprise'])
  })

  test('refuses __proto__ wherever it stands instead of dropping it', () => {
    expect(refusal(JSON.parse('{"list":[],"tags":{"__proto__":"x"}}'))?.param).toBe('tags.__proto__')
    expect(refusal(JSON.parse('{"list":[],"tags":{},"__proto__":{}}'))?.param).toBe('__proto__')
    expect(refusal({ list: [], tags: { constructor: 'x' } })).toBeUndefined()
  })
})
