import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeCursor, encodeCursor, pageInput, toPage } from './page.ts'

const shape = z.tuple([z.number(), z.string()])

test('a cursor comes back as the position it was made from', () => {
  expect(decodeCursor(encodeCursor([5, 'ü/x']), shape)).toEqual([5, 'ü/x'])
})

test.each([
  '',
  'x',
  '%%%',
  encodeCursor(['5', 'x']),
  encodeCursor([5]),
  Buffer.from('{"a":1}').toString('base64url'),
  'A'.repeat(1000),
])('a forged cursor is a clear 400: %s', (cursor) => {
  expect(() => decodeCursor(cursor, shape)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})

test('a page ends with a cursor exactly when there is more', () => {
  const page = (rows: number[]) =>
    toPage(
      rows,
      2,
      (row) => [row],
      (row) => row,
    )
  expect(page([])).toEqual({ data: [], next_cursor: null })
  expect(page([1, 2])).toEqual({ data: [1, 2], next_cursor: null })
  expect(page([1, 2, 3])).toEqual({ data: [1, 2], next_cursor: encodeCursor([2]) })
})

test.each([0, -1, 501, 1e9, 'abc', 1.5, null])('a limit of %s is refused', (limit) => {
  expect(z.strictObject(pageInput).safeParse({ limit }).success).toBe(false)
})
