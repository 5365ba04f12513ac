import { expect, test } from 'vitest'
import { freeBuffer } from './free-buffer.ts'

test('a large buffer is emptied, one that shares its memory is not', () => {
  const own = Buffer.alloc(20_000)
  const shared = Buffer.from(new ArrayBuffer(40_000), 0, 20_000)
  const small = Buffer.alloc(100)
  for (const buffer of [own, shared, small]) freeBuffer(buffer)
  expect([own.length, shared.length, small.length]).toEqual([0, 20_000, 100])
})
