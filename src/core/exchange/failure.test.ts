import { expect, test } from 'vitest'
import { fromNetwork, fromProvider, scrubText } from './failure.ts'

const scrub = { shadow: 'house-fast', real: 'gpt-secret-5', secret: 'sk-provider-0123456789' }

test("the client's own mistake passes with the provider's words, without its secrets, addresses and model name", () => {
  const text =
    'gpt-secret-5: bad value, see https://api.example.com/v1?key=1 (key sk-provider-0123456789, Bearer abc.def)'
  const error = fromProvider({ class: 'client', status: 400, message: text, param: 'n' }, scrub)
  expect(error).toMatchObject({ code: 'invalid_request', status: 400, details: { param: 'n' } })
  expect(error.message).toBe('house-fast: bad value, see [address removed] (key [removed], Bearer [removed])')
})

test.each([
  ['auth', 'upstream_auth_failed', 502],
  ['model-not-found', 'upstream_error', 502],
  ['rate-limited', 'upstream_unavailable', 503],
  ['overloaded', 'upstream_unavailable', 503],
  ['timeout', 'upstream_timeout', 504],
  ['server', 'upstream_error', 502],
  ['context-length', 'context_length_exceeded', 400],
  ['content-filter', 'content_filter', 400],
] as const)('a provider failure of class %s is %s with status %i', (cls, code, status) => {
  const error = fromProvider({ class: cls, status: 418, message: 'sk-provider-0123456789' }, scrub)
  expect(error).toMatchObject({ code, status })
  expect(error.message).not.toContain('sk-provider')
})

test.each([
  ['OpenAI', { class: 'client', status: 400, code: 'previous_response_not_found' }],
  ['vLLM', { class: 'model-not-found', status: 404 }],
] as const)('what a request goes on from may be gone at %s', (_, failure) => {
  const error = fromProvider({ ...failure, message: "Response with id 'resp_1' not found." }, scrub)
  expect(error).toMatchObject({ code: 'previous_response_not_found', status: 400 })
})

test('a kept response that is gone is a 404 of its own', () => {
  const failure = {
    class: 'client',
    status: 404,
    code: 'response_not_found',
    message: "Response with id 'x' not found.",
  } as const
  expect(fromProvider(failure, scrub)).toMatchObject({ code: 'response_not_found', status: 404 })
})

test('a retry-after of a provider is capped', () => {
  expect(
    fromProvider({ class: 'rate-limited', status: 429, message: '', retryAfter: 1e9 }, scrub).details.retryAfter,
  ).toBe(3600)
  expect(fromProvider({ class: 'rate-limited', status: 429, message: '' }, scrub).details.retryAfter).toBe(5)
})

test.each([
  ['connect', 'upstream_error'],
  ['tls', 'upstream_error'],
  ['forbidden', 'upstream_forbidden'],
  ['first-byte-timeout', 'upstream_timeout'],
  ['idle-timeout', 'upstream_timeout'],
  ['disconnected', 'upstream_disconnected'],
  ['protocol', 'upstream_error'],
] as const)('a network failure %s is %s', (kind, code) => {
  expect(fromNetwork({ kind, sent: true, message: 'x' }).code).toBe(code)
})

test('a long text is cut', () => {
  expect(scrubText('x'.repeat(5000), scrub).length).toBeLessThan(1100)
})
