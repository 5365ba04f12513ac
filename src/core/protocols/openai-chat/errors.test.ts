import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../kernel/errors.ts'
import { decodeError, decodeStreamError, renderError, renderStreamError } from './errors.ts'

const none = () => undefined
const told = (status: number, body: unknown) =>
  decodeError(status, none, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

describe("a provider's error is understood in every shape", () => {
  test.each([
    [
      400,
      { error: { message: 'bad', type: 'invalid_request_error', param: 'n', code: null } },
      { class: 'client', param: 'n', message: 'bad' },
    ],
    [400, { error: { message: 'x', code: 'context_length_exceeded' } }, { class: 'context-length' }],
    [400, { error: { message: "This model's maximum context length is 8192 tokens." } }, { class: 'context-length' }],
    [400, { error: { message: 'no', code: 'content_policy_violation' } }, { class: 'content-filter' }],
    [400, { error: { message: 'filtered', code: 'content_filter' } }, { class: 'content-filter' }],
    [400, { code: 'invalid-argument', error: 'Incorrect API key provided: x' }, { class: 'auth' }],
    [400, [{ error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT' } }], { class: 'auth' }],
    [401, { detail: 'Invalid API Key' }, { class: 'auth', message: 'Invalid API Key' }],
    [402, { error: { message: 'Insufficient Balance' } }, { class: 'auth' }],
    [403, { error: { message: 'no', code: 'unsupported_country_region_territory' } }, { class: 'auth' }],
    [404, { error: { message: 'none', code: 'model_not_found' } }, { class: 'model-not-found' }],
    [408, '', { class: 'timeout' }],
    [422, { detail: [{ loc: ['body', 'n', 0], msg: 'is odd' }] }, { class: 'client', message: 'body.n.0: is odd' }],
    [
      429,
      { error: { message: 'slow', type: 'requests', code: 'rate_limit_exceeded' } },
      { class: 'rate-limited', code: 'rate_limit_exceeded' },
    ],
    [
      429,
      { error: { message: 'q', type: 'insufficient_quota', code: 'insufficient_quota' } },
      { class: 'rate-limited' },
    ],
    [500, { message: 'oops', type: 'x' }, { class: 'server', message: 'oops' }],
    [
      502,
      '<html><body>Bad gateway</body></html>',
      { class: 'server', message: 'The provider answered with status 502 and no readable message.' },
    ],
    [503, { error: 'busy' }, { class: 'overloaded', message: 'busy' }],
    [529, {}, { class: 'overloaded' }],
    [504, 'null', { class: 'timeout' }],
  ])('%s %j', (status, body, expected) => {
    expect(told(status, body)).toMatchObject({ status, ...expected })
  })

  test.each([
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1.5],
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after': 'Sat, 21 Nov 2026 00:00:30 GMT', date: 'Sat, 21 Nov 2026 00:00:00 GMT' }, 30],
    [{ 'retry-after': '-1' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('how long to wait: %j', (headers: Record<string, string>, seconds) => {
    expect(decodeError(429, (name) => headers[name], Buffer.from('{}')).retryAfter).toBe(seconds)
  })

  test.each([
    [{ error: { message: 'm', status_code: 400, type: 'invalid_request_error' } }, 400],
    [{ error: { message: 'm', code: 429 } }, 429],
    [{ error: { message: 'm', code: '401' } }, 401],
    [{ error: { message: 'm', type: 'rate_limit_exceeded' } }, 429],
    [{ error: { message: 'm', type: 'overloaded_error' } }, 503],
    [{ error: 'text' }, 500],
    [null, 500],
  ])('inside a stream: %j', (body, status) => {
    expect(decodeStreamError(body).status).toBe(status)
  })
})

describe('our errors', () => {
  test.each([
    ['insufficient_credits', 402, 'insufficient_quota'],
    ['invalid_api_key', 401, 'invalid_request_error'],
    ['model_not_allowed', 403, 'permission_error'],
    ['model_not_found', 404, 'invalid_request_error'],
    ['rate_limit_exceeded', 429, 'rate_limit_error'],
    ['quota_exceeded', 429, 'rate_limit_error'],
    ['model_unpriced', 503, 'server_error'],
    ['upstream_error', 502, 'server_error'],
    ['invalid_json', 400, 'invalid_request_error'],
  ] as const)('%s', (code, status, type) => {
    expect(renderError(new GatewayError(code, 'words', { param: 'p' }))).toEqual({
      status,
      body: { error: { message: 'words', type, param: 'p', code } },
    })
  })

  test('inside a stream they begin with a blank line and hold nothing else', () => {
    const text = renderStreamError(new GatewayError('upstream_error', 'a\nb'))
    expect(text).toBe(
      '\n\ndata: {"error":{"message":"a\\nb","type":"server_error","param":null,"code":"upstream_error"}}\n\n',
    )
  })
})
