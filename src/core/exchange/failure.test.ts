import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { fromNetwork, fromProvider, loggable, scrubText } from './failure.ts'

const scrub = {
  shadow: 'house-fast',
  real: 'gpt-secret-5',
  secrets: ['sk-provider-0123456789', 'AKIAEXAMPLE:0123456789abcdefghij'],
}

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

test('the secrets of a provider are not logged with its words, whole or in parts', () => {
  const message = 'bad key sk-provider-0123456789, signed with 0123456789abcdefghij'
  for (const cls of ['auth', 'client', 'server'] as const) {
    const { cause } = fromProvider({ class: cls, status: 401, message }, scrub)
    expect((cause as Error).message).toBe('provider answered 401: bad key [removed], signed with [removed]')
  }
})

test('nor by the one who could not read them', () => {
  const cause = new Error('no JSON', { cause: new SyntaxError('"sk-provider-0123456789" is not valid JSON') })
  const clean = loggable(cause, scrub.secrets)
  expect(inspect(clean)).toContain('"[removed]" is not valid JSON')
  expect(inspect(clean)).not.toContain('sk-provider')
  const harmless = new Error('no JSON')
  expect(loggable(harmless, scrub.secrets)).toBe(harmless)
})

test('an account without credit is not told as a wrong key', () => {
  const told = (status: number, message: string) => fromProvider({ class: 'auth', status, message }, scrub)
  for (const unpaid of [told(402, 'Payment required'), told(400, 'Your credit balance is too low.')])
    expect(unpaid).toMatchObject({ code: 'upstream_auth_failed', message: expect.stringMatching(/no credit left/) })
  expect(told(401, 'no').message).toBe('The provider refused the credentials of this gateway.')
})

test('a redirect of the provider is nothing that the client did', () => {
  for (const status of [301, 302, 304, 308])
    expect(fromProvider({ class: 'client', status, message: 'Moved' }, scrub)).toMatchObject({
      code: 'upstream_error',
      status: 502,
      retry: false,
      message: expect.stringMatching(/redirect/),
    })
})

test('a stream that just ends is told as cut', () => {
  const failure = { class: 'server', status: 502, code: 'upstream_disconnected', message: 'x' } as const
  expect(fromProvider(failure, scrub)).toMatchObject({ code: 'upstream_disconnected', status: 502, retry: true })
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
