import type { JsonObject, JsonValue } from './neutral/index.ts'

/** What Node has of https://github.com/tc39/proposal-json-parse-with-source and TypeScript does not know yet. */
declare global {
  interface JSON {
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown
    rawJSON(text: string): object
    isRawJSON(value: unknown): value is JsonObject
  }
}

/**
 * `JSON.parse`, but a number that JavaScript's numbers cannot hold (integers beyond 2^53, `1e400`, more than some 16 digits) becomes an object that `JSON.stringify` writes
 * as it was: arguments, results and schemas of tools cross with the values they had. Such a number is no number, object or array to the readers of read.ts; where a codec
 * expects a number, `number` and `wholeNumber` read it. Throws SyntaxError.
 */
export const parseJson = (text: string): JsonValue =>
  (isSuspect(text) ? JSON.parse(text, keepNumber) : JSON.parse(text)) as JsonValue

/** The number that stands nearest to a kept one; Infinity for one beyond all. Undefined for anything else. */
export const numberIn = (value: JsonValue | undefined): number | undefined =>
  typeof value === 'number' ? value : JSON.isRawJSON(value) ? Number(JSON.stringify(value)) : undefined

/** Fifteen digits, eight of them written out: then the engine leaps through a text instead of trying each place, which is ten times as fast. */
const longNumber = /[\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.][\d.]{7}/
/** Fewer digits are held whatever stands behind the e, but for exponents of three digits. */
const farExponent = /\d[eE][-+]?\d\d\d/

const isSuspect = (text: string): boolean => (longNumber.test(text) || farExponent.test(text)) && mayLose.test(text)

/** A number of 16 characters, or with an exponent, in front of which a number may stand; in texts too, which only costs time. */
const mayLose = /[:,[\s]-?\d(?:[\d.]{15}|[\d.]*[eE])|^-?\d/

const keepNumber = (_: string, value: unknown, { source }: { readonly source?: string }): unknown =>
  typeof value === 'number' && source !== undefined && !holds(value, source) ? JSON.rawJSON(source) : value

/** Whether the number is exactly what was written. */
const holds = (value: number, source: string): boolean =>
  String(value) === source || (Number.isFinite(value) && exactly(String(value)) === exactly(source))

const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** The same text for all ways to write a decimal number. */
const exactly = (text: string): string => {
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts.exec(text) ?? []
  const digits = whole + fraction
  let from = 0
  let to = digits.length
  while (digits[from] === '0') from++
  while (to > from && digits[to - 1] === '0') to--
  // Zero is zero, however it is written.
  return from === to ? '0' : `${sign}${digits.slice(from, to)}e${Number(exponent) + whole.length - from}`
}
