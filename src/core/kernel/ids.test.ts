import { expect, test } from 'vitest'
import { derivedId, newId } from './ids.ts'

test('an id begins with its kind and its time, and the rest is never the same twice', () => {
  const ids = [1, 2, 2, 1].map((at) => newId('request', 1_700_000_000_000 + at))
  expect(new Set(ids).size).toBe(4)
  expect(ids.map((id) => id.slice(0, 14))).toEqual([
    'req_01hf7yat01',
    'req_01hf7yat02',
    'req_01hf7yat02',
    'req_01hf7yat01',
  ])
  for (const id of ids) expect(id).toMatch(/^req_[0-9a-hjkmnp-tv-z]{26}$/)
})

test('a derived id is the same for the same source', () => {
  expect(derivedId('transfer', 1_700_000_000_000, 'a')).toBe(derivedId('transfer', 1_700_000_000_000, 'a'))
  expect(derivedId('transfer', 1_700_000_000_000, 'a')).not.toBe(derivedId('transfer', 1_700_000_000_000, 'b'))
})
