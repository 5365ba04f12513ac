import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('each of the 54 cases that others got wrong has a test', () => {
  const texts = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts') && name !== 'all.test.ts')
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
  const tested = new Set(
    texts.flatMap((text) => Array.from(text.matchAll(/['"`]case (\d+): /g), ([, number]) => Number(number))),
  )
  const missing = Array.from({ length: 54 }, (_, index) => index + 1).filter((number) => !tested.has(number))
  expect(missing).toEqual([])
})
