import { describe, expect, test } from 'vitest'
import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { StreamedCall } from './decoder-call.ts'

const folded = (...pieces: JsonObject[]): JsonValue => {
  const call = new StreamedCall('call_1', 'f')
  for (const piece of pieces) call.add({ partialArgs: [piece] })
  return call.broken ? 'broken' : (JSON.parse(call.arguments) as JsonValue)
}
const text = (jsonPath: string, stringValue: string, willContinue?: true): JsonObject => ({
  jsonPath,
  stringValue,
  ...(willContinue && { willContinue }),
})

describe('arguments told leaf by leaf', () => {
  test('strings grow while they continue; objects and lists come from the paths', () => {
    expect(
      folded(
        text('$.recipe.steps[0]', 'Preheat', true),
        text('$.recipe.steps[0]', ' oven', true),
        text('$.recipe.steps[0]', ''),
        text('$.recipe.steps[1]', 'Cook'),
        { jsonPath: '$.recipe.minutes', numberValue: 25 },
        { jsonPath: '$.recipe.vegan', boolValue: false },
        { jsonPath: '$.recipe.note', nullValue: 'NULL_VALUE' },
      ),
    ).toEqual({ recipe: { steps: ['Preheat oven', 'Cook'], minutes: 25, vegan: false, note: null } })
  })

  test('a string that is told again without continuing replaces the one before', () => {
    expect(folded(text('$.a', 'x'), text('$.a', 'y'))).toEqual({ a: 'y' })
  })

  test.each([
    ["$['with space']['a.b']", { 'with space': { 'a.b': 'v' } }],
    ['$["quo\\"te"]', { 'quo"te': 'v' }],
    ['$.a-b.ü', { 'a-b': { ü: 'v' } }],
    ['$.list[0][1]', { list: [[null, 'v']] }],
    ['$.list[2].x', { list: [null, null, { x: 'v' }] }],
  ])('%s is a path', (path, expected) => {
    expect(folded(text(path, 'v'))).toEqual(expected)
  })

  test('no key is special', () => {
    const call = new StreamedCall('call_1', 'f')
    call.add({ partialArgs: [text('$.__proto__.polluted', 'yes'), text('$.constructor', 'c')] })
    expect(call.arguments).toBe('{"__proto__":{"polluted":"yes"},"constructor":"c"}')
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test.each(['a', '$', '$[0]', '$..a', '$.a[', '$.a[-1]', '$.a[*]', '$.a[999999999]', `$${'.a'.repeat(200)}`])(
    '%s is none: the call is broken',
    (path) => {
      expect(folded(text(path, 'v'))).toBe('broken')
    },
  )

  test('a path through something that is no object or list breaks the call', () => {
    expect(folded(text('$.a', 'x'), text('$.a.b', 'y'))).toBe('broken')
    expect(folded(text('$.a[0]', 'x'), text('$.a.b', 'y'))).toBe('broken')
  })

  test('whole arguments and pieces add up; a call without any has an empty object', () => {
    const call = new StreamedCall('call_1', 'f')
    expect(call.arguments).toBe('{}')
    call.add({ args: { a: 1 } })
    expect(call.arguments).toBe('{"a":1}')
    call.add({ partialArgs: [text('$.b', 'x')] })
    expect(JSON.parse(call.arguments)).toEqual({ a: 1, b: 'x' })
  })

  test('pieces that are none are passed over', () => {
    const call = new StreamedCall('call_1', 'f')
    call.add({ partialArgs: [5, null, {}, { jsonPath: '$.a' }, { stringValue: 'x' }] })
    expect([call.broken, call.arguments]).toEqual([false, '{}'])
  })
})
