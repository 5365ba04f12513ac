import { expect, test } from 'vitest'
import { cloudBetasOf, cloudBody } from './hosted-claude.ts'

const version = 'v-1'
const cloud = (body: string, more: object = {}): string =>
  cloudBody(Buffer.from(body), { version, ...more }).toString('utf8')

test.each([
  ['{"model":"m","max_tokens":5,"stream":true}', '{"max_tokens":5,"anthropic_version":"v-1"}'],
  ['{"max_tokens":5,"stream":true,"model":"m"}', '{"max_tokens":5,"anthropic_version":"v-1"}'],
  ['{"model":"m", "stream":false ,"max_tokens":5}', '{"max_tokens":5,"anthropic_version":"v-1"}'],
  ['{ "max_tokens":5 }', '{ "max_tokens":5 ,"anthropic_version":"v-1"}'],
  [
    '{"anthropic_version":"x","messages":[{"model":"kept","n":1.0}],"anthropic_beta":["x"]}',
    '{"messages":[{"model":"kept","n":1.0}],"anthropic_version":"v-1"}',
  ],
])('%s becomes the body of a cloud, its other bytes as they were', (body, expected) => {
  expect(cloud(body)).toBe(expected)
})

test('a cloud may want betas in the body, or to hear of the stream', () => {
  expect(cloud('{"model":"m","stream":true,"max_tokens":5}', { betas: ['a'], keepsStream: true })).toBe(
    '{"stream":true,"max_tokens":5,"anthropic_version":"v-1","anthropic_beta":["a"]}',
  )
})

test.each([
  [undefined, []],
  ['', []],
  ['claude-code-20250219,oauth-2025-04-20,prompt-caching-2024-07-31', []],
  ['context-1m-2025-08-07, claude-code-20250219,effort-2025-11-24', ['context-1m-2025-08-07', 'effort-2025-11-24']],
  ['effort-2025-11-24,effort-2025-11-24', ['effort-2025-11-24']],
  ['effort-2025-11-24"}', []],
])('of the betas %s a cloud hears %j', (header, betas) => {
  expect(cloudBetasOf(header)).toEqual(betas)
})
