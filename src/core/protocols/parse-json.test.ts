import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { parseJson } from './parse-json.ts'
import { array, boolean, isObject, number, object, string, wholeNumber } from './read.ts'

const lossy = [
  '12345678901234567890',
  '-9007199254740993',
  '1e400',
  '-1e400',
  '1E-400',
  '4.9999999999999999999',
  '0.1000000000000000055',
  '3.141592653589793238462643383279',
  '1.00000000000000000001',
  '123456789012345678e3',
]
const exact = [
  ['0', 0],
  ['-7', -7],
  ['9007199254740991', 9007199254740991],
  ['12345678901234567000', 12345678901234567000],
  ['1e21', 1e21],
  ['1.5e3', 1500],
  ['100.00000000000000000', 100],
  ['0.30000000000000004', 0.30000000000000004],
  ['0e999999999999', 0],
  ['0.00000000000000000', 0],
  ['-0.000123456789012345', -0.000123456789012345],
] as const

test.each(lossy)('%s keeps its text wherever it stands', (text) => {
  for (const json of [text, `{"a":${text}}`, `[1,${text},"x"]`, `{"a":[{"b":${text}}]}`])
    expect(JSON.stringify(parseJson(json))).toBe(json)
  expect(JSON.stringify(parseJson(`{ "a" :\t${text} , "b":\n${text}}`))).toBe(`{"a":${text},"b":${text}}`)
})

test.each(exact)('%s is a number like any other', (text, value) => {
  expect(parseJson(text)).toBe(value)
  expect(parseJson(`{"a":[ ${text}]}`)).toEqual({ a: [value] })
})

test('a number in a text stays text, and no key is lost', () => {
  const text = '{"a":"x: 12345678901234567890, 1e400","__proto__":1e400,"constructor":{"b":1e400}}'
  expect(JSON.stringify(parseJson(text))).toBe(text)
})

test.each(['', '1e', '12345678901234567890x', '{"a":1e400', '[01e400]'])('%j is no JSON', (text) => {
  expect(() => parseJson(text)).toThrow(SyntaxError)
})

test('a kept number is nothing else to the readers of requests, and a number only within its bounds', () => {
  for (const text of lossy) {
    const value = parseJson(text)
    expect(isObject(value)).toBe(false)
    for (const read of [object, array, string, boolean]) expect(() => read(value, 'x')).toThrow(GatewayError)
  }
  expect(number(parseJson('0.69999999999999996'), 'temperature', 0, 2)).toBe(0.7)
  expect(wholeNumber(parseJson('64.000000000000000001'), 'max_tokens', 1)).toBe(64)
  for (const text of ['1e400', '-1e400', '12345678901234567890'])
    expect(() => wholeNumber(parseJson(text), 'max_tokens', 1)).toThrow(GatewayError)
  expect(() => number(parseJson('1e400'), 'x', 0, Number.POSITIVE_INFINITY)).toThrow(GatewayError)
})

test('a million digits and zeros take no more time than reading them', () => {
  const text = `{"a":${'10'.repeat(500_000)},"b":0.${'0'.repeat(500_000)}1,"c":1${'0'.repeat(500_000)}1}`
  expect(JSON.stringify(parseJson(text))).toBe(text)
})

test('any number keeps its value, however it is written', () => {
  const digits = (most: number) => fc.stringMatching(new RegExp(`^\\d{1,${most}}$`))
  const number = fc
    .tuple(
      fc.constantFrom('', '-'),
      fc.stringMatching(/^(?:0|[1-9]\d{0,20})$/),
      fc.oneof(
        fc.constant(''),
        digits(20).map((fraction) => `.${fraction}`),
      ),
      fc.oneof(
        fc.constant(''),
        fc.tuple(fc.constantFrom('e', 'E+', 'e-'), digits(4)).map((exponent) => exponent.join('')),
      ),
    )
    .map((written) => written.join(''))
  fc.assert(
    fc.property(number, (written) => {
      const kept = /:(.*)\}/.exec(JSON.stringify(parseJson(`{"a":${written}}`)))![1]!
      expect(valueOf(kept)).toBe(valueOf(written))
    }),
    { numRuns: 2000 },
  )
})

/** A decimal number as its digits and the place of the last one. */
const valueOf = (written: string): string => {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(written)!
  const all = `${whole}${fraction}`.replace(/^0+/, '')
  const end = all.replace(/0+$/, '')
  return end === '' ? '0' : `${sign}${end}e${Number(exponent) - fraction.length + all.length - end.length}`
}
