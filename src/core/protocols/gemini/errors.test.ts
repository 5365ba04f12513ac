import { describe, expect, test } from 'vitest'
import { readRecordings, recordingsPresent } from '../../../../test/support/recordings.ts'
import { GatewayError } from '../../kernel/errors.ts'
import { decodeError, decodeStreamError, renderError, renderStreamError } from './errors.ts'

const read = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  decodeError(status, (name) => headers[name], Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)))

test('an error is a google.rpc.Status whose ErrorInfo holds our code', () => {
  const error = new GatewayError('rate_limit_exceeded', 'Slow down.', { retryAfter: 3, param: 'contents[0].role' })
  expect(renderError(error, 'req_1')).toEqual({
    status: 429,
    body: {
      error: {
        code: 429,
        message: 'Slow down.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'tollgate',
            metadata: { requestId: 'req_1' },
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'contents[0].role', description: 'Slow down.' }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '3s' },
        ],
      },
    },
  })
})

test.each([
  ['insufficient_credits', 402, 'FAILED_PRECONDITION'],
  ['invalid_api_key', 401, 'UNAUTHENTICATED'],
  ['model_not_found', 404, 'NOT_FOUND'],
  ['upstream_timeout', 504, 'DEADLINE_EXCEEDED'],
  ['model_unpriced', 503, 'FAILED_PRECONDITION'],
] as const)('%s is told as %d %s', (code, status, name) => {
  expect(renderError(new GatewayError(code), 'r')).toMatchObject({
    status,
    body: { error: { code: status, status: name } },
  })
})

test('an error inside a stream is a chunk of its own, framed as Google frames', () => {
  const text = renderStreamError(new GatewayError('upstream_disconnected'), 'req_1')
  expect(text).toMatch(/^\r\n\r\ndata: \{"error":\{"code":502,.*\}\r\n\r\n$/)
})

test.each([
  [
    'a wait in its details',
    { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'quota', details: [{ retryDelay: '34.4s' }] } },
    { class: 'rate-limited', retryAfter: 34.4 },
  ],
  [
    'an array around it',
    [{ error: { code: 503, message: 'busy', status: 'UNAVAILABLE' } }],
    { class: 'overloaded', message: 'busy', code: 'UNAVAILABLE' },
  ],
  [
    'a number for its code',
    { error: { code: 429, status: 8, message: 'quota' } },
    { class: 'rate-limited', code: 'RESOURCE_EXHAUSTED' },
  ],
  [
    'a wait told in parts',
    { error: { code: 429, message: 'q', details: [{ retryDelay: { seconds: '2', nanos: 500000000 } }] } },
    { retryAfter: 2.5 },
  ],
  [
    'a missing model',
    { error: { code: 404, message: 'models/x is not found for API version v1beta', status: 'NOT_FOUND' } },
    { class: 'model-not-found' },
  ],
  [
    'a missing file',
    { error: { code: 404, message: 'File abc does not exist', status: 'NOT_FOUND' } },
    { class: 'client' },
  ],
  [
    'a place that is not served',
    { error: { code: 400, message: 'User location is not supported for the API use.', status: 'FAILED_PRECONDITION' } },
    { class: 'auth' },
  ],
])('a provider tells an error with %s', (_, body, expected) => {
  const [whole] = Array.isArray(body) ? body : [body]
  expect(read(whole!.error.code, body)).toMatchObject(expected)
})

test('an error inside a 200 has the status that it means', () => {
  expect(decodeStreamError({ error: { code: 503, message: 'x', status: 'UNAVAILABLE' } })).toMatchObject({
    class: 'overloaded',
    status: 503,
  })
  expect(decodeStreamError([{ error: { status: 'RESOURCE_EXHAUSTED', message: 'x' } }])).toMatchObject({ status: 429 })
  expect(decodeStreamError({ error: { code: 14, message: 'x' } })).toMatchObject({ status: 503 })
  expect(decodeStreamError({ error: 'odd' })).toMatchObject({ status: 500, message: 'odd' })
})

test.each(['', '<html>502</html>', 'null', '[]', '{"error":{"details":[null,1],"code":"x"}}', '{"error":[]}'])(
  'a body that is no status is a failure of its HTTP status: %s',
  (body) => {
    expect(read(502, body)).toMatchObject({ class: 'server', status: 502 })
  },
)

describe.skipIf(!recordingsPresent)('recorded errors', () => {
  const classes = (): Record<string, string> =>
    Object.fromEntries(
      readRecordings('gemini')
        .filter(({ response }) => response.status >= 400)
        .map(({ id, response }) => [
          id.replace(/^.*--/, ''),
          read(response.status, response.json ?? response.text ?? '', response.headers).class,
        ]),
    )

  test('each is of the class that decides rightly about it', () => {
    expect(classes()).toEqual({
      'chat-error-handling-with-gemini-gemini-2-5-flash-raises-appropriate-auth-error-0': 'auth',
      'google-429-retry-info-0': 'rate-limited',
      'chat-real-error-scenarios-vertexai-gemini-2-5-flash-handles-context-length-exceeded-erro-1': 'context-length',
      'test-generate-content-invalid-role-0': 'client',
      'test-generate-content-invalid-temperature-0': 'client',
      'test-generate-content-missing-model-0': 'model-not-found',
    })
  })
})
