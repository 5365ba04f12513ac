import { describe, expect, test } from 'vitest'
import { type ErrorCode, GatewayError } from '../../kernel/errors.ts'
import { decodeError, renderError, renderStreamError } from './errors.ts'

describe('our errors', () => {
  test.each<[ErrorCode, number, string]>([
    ['invalid_api_key', 401, 'authentication_error'],
    ['ip_not_allowed', 403, 'permission_error'],
    ['model_not_allowed', 403, 'permission_error'],
    ['model_not_found', 404, 'not_found_error'],
    ['model_unpriced', 503, 'api_error'],
    ['insufficient_credits', 402, 'billing_error'],
    ['quota_exceeded', 429, 'rate_limit_error'],
    ['rate_limit_exceeded', 429, 'rate_limit_error'],
    ['invalid_json', 400, 'invalid_request_error'],
    ['unsupported_parameter', 400, 'invalid_request_error'],
    ['request_too_large', 413, 'request_too_large'],
    ['upstream_error', 502, 'api_error'],
    ['upstream_unavailable', 503, 'overloaded_error'],
    ['upstream_timeout', 504, 'api_error'],
    ['draining', 503, 'overloaded_error'],
    ['storage_unavailable', 503, 'overloaded_error'],
    ['internal_error', 500, 'api_error'],
  ])('%s is %i %s', (code, status, type) => {
    expect(renderError(new GatewayError(code, 'Text.'), 'req_1')).toEqual({
      status,
      body: { type: 'error', error: { type, message: 'Text.', details: { error_code: code } }, request_id: 'req_1' },
    })
  })

  test('the place of the mistake is told', () => {
    const { body } = renderError(new GatewayError('invalid_request', 'x', { param: 'messages[0]' }), 'r')
    expect(body).toMatchObject({ error: { details: { param: 'messages[0]' } } })
  })

  test('inside a stream an error is one named event behind a blank line, without line ends in its data', () => {
    const text = renderStreamError(new GatewayError('upstream_error', 'two\nlines'), 'req_1')
    expect(text).toMatch(/^\n\nevent: error\ndata: \{[^\n]*\}\n\n$/)
    expect(JSON.parse(text.split('data: ')[1]!)).toMatchObject({ type: 'error', request_id: 'req_1' })
  })
})

describe("the provider's errors", () => {
  const decode = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    decodeError(status, (name) => headers[name], Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))
  const told = (type: string, message: string) => ({ type: 'error', error: { type, message }, request_id: 'req_x' })

  test.each<[string, number, unknown, string]>([
    ['a mistake of the client', 400, told('invalid_request_error', 'messages.0: bad'), 'client'],
    [
      'a prompt that is too long',
      400,
      told('invalid_request_error', 'prompt is too long: 3 tokens > 2 maximum'),
      'context-length',
    ],
    [
      'input and output beyond the context',
      400,
      told('invalid_request_error', 'input length and `max_tokens` exceed context limit'),
      'context-length',
    ],
    [
      'filtered content',
      400,
      told('invalid_request_error', 'Output blocked by content filtering policy'),
      'content-filter',
    ],
    [
      'an empty account of the gateway',
      400,
      told('invalid_request_error', 'Your credit balance is too low to access the API'),
      'auth',
    ],
    ['a bad key', 401, told('authentication_error', 'invalid x-api-key'), 'auth'],
    ['a key without permission', 403, told('permission_error', 'no'), 'auth'],
    ['an unpaid bill', 402, told('billing_error', 'pay'), 'auth'],
    ['an unknown model', 404, told('not_found_error', 'model: claude-9'), 'model-not-found'],
    ['an unknown file', 404, told('not_found_error', 'File not found'), 'client'],
    ['a wrong path', 404, '<html>404</html>', 'model-not-found'],
    ['a body too large', 413, told('request_too_large', 'too large'), 'client'],
    ['a limit', 429, told('rate_limit_error', 'slow down'), 'rate-limited'],
    ['an overload', 529, told('overloaded_error', 'Overloaded'), 'overloaded'],
    ['an outage', 503, '', 'overloaded'],
    ['a failure', 500, told('api_error', 'Internal server error'), 'server'],
    ['a bad gateway page', 502, '<html><body>Bad gateway</body></html>', 'server'],
    ['a timeout', 504, '', 'timeout'],
    ['Bedrock, throttled', 429, { message: 'Too many requests' }, 'rate-limited'],
    ['Bedrock, unknown model', 400, { message: 'The provided model identifier is invalid.' }, 'model-not-found'],
    ['a plain text error', 400, { error: 'bad thing' }, 'client'],
    ['an error in a list', 400, [{ error: { message: 'bad thing', code: 400 } }], 'client'],
  ])('%s', (_, status, body, expected) => {
    expect(decode(status, body)).toMatchObject({ class: expected, status })
  })

  test('the message and the type are kept; a page of HTML is not', () => {
    expect(decode(400, told('invalid_request_error', 'why'))).toMatchObject({
      message: 'why',
      code: 'invalid_request_error',
    })
    expect(decode(400, { message: 'why' }, { 'x-amzn-errortype': 'ValidationException:http://x' })).toMatchObject({
      message: 'why',
      code: 'ValidationException',
    })
    expect(decode(502, '<html>secret host</html>').message).not.toContain('secret')
  })

  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '12' }, 12],
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1.5],
    [{ 'retry-after': 'Fri, 20 Nov 2026 00:00:30 GMT', date: 'Fri, 20 Nov 2026 00:00:00 GMT' }, 30],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('the wait of %j is %s', (headers, seconds) => {
    expect(decode(429, '', headers).retryAfter).toBe(seconds)
  })
})
