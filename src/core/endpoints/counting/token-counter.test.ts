import { afterAll, expect, test } from 'vitest'
import { countTexts, mostChars, sliceChars, slices } from './slices.ts'
import { createTokenCounter } from './token-counter.ts'

const counter = createTokenCounter()
afterAll(() => counter.close())

test('texts are counted as OpenAI counts them, special words as plain text', async () => {
  expect(await counter.count(['The quick brown fox jumps over the lazy dog.'])).toBe(10)
  expect(await counter.count(['<|endoftext|>'])).toBeGreaterThan(1)
  expect(await counter.count([])).toBe(0)
})

test('a hostile text does not hold the serving thread', async () => {
  let longest = 0
  let last = performance.now()
  const beat = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  const counted = await counter.count(['\u{1F9E8}a\u0301'.repeat(100_000)])
  clearInterval(beat)
  expect(counted).toBeGreaterThan(100_000)
  // Posting the text is all that happens here; the bound leaves room for a busy machine.
  expect(longest).toBeLessThan(250)
})

test('slices are bounded, cut no character and lose nothing', () => {
  for (const text of ['a'.repeat(5001), '😀'.repeat(3333), 'word '.repeat(2000), '']) {
    const parts = [...slices(text)]
    expect(parts.join('')).toBe(text)
    for (const part of parts) {
      expect(part.length).toBeLessThanOrEqual(sliceChars)
      expect(part.isWellFormed()).toBe(true)
    }
  }
})

test('beyond the most characters the rest is taken to be as dense', () => {
  expect(countTexts(['x'.repeat(mostChars), 'y'.repeat(mostChars)], (slice) => slice.length / 4)).toBe(mostChars / 2)
})
