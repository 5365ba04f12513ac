import { assert, integer, pre, property, string } from 'fast-check'
import { expect, test } from 'vitest'
import { keyFormat, keyStart } from './key-format.ts'

test('a key is sk-tg- and 49 characters of base 62, no two alike, and passes its own check', () => {
  const keys = Array.from({ length: 1_000 }, () => keyFormat.create())
  expect(new Set(keys).size).toBe(1_000)
  for (const key of keys) {
    expect(key).toMatch(/^sk-tg-[0-9A-Za-z]{49}$/)
    expect(keyFormat.isWellFormed(key)).toBe(true)
  }
})

test('any single wrong character is noticed without looking the key up', () => {
  const key = keyFormat.create()
  const position = integer({ min: 0, max: key.length - 1 })
  assert(
    property(position, string({ minLength: 1, maxLength: 1, unit: 'binary-ascii' }), (at, character) => {
      pre(key[at] !== character)
      expect(keyFormat.isWellFormed(key.slice(0, at) + character + key.slice(at + 1))).toBe(false)
    }),
    { numRuns: 2_000 },
  )
})

test('cut, lengthened, re-cased, decorated and foreign keys are malformed', () => {
  const key = keyFormat.create()
  const wrong = [
    '',
    'sk-tg-',
    key.slice(0, -1),
    `${key}0`,
    ` ${key}`,
    `${key} `,
    `${key}\n`,
    `${key}\0`,
    key.toUpperCase(),
    key.replace('sk-tg-', 'tgadm-'),
    encodeURIComponent(`${key} `),
    "' OR 1=1--",
    '%',
    'sk-tg-'.padEnd(1_000_000, 'A'),
    'sk-tg-'.padEnd(55, 'é'),
  ]
  for (const text of wrong) expect(keyFormat.isWellFormed(text)).toBe(false)
})

test('what is shown of a key does not give away more than four of its characters', () => {
  const key = keyFormat.create()
  expect(keyStart(key)).toBe(`${key.slice(0, 10)}…`)
})
