import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCustomer } from '../support/gateway.ts'
import { sendRaw } from '../support/raw-http.ts'
import {
  chatBody,
  chatPath,
  messagesBody,
  messagesPath,
  post,
  postBytes,
  type Scene,
  startScene,
  verify,
} from '../support/scene.ts'

/** What headers may not do: choose a destination, carry anything to a provider or from one, claim an address, or pass for a key. */
let scene: Scene
beforeAll(async () => {
  scene = await startScene()
  await scene.model('chat', 'openai')
  await scene.model('messages', 'anthropic')
}, 60_000)
afterAll(() => scene.close())

const send = (path: string, key: string | null, body: string | Buffer, headers: Record<string, string> = {}) =>
  postBytes(scene.gateway, path, key, body, headers)
const attempts = () => scene.provider.log()
const json = JSON.stringify
const protocols = [
  ['chat', chatPath, chatBody],
  ['messages', messagesPath, messagesBody],
] as const

describe('headers', () => {
  const secrets = {
    cookie: 'session=client-secret',
    'openai-organization': 'org-client-secret',
    'openai-project': 'proj-client-secret',
    'proxy-authorization': 'Basic client-secret',
    'x-forwarded-for': '203.0.113.7',
    forwarded: 'for=203.0.113.7',
    'x-provider-url': 'http://127.0.0.1:1/client-secret',
    'x-custom-host': 'http://127.0.0.1:1/client-secret',
    'x-api-base': 'http://127.0.0.1:1/client-secret',
    'x-portkey-provider': 'client-secret',
    'x-portkey-custom-host': 'http://127.0.0.1:1/client-secret',
    'x-gateway-attempt': 'client-secret',
    'x-amz-security-token': 'client-secret',
    'user-agent': 'client-secret/1.0',
    referer: 'https://client-secret.example/',
    origin: 'https://client-secret.example',
    te: 'trailers',
    'x-stainless-lang': 'client-secret',
    'anthropic-beta': 'oauth-2025-04-20',
    __proto__: 'x',
  }

  test.each(protocols)('of a client for %s choose no destination and reach no provider', async (name, path, bodyOf) => {
    for (const how of ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key']) {
      const credential = how === 'authorization' ? `Bearer ${scene.key}` : scene.key
      const answer = await send(path, null, json(bodyOf(name)), { ...secrets, [how]: credential })
      expect(answer.status).toBe(200)
      const { headers } = (await attempts()).at(-1)!
      expect(json(headers)).not.toMatch(/client-secret|203\.0\.113|sk-tg-|oauth/)
      expect(Object.keys(headers).toSorted()).toEqual(
        [
          ...(name === 'chat' ? ['authorization'] : ['anthropic-version', 'x-api-key']),
          'accept-encoding',
          'connection',
          'content-length',
          'content-type',
          'host',
          'user-agent',
          'x-request-id',
        ].toSorted(),
      )
      expect(headers['accept-encoding']).toBe('identity')
      expect(headers['user-agent']).toMatch(/^tollgate/)
      expect(headers['x-request-id']).toMatch(/^req_/)
    }
  })

  test.each(protocols)('of a provider of %s never reach the client', async (name, path, bodyOf) => {
    const headers = {
      'set-cookie': ['a=provider-secret', 'b=c'],
      server: 'provider-secret',
      'access-control-allow-origin': '*',
      'access-control-allow-credentials': 'true',
      'x-ratelimit-limit-requests': '99999',
      'anthropic-ratelimit-requests-limit': '99999',
      'openai-organization': 'provider-secret',
      'openai-processing-ms': '5',
      'anthropic-organization-id': 'provider-secret',
      'x-request-id': 'provider-secret',
      'request-id': 'provider-secret',
      'cf-ray': 'provider-secret',
      'strict-transport-security': 'max-age=1',
      'alt-svc': 'h3=":443"',
      location: 'http://127.0.0.1:1/',
      via: 'provider-secret',
      'x-envoy-upstream': 'provider-secret',
      'content-disposition': 'attachment',
      link: '<http://127.0.0.1:1/>',
    }
    const allowed = [
      'connection',
      'content-length',
      'content-type',
      'date',
      'keep-alive',
      'transfer-encoding',
      'cache-control',
      'x-accel-buffering',
      'x-gateway-cost',
      'x-gateway-request-id',
      'x-request-id',
      'request-id',
      'x-should-retry',
      'retry-after',
    ]
    for (const status of [200, 400, 429, 500]) {
      for (const stream of [false, true]) {
        const model = `${name}-headers-${status}-${stream}`
        await scene.model(model, name === 'chat' ? 'openai' : 'anthropic')
        const chunks = status === 200 ? {} : { chunks: [json({ error: { message: 'no', type: 'x' } })] }
        await scene.provider.script(`real-${model}`, { status, headers, ...chunks })
        const answer = await send(path, scene.key, json(bodyOf(model, { stream })))
        const got = Object.fromEntries(answer.headers)
        expect(json(got) + answer.text).not.toMatch(/provider-secret|99999|127\.0\.0\.1/)
        expect(Object.keys(got).filter((header) => !allowed.includes(header))).toEqual([])
      }
    }
  })

  test('that claim an address are believed from nobody', async () => {
    const { key } = await createCustomer(scene.gateway, { key: { allow_ips: ['203.0.113.7/32'] } })
    const claims = ['203.0.113.7', '203.0.113.7, 127.0.0.1', Array(50).fill('203.0.113.7').join(','), 'junk']
    for (const claim of claims) {
      const answer = await send(chatPath, key, json(chatBody('chat')), {
        'x-forwarded-for': claim,
        'x-real-ip': claim,
        forwarded: `for=${claim}`,
      })
      expect(answer.status).toBe(403)
    }
  })

  test('of a foreign page open nothing', async () => {
    const response = await fetch(scene.gateway.url + chatPath, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    expect(response.status).toBe(405)
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    await response.text()
  })
})

describe('credentials', () => {
  const flipped = (key: string, at: number): string => {
    const other = key[at] === 'A' ? 'B' : 'A'
    return key.slice(0, at) + other + key.slice(at + 1)
  }
  const swapped = (key: string): string =>
    key.replace(/[a-z](?=[^a-z]*$)/i, (letter) =>
      letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
    )
  type Lines = (key: string) => readonly string[]
  type Row = readonly [what: string, lines: Lines, status: number, query: (key: string) => string]
  const none = (): string => ''
  const rows: readonly Row[] = (
    [
      ['none', () => [], 401],
      ['Bearer alone', () => ['Authorization: Bearer'], 401],
      ['Bearer and a space', () => ['Authorization: Bearer '], 401],
      ['an empty Authorization', () => ['Authorization:'], 401],
      ['an empty x-api-key', () => ['x-api-key:'], 401],
      ['Basic', (key) => [`Authorization: Basic ${Buffer.from(`user:${key}`).toString('base64')}`], 401],
      ['Basic with the key', (key) => [`Authorization: Basic ${key}`], 401],
      ['the key without a scheme', (key) => [`Authorization: ${key}`], 401],
      ['bearer in small letters', (key) => [`authorization: bearer ${key}`], 200],
      ['BEARER in capitals', (key) => [`AUTHORIZATION: BEARER ${key}`], 200],
      ['two spaces', (key) => [`Authorization: Bearer  ${key}`], 200],
      ['two Authorization headers', (key) => [`Authorization: Bearer ${key}`, 'Authorization: Bearer other'], 401],
      ['the same Authorization twice', (key) => [`Authorization: Bearer ${key}`, `Authorization: Bearer ${key}`], 401],
      ['two x-api-key', (key) => [`x-api-key: ${key}`, `x-api-key: ${key}x`], 401],
      ['two that differ', (key) => [`Authorization: Bearer ${key}`, `x-api-key: ${flipped(key, 10)}`], 401],
      ['two that are the same', (key) => [`Authorization: Bearer ${key}`, `x-api-key: ${key}`], 200],
      ['a changed character', (key) => [`x-api-key: ${flipped(key, 20)}`], 401],
      ['a changed checksum', (key) => [`x-api-key: ${flipped(key, key.length - 1)}`], 401],
      ['a character less', (key) => [`x-api-key: ${key.slice(0, -1)}`], 401],
      ['a character more', (key) => [`x-api-key: ${key}A`], 401],
      ['another case', (key) => [`x-api-key: ${swapped(key)}`], 401],
      ['a space behind', (key) => [`x-api-key: ${key} `], 200],
      ['NUL behind', (key) => [`x-api-key: ${key}\0`], 400],
      ['a line break behind', (key) => [`x-api-key: ${key}\n`], 400],
      ['URL encoding', (key) => [`x-api-key: ${key.replaceAll('-', '%2D')}`], 401],
      ['the prefix only', () => ['x-api-key: sk-tg-'], 401],
      ['quotes around', (key) => [`x-api-key: "${key}"`], 401],
      ['a list', (key) => [`x-api-key: ${key}, ${key}`], 401],
      ["SQL: ' OR 1=1--", () => ["x-api-key: ' OR 1=1--"], 401],
      ['SQL: %', () => ['x-api-key: sk-tg-%'], 401],
      ['SQL: _', () => [`x-api-key: sk-tg-${'_'.repeat(49)}`], 401],
      ['SQL: \\', () => ['Authorization: Bearer \\'], 401],
      ['SQL: "; drop', () => ['Authorization: Bearer "; drop table api_keys'], 401],
      ['bytes above 127', () => ['x-api-key: sk-tg-\xff\xfe'], 401],
      ['the key in the query, as Google’s clients send it', () => [], 200, (key) => `?key=${key}`],
      ['the key in the query twice', () => [], 200, (key) => `?key=${key}&key=${key}`],
      ['two keys in the query', () => [], 401, (key) => `?key=${key}&key=${flipped(key, 10)}`],
      ['another key in the query', (key) => [`x-api-key: ${key}`], 401, (key) => `?key=${flipped(key, 10)}`],
      ['the key in the query under other names', () => [], 401, (key) => `?api_key=${key}&access_token=${key}`],
      ['the key in a cookie', (key) => [`Cookie: key=${key}`], 401],
      ['15 KB', () => [`x-api-key: sk-tg-${'A'.repeat(15_000)}`], 401],
      ['1 MB', () => [`x-api-key: sk-tg-${'A'.repeat(1_048_576)}`], 431],
    ] as readonly (readonly [string, Lines, number, Row[3]?])[]
  ).map(([what, lines, status, query]): Row => [what, lines, status, query ?? none])

  test.each(rows)('%s', async (_, lines, status, query) => {
    const before = (await attempts()).length
    const text = json(chatBody('chat'))
    const bytes = [
      `POST ${chatPath}${query(scene.key)} HTTP/1.1`,
      `Host: ${new URL(scene.gateway.url).host}`,
      'Content-Type: application/json',
      `Content-Length: ${text.length}`,
      ...lines(scene.key),
      '',
      text,
    ].join('\r\n')
    const answer = await sendRaw(scene.gateway.url, [bytes], { until: 1 })
    expect(answer.responses.map((response) => response.status)).toEqual([status])
    expect(answer.responses[0]!.body).not.toMatch(/sk-tg-\w/)
    if (status === 401)
      expect(JSON.parse(answer.responses[0]!.body)).toMatchObject({
        error: { code: expect.stringMatching(/^(invalid_api_key|ambiguous_credentials)$/) },
      })
    const made = (await attempts()).slice(before)
    expect(made).toHaveLength(status === 200 ? 1 : 0)
    expect(json(made)).not.toContain(scene.key)
  })

  test('no key was written to the log', async () => {
    expect(scene.gateway.log()).not.toContain('sk-tg-')
  })

  test('a thousand keys that are nearly right cost next to nothing each', async () => {
    const started = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        post(scene.gateway, chatPath, flipped(scene.key, 6 + (i % 49)), chatBody('chat')),
      ),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect((performance.now() - started) / 1000).toBeLessThan(20)
  })
})

test('after all of it the books are right and nothing broke inside', async () => {
  expect(await verify(scene.gateway)).toMatchObject({ ok: true, holds_open: 0 })
  expect(scene.gateway.log()).not.toMatch(/internal_error|Maximum call stack|TypeError/)
})
