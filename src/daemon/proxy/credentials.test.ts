import { expect, test } from 'vitest'
import { credentialOf } from './credentials.ts'

const ask = (query: string, headers: Record<string, string> = {}) => credentialOf(headers, new URLSearchParams(query))

test('a key in the query is taken, once or the same several times', () => {
  expect(ask('key=a')).toBe('a')
  expect(ask('key=a&key=a&key=')).toBe('a')
  expect(ask('key=a', { 'x-goog-api-key': 'a' })).toBe('a')
})

test.each([
  ['key=a&key=b', {}],
  ['key=&key=a&key=b', {}],
  ['key=a', { 'x-goog-api-key': 'b' }],
  ['key=a&key=b', { authorization: 'Bearer a' }],
])('%j with %j are two credentials', (query, headers) => {
  expect(() => ask(query, headers)).toThrow(expect.objectContaining({ code: 'ambiguous_credentials' }))
})

test.each(['', 'key=', 'api_key=a', 'access_token=a'])('%j is none', (query) => {
  expect(() => ask(query)).toThrow(expect.objectContaining({ code: 'invalid_api_key' }))
})
