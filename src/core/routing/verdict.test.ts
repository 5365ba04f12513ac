import { expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import type { ProviderFailure } from '../protocols/neutral/index.ts'
import type { FailureKind } from '../upstream/upstream.ts'
import { ofNetwork, ofProvider } from './verdict.ts'

test.each<[ProviderFailure['class'], number, string, string, boolean]>([
  ['client', 400, '', 'nobody', false],
  ['client', 413, '', 'nobody', false],
  ['client', 422, '', 'nobody', false],
  ['context-length', 400, '', 'nobody', false],
  ['content-filter', 400, '', 'nobody', false],
  ['auth', 401, '', 'rejected', true],
  ['auth', 403, '', 'rejected', true],
  ['auth', 402, '', 'exhausted', true],
  ['rate-limited', 429, '', 'rate-limited', true],
  ['rate-limited', 429, 'insufficient_quota', 'exhausted', true],
  ['model-not-found', 404, '', 'unknown-model', true],
  ['overloaded', 503, '', 'broken', true],
  ['overloaded', 529, '', 'broken', true],
  ['server', 500, '', 'broken', true],
  ['timeout', 504, '', 'broken', true],
])('a provider that says %s with %s %s: %s, another is asked: %s', (kind, status, code, fault, moves) => {
  expect(ofProvider({ class: kind, status, message: '', code })).toMatchObject({ fault, moves })
})

test('an Anthropic account without credit is exhausted, though its status is 400', () => {
  const message = 'Your credit balance is too low to access the Anthropic API.'
  expect(ofProvider({ class: 'auth', status: 400, message })).toMatchObject({ fault: 'exhausted', moves: true })
})

test('the time that a provider asks for is told in milliseconds', () => {
  expect(ofProvider({ class: 'rate-limited', status: 429, message: '', retryAfter: 1.5 }).restMs).toBe(1500)
})

test.each<[FailureKind, boolean, string, boolean]>([
  ['connect', false, 'broken', true],
  ['tls', false, 'broken', true],
  ['forbidden', false, 'broken', true],
  ['disconnected', false, 'broken', true],
  ['disconnected', true, 'broken', false],
  ['first-byte-timeout', true, 'broken', false],
  ['idle-timeout', true, 'broken', false],
  ['protocol', true, 'broken', false],
  ['aborted', true, 'nobody', false],
])('a connection that ends with %s, sent: %s: %s, another is asked: %s', (kind, sent, fault, moves) => {
  expect(ofNetwork({ kind, sent, message: '' })).toMatchObject({ fault, moves })
})

test("what is wrong with a client's upload is put down to nobody", () => {
  const cause = new GatewayError('request_too_large')
  expect(ofNetwork({ kind: 'aborted', sent: true, message: '', cause }).fault).toBe('nobody')
  expect(ofNetwork({ kind: 'disconnected', sent: true, message: '', cause }).fault).toBe('nobody')
})
