import { expect, test } from 'vitest'
import { Running } from './running.ts'

test('whatever leaves, in whatever order and however often, the others stay', () => {
  const running = new Running<{ name: string; place: number }>()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, place: -1 })) as [never, never, never]
  for (const one of [a, b, c]) running.add(one)
  running.delete(a)
  running.delete(a)
  expect(running.list()).toEqual([c, b])
  running.delete(b)
  running.delete(c)
  expect(running.size).toBe(0)
})
