import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { readField, scanObject, setField, splice, type ScannedObject } from './json-scan.ts'

const scan = (text: string): ScannedObject => scanObject(Buffer.from(text))

const codeOf = (bytes: Buffer): string => {
  try {
    scanObject(bytes)
    return 'accepted'
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

/** What the language's own parser thinks of the text. */
const verdict = (text: string): 'object' | 'other' | 'invalid' => {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? 'object' : 'other'
  } catch {
    return 'invalid'
  }
}

const anyObject = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }))
const spacing = fc.constantFrom(undefined, 1, '\t')

describe('scanning', () => {
  test('finds every top-level value where the parser finds it', () => {
    fc.assert(
      fc.property(anyObject, spacing, (value, space) => {
        const scanned = scan(JSON.stringify(value, null, space))
        expect([...scanned.fields.keys()]).toEqual(
          Object.keys(JSON.parse(JSON.stringify(value)) as object).toSorted((left, right) =>
            order(scanned, left, right),
          ),
        )
        for (const [key, expected] of Object.entries(JSON.parse(JSON.stringify(value)) as Record<string, unknown>))
          expect(readField(scanned, key)).toEqual(expected)
      }),
    )
  })

  test('accepts and refuses exactly what the parser does, for texts broken anywhere', () => {
    const wrecker = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      remove: fc.nat({ max: 3 }),
      insert: fc.constantFrom(
        '',
        '"',
        '\\',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '0',
        '-',
        '.',
        'e',
        'n',
        't',
        ' ',
        '\n',
        '\u0000',
        'ü',
      ),
    })
    fc.assert(
      fc.property(anyObject, fc.array(wrecker, { minLength: 1, maxLength: 3 }), (value, wrecks) => {
        let text = JSON.stringify(value)
        for (const { at, remove, insert } of wrecks) {
          const place = Math.floor(at * text.length)
          text = text.slice(0, place) + insert + text.slice(place + remove)
        }
        // A surrogate cut in half has no UTF-8.
        const clean = text.toWellFormed()
        const code = codeOf(Buffer.from(clean))
        const expected = {
          object: ['accepted', 'duplicate_key'],
          other: ['invalid_request'],
          // Whichever of its faults is met first.
          invalid: ['invalid_json', 'invalid_request', 'duplicate_key'],
        }
        expect(expected[verdict(clean)], clean).toContain(code)
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":NaN}',
    '{"a":tru}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\n"}',
    "{'a':1}",
    '{"a":1,}',
    '{,}',
    '{"a" 1}',
    '{"a":[1,]}',
    '{"a":[1}]',
    '{"a":1}}',
    '{"a":1} x',
    '{"a":1',
    '',
    '   ',
  ])('refuses %j', (text) => {
    expect(verdict(text)).toBe('invalid')
    expect(codeOf(Buffer.from(text))).toBe('invalid_json')
  })

  test.each(['[]', '"{}"', '1', 'null', '[{"model":"m"}]'])('refuses %s, which is JSON but no object', (text) => {
    expect(codeOf(Buffer.from(text))).toBe('invalid_request')
  })

  test('refuses a key that stands twice, also when it is written differently', () => {
    expect(codeOf(Buffer.from('{"model":"cheap","model":"dear"}'))).toBe('duplicate_key')
    expect(codeOf(Buffer.from('{"model":"cheap","\\u006dodel":"dear"}'))).toBe('duplicate_key')
  })

  test('refuses bytes that are no UTF-8', () => {
    for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf]])
      expect(codeOf(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bad), Buffer.from('"}')]))).toBe('invalid_utf8')
  })

  test('reads over a byte order mark', () => {
    expect(readField(scanObject(Buffer.from('\ufeff{"a":1}')), 'a')).toBe(1)
  })

  test('ends nesting at its limit, without overflowing however deep it is', () => {
    const nested = (depth: number): Buffer => Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(codeOf(nested(127))).toBe('accepted')
    expect(codeOf(nested(129))).toBe('json_too_deep')
    expect(codeOf(nested(1_000_000))).toBe('json_too_deep')
  })

  test('field names that mean something to the language are only names', () => {
    const scanned = scan('{"__proto__":1,"constructor":2,"toString":3}')
    expect(readField(scanned, '__proto__')).toBe(1)
    expect(readField(scanned, 'hasOwnProperty')).toBeUndefined()
  })
})

const order = (scanned: ScannedObject, left: string, right: string): number =>
  scanned.fields.get(left)!.keyStart - scanned.fields.get(right)!.keyStart

describe('cutting', () => {
  test('setting a field changes that field and not one byte beside it', () => {
    const key = fc.oneof(fc.constant('model'), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(anyObject, spacing, key, fc.jsonValue(), (value, space, field, put) => {
        const bytes = Buffer.from(JSON.stringify(value, null, space))
        const scanned = scanObject(bytes)
        const json = JSON.stringify(put)
        const made = splice(bytes, [setField(scanned, field, json)])
        const again = scanObject(made)
        expect(readField(again, field)).toEqual(JSON.parse(json))
        const there = scanned.fields.get(field)
        const [from, to] = there ? [there.valueStart, there.valueEnd] : [scanned.close, scanned.close]
        expect(made.subarray(0, from).equals(bytes.subarray(0, from))).toBe(true)
        expect(made.subarray(made.length - (bytes.length - to)).equals(bytes.subarray(to))).toBe(true)
      }),
    )
  })

  test('several cuts apply together, in any order', () => {
    const bytes = Buffer.from('{"a": 1, "b": [2], "c": "ü"}')
    const scanned = scanObject(bytes)
    const cuts = [setField(scanned, 'c', '"🙂"'), setField(scanned, 'd', 'true'), setField(scanned, 'a', '10')]
    expect(splice(bytes, cuts).toString()).toBe('{"a": 10, "b": [2], "c": "🙂","d":true}')
    expect(splice(bytes, cuts.toReversed()).toString()).toBe('{"a": 10, "b": [2], "c": "🙂","d":true}')
  })

  test('adds to an empty object without a comma, and gives the same buffer when there is nothing to cut', () => {
    const bytes = Buffer.from('{}')
    expect(splice(bytes, [setField(scanObject(bytes), 'a', '1')]).toString()).toBe('{"a":1}')
    expect(splice(bytes, [])).toBe(bytes)
  })
})

describe('finding keys', () => {
  const at = (text: string, ...words: string[]) => scanObject(Buffer.from(text), words).found

  test('keys below the top level are found however they are written, values and longer names are not', () => {
    expect(at('{"a":{"url":1},"b":["url",{"x_url":1}]}', 'url')).toEqual([11])
    expect(at(String.raw`{"a":[{"\u0075rl":1}]}`, 'url')).toEqual([17])
    expect(at(String.raw`{"a":{"\u0075\u0072\u006c":1,"ur\u006d":2}}`, 'file_id', 'url')).toEqual([26])
    expect(at('{"url":1}', 'url')).toEqual([])
  })

  test('what is wrong in a long string is found wherever it stands', () => {
    for (const length of [2_100, 2_101, 2_102, 2_103]) {
      for (let place = 1; place < 60; place++) {
        const text = 'ü'.repeat(10) + 'x'.repeat(length)
        const put = (inset: string): Buffer =>
          Buffer.from(`{"a":"${text.slice(0, place)}${inset}${text.slice(place)}"}`)
        expect(codeOf(put('\u0001'))).toBe('invalid_json')
        expect(codeOf(put('\\x'))).toBe('invalid_json')
        expect(codeOf(put('"'))).toBe('invalid_json')
        expect(codeOf(put('\\n!#[]\u007f'))).toBe('accepted')
      }
    }
  })
})
