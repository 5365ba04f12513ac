import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { ask } from './prompts.ts'

const answered = (typed: string): Promise<string> => {
  const input = new PassThrough()
  const answer = ask('really? ', new PassThrough(), input)
  input.write(typed)
  return answer
}

test('what is typed is the answer', async () => {
  expect(await answered('y\n')).toBe('y')
  expect(await answered('a long secret\r')).toBe('a long secret')
})

test('an end of input is no answer', async () => {
  expect(await answered('\u0004')).toBe('')
})
