import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { proxyRoutes } from '../../src/daemon/proxy/routes.ts'
import { createCustomer } from '../support/gateway.ts'
import {
  chatBody,
  chatPath,
  eventually,
  messagesBody,
  messagesPath,
  post,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** Every row of the contract's table of errors, in both protocols; and that a refusal costs, holds and sends nothing. */
let scene: Scene
const keys: Record<string, string> = {}

beforeAll(async () => {
  scene = await startScene({ env: { GATEWAY_FIRST_BYTE_TIMEOUT: '1s' } })
  const { gateway, provider } = scene
  for (const [protocol, prefix] of [
    ['openai', 'chat'],
    ['anthropic', 'messages'],
  ] as const) {
    for (const name of ['ok', 'e400', 'e401', 'e429', 'e500', 'hang', 'refused', 'cut'])
      await scene.model(`${prefix}-${name}`, protocol)
  }
  await scene.model('disabled', 'openai')
  await gateway.call('models.disable', { model: 'disabled' })
  await gateway.call('models.create', { name: 'unpriced', targets: [{ provider: 'openai', model: 'x' }], free: true })
  await gateway.call('models.update', { model: 'unpriced', free: false }).catch(() => {})

  keys['good'] = scene.key
  keys['poor'] = (await createCustomer(gateway, { credits: '0.0000001' })).key
  keys['limited'] = (await createCustomer(gateway, { key: { rpm: 1 } })).key
  keys['quota'] = (await createCustomer(gateway, { key: { quota: { requests: 1, period: 'day' } } })).key
  keys['narrow'] = (await createCustomer(gateway, { key: { models: ['chat-e500'] } })).key
  keys['elsewhere'] = (await createCustomer(gateway, { key: { allow_ips: ['10.1.2.3/32'] } })).key
  const disabled = await createCustomer(gateway)
  await gateway.call('keys.disable', { key: disabled.keyId })
  keys['disabled'] = disabled.key
  const revoked = await createCustomer(gateway)
  await gateway.call('keys.revoke', { key: revoked.keyId })
  keys['revoked'] = revoked.key
  const expiring = await createCustomer(gateway, { key: { expires_at: new Date(Date.now() + 500).toISOString() } })
  keys['expired'] = expiring.key
  await eventually(async () =>
    (await post(gateway, chatPath, expiring.key, chatBody('chat-ok'))).status === 401 ? true : undefined,
  )

  for (const prefix of ['chat', 'messages']) {
    const real = `real-${prefix}`
    await provider.script(`${real}-e400`, {
      status: 400,
      chunks: [
        JSON.stringify({
          error: {
            message: `real-${prefix}-e400 says: bad temperature`,
            type: 'invalid_request_error',
            param: 'temperature',
          },
        }),
      ],
    })
    await provider.script(`${real}-e401`, {
      status: 401,
      chunks: [
        JSON.stringify({
          error: { message: 'Incorrect API key provided: sk-provider-0123456789', type: 'authentication_error' },
        }),
      ],
    })
    await provider.script(`${real}-e429`, {
      status: 429,
      headers: { 'retry-after': '7' },
      chunks: [JSON.stringify({ error: { message: 'slow down', type: 'rate_limit_error' } })],
    })
    await provider.script(`${real}-e500`, {
      status: 500,
      chunks: ['<html>stack trace at https://internal.example/</html>'],
    })
    await provider.script(`${real}-hang`, { fault: { kind: 'hang' } })
    await provider.script(`${real}-cut`, { fault: { kind: 'reset' } })
  }
}, 60_000)
afterAll(() => scene.close())

interface Row {
  readonly what: string
  readonly key?: string | null
  readonly model?: string
  readonly body?: (valid: object) => unknown
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string
  readonly anthropic: string
  readonly sent?: boolean
}

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

const rows: readonly Row[] = [
  { what: 'no key', key: null, status: 401, code: 'invalid_api_key', anthropic: 'authentication_error' },
  { what: 'a malformed key', key: 'sk-wrong', status: 401, code: 'invalid_api_key', anthropic: 'authentication_error' },
  {
    what: 'an unknown key with a wrong checksum',
    key: `sk-tg-${'A'.repeat(49)}`,
    status: 401,
    code: 'invalid_api_key',
    anthropic: 'authentication_error',
  },
  {
    what: 'two different credentials',
    headers: { 'x-api-key': 'sk-other' },
    status: 401,
    code: 'ambiguous_credentials',
    anthropic: 'authentication_error',
  },
  { what: 'an expired key', key: 'expired', status: 401, code: 'expired_api_key', anthropic: 'authentication_error' },
  { what: 'a disabled key', key: 'disabled', status: 401, code: 'disabled_api_key', anthropic: 'authentication_error' },
  { what: 'a revoked key', key: 'revoked', status: 401, code: 'disabled_api_key', anthropic: 'authentication_error' },
  {
    what: 'an address that is not allowed',
    key: 'elsewhere',
    status: 403,
    code: 'ip_not_allowed',
    anthropic: 'permission_error',
  },
  {
    what: 'a model not allowed for the key',
    key: 'narrow',
    status: 403,
    code: 'model_not_allowed',
    anthropic: 'permission_error',
  },
  { what: 'an unknown model', model: 'nowhere', status: 404, code: 'model_not_found', anthropic: 'not_found_error' },
  { what: 'a disabled model', model: 'disabled', status: 404, code: 'model_not_found', anthropic: 'not_found_error' },
  { what: 'too little credit', key: 'poor', status: 402, code: 'insufficient_credits', anthropic: 'billing_error' },
  {
    what: 'malformed JSON',
    body: () => '{"model":',
    status: 400,
    code: 'invalid_json',
    anthropic: 'invalid_request_error',
  },
  { what: 'an empty body', body: () => '', status: 400, code: 'invalid_json', anthropic: 'invalid_request_error' },
  {
    what: 'a body that is no object',
    body: () => '[1]',
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a body nested too deeply',
    body: (valid) => `{"x":${deep(200)},${JSON.stringify(valid).slice(1)}`,
    status: 400,
    code: 'json_too_deep',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a key twice',
    body: (valid) => `{"model":"a",${JSON.stringify(valid).slice(1)}`,
    status: 400,
    code: 'duplicate_key',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a model that is a number',
    body: (valid) => ({ ...valid, model: 5 }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'no model',
    body: (valid) => ({ ...valid, model: undefined }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'no messages',
    body: (valid) => ({ ...valid, messages: undefined }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'empty messages',
    body: (valid) => ({ ...valid, messages: [] }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'stream as text',
    body: (valid) => ({ ...valid, stream: 'true' }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a negative limit',
    body: (valid) => ({ ...valid, max_tokens: -1 }),
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a destination in the body',
    body: (valid) => ({ ...valid, api_base: 'http://evil.example' }),
    status: 400,
    code: 'forbidden_field',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a wrong content type',
    headers: { 'content-type': 'text/plain' },
    status: 415,
    code: 'unsupported_media_type',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a compressed body',
    headers: { 'content-encoding': 'gzip' },
    status: 415,
    code: 'unsupported_media_type',
    anthropic: 'invalid_request_error',
  },
  {
    what: 'a provider that names the mistake of the client',
    model: '-e400',
    status: 400,
    code: 'invalid_request',
    anthropic: 'invalid_request_error',
    sent: true,
  },
  {
    what: 'a provider that refuses our key',
    model: '-e401',
    status: 502,
    code: 'upstream_auth_failed',
    anthropic: 'api_error',
    sent: true,
  },
  {
    what: 'a provider that is busy',
    model: '-e429',
    status: 503,
    code: 'upstream_unavailable',
    anthropic: 'overloaded_error',
    sent: true,
  },
  {
    what: 'a provider that fails',
    model: '-e500',
    status: 502,
    code: 'upstream_error',
    anthropic: 'api_error',
    sent: true,
  },
  {
    what: 'a provider that does not answer in time',
    model: '-hang',
    status: 504,
    code: 'upstream_timeout',
    anthropic: 'api_error',
    sent: true,
  },
  {
    what: 'a provider that breaks the connection',
    model: '-cut',
    status: 502,
    code: 'upstream_disconnected',
    anthropic: 'api_error',
    sent: true,
  },
]

describe.each([
  ['OpenAI', chatPath, chatBody, 'chat'],
  ['Anthropic', messagesPath, messagesBody, 'messages'],
] as const)('%s clients', (name, path, bodyOf, prefix) => {
  test.each(rows)(
    'get $status $code for $what',
    async ({ key = 'good', model = '-ok', body, headers, status, code, anthropic, sent = false }) => {
      const before = (await scene.provider.log()).length
      const valid = bodyOf(model.startsWith('-') ? prefix + model : model)
      const answer = await post(
        scene.gateway,
        path,
        key === null ? null : (keys[key] ?? key),
        body ? body(valid) : valid,
        headers,
      )
      expect({ status: answer.status, body: answer.text }).toMatchObject({ status })
      const json = JSON.parse(answer.text) as {
        type?: string
        request_id?: string
        error: { type: string; code?: string; message: string; param?: unknown }
      }
      if (name === 'OpenAI') {
        expect(json.error.code).toBe(code)
        expect(json.error).toHaveProperty('param')
      } else {
        expect(json).toMatchObject({ type: 'error', error: { type: anthropic } })
        expect(json.request_id).toBe(answer.headers.get('request-id'))
      }
      expect(json.error.message.length).toBeGreaterThan(10)
      expect(answer.headers.get('x-should-retry')).toMatch(/^(true|false)$/)
      expect(answer.headers.get('x-gateway-request-id')).toMatch(/^req_/)
      if (status === 429 || status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(answer.text).not.toMatch(/sk-provider|real-|https?:\/\//)
      expect((await scene.provider.log()).length - before).toBe(sent ? 1 : 0)
    },
  )

  test('an unpriced model is refused', async () => {
    // A price that begins later leaves the model without one until then.
    const later = `${prefix}-later`
    await scene.gateway.call('models.create', {
      name: later,
      targets: [{ provider: 'openai', model: 'x' }],
      free: true,
    })
    const unpriced = await scene.gateway.call('models.update', { model: later, free: false }).then(
      () => true,
      () => false,
    )
    if (!unpriced) return
    const answer = await post(scene.gateway, path, scene.key, bodyOf(later))
    expect(answer).toMatchObject({ status: 503 })
  })

  test('a rate limit answers 429 with the time to wait, and headers tell what is left', async () => {
    const { key } = await createCustomer(scene.gateway, { key: { rpm: 1 } })
    const first = await post(scene.gateway, path, key, bodyOf(`${prefix}-ok`))
    expect(first.status).toBe(200)
    expect(first.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    if (name === 'Anthropic') expect(first.headers.get('anthropic-ratelimit-requests-limit')).toBe('1')
    const second = await post(scene.gateway, path, key, bodyOf(`${prefix}-ok`))
    expect(second.status).toBe(429)
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(second.headers.get('x-ratelimit-limit-requests')).toBe('1')
    expect(second.text).toContain(name === 'OpenAI' ? 'rate_limit_exceeded' : 'rate_limit_error')
  })

  test('a used-up quota answers 429 and says not to retry', async () => {
    const { key } = await createCustomer(scene.gateway, { key: { quota: { requests: 1, period: 'day' } } })
    expect((await post(scene.gateway, path, key, bodyOf(`${prefix}-ok`))).status).toBe(200)
    const second = await post(scene.gateway, path, key, bodyOf(`${prefix}-ok`))
    expect(second.status).toBe(429)
    expect(second.headers.get('x-should-retry')).toBe('false')
    expect(second.text).toContain(name === 'OpenAI' ? 'quota_exceeded' : 'rate_limit_error')
  })

  test('a body that is too large answers 413', async () => {
    const answer = await post(scene.gateway, path, scene.key, 'x'.repeat(33 * 1024 * 1024)).catch(() => null)
    // The connection may be closed while the client still writes; a client that reads gets the answer.
    if (answer) expect(answer).toMatchObject({ status: 413 })
  })

  test('an unknown path answers 404 and a wrong method 405, in the protocol of the client', async () => {
    const headers = name === 'Anthropic' ? { 'anthropic-version': '2023-06-01' } : undefined
    const missing = await post(scene.gateway, '/v1/nowhere', scene.key, {}, headers)
    expect(missing.status).toBe(404)
    expect(JSON.parse(missing.text)).toMatchObject(
      name === 'Anthropic' ? { type: 'error', error: { type: 'not_found_error' } } : { error: { code: 'not_found' } },
    )
    const response = await fetch(scene.gateway.url + path, { headers: { authorization: `Bearer ${scene.key}` } })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    await response.text()
  })
})

test.each(proxyRoutes.map(({ method, path }) => [method, path] as const))(
  '%s %s is closed to strangers',
  async (method, path) => {
    const response = await fetch(scene.gateway.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    })
    expect(response.status).toBe(401)
    await response.text()
  },
)

test('after all refusals nothing is held and the books agree', async () => {
  const state = await verify(scene.gateway)
  expect(state).toMatchObject({ ok: true, holds_open: 0 })
})
