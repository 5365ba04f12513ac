import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import {
  assertionOf,
  type CloudCall,
  type MockCloud,
  sendJson,
  signatureProblem,
  startCloud,
} from '../../../test/support/mock-clouds.ts'
import type { ResolvedProvider } from '../catalog/resolved.ts'
import { systemClock } from '../kernel/clock.ts'
import { quirksOf } from '../protocols/openai-chat/quirks.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import { createCredentials } from './credentials.ts'
import { createUpstream } from './send.ts'
import type { Upstream } from './upstream.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const cloud = async (answer: Parameters<typeof startCloud>[0]): Promise<MockCloud> => {
  const started = await startCloud(answer)
  closers.push(() => started.close())
  return started
}

const provider = (kind: string, baseUrl: string, settings: Record<string, string> = {}): ResolvedProvider => ({
  id: 'prv_1',
  name: 'one',
  kind: providerKindById(kind)!,
  baseUrl,
  speaks: providerKindById(kind)!.speaks,
  quirks: quirksOf([]),
  settings,
  allowPrivate: ['127.0.0.1'],
  timeoutMs: null,
  keys: [],
})

let now = Date.parse('2026-11-21T10:00:00Z')
const clock = { ...systemClock, now: () => now }

const setUp = (): { upstream: Upstream; credentials: ReturnType<typeof createCredentials> } => {
  const upstream = createUpstream({ clock, allowPrivate: [] })
  closers.push(() => upstream.close())
  return { upstream, credentials: createCredentials({ upstream, clock, connectTimeoutMs: 2000 }) }
}

const body = Buffer.from('{"messages":[]}')
const prepare = (
  credentials: ReturnType<typeof createCredentials>,
  target: ResolvedProvider,
  secret: string,
  path = '/x',
) =>
  credentials.prepare(
    target,
    secret,
    (used) => ({
      'content-type': 'application/json',
      'x-request-id': 'req_1',
      ...target.kind.headers({
        protocol: target.speaks[0]!,
        model: 'm',
        stream: false,
        secret: used,
        client: { 'x-client-request-id': 'a  b' },
      }),
    }),
    (headers) => ({
      baseUrl: target.baseUrl,
      path,
      headers,
      body,
      connectTimeoutMs: 2000,
      firstByteTimeoutMs: 2000,
      idleTimeoutMs: 2000,
      allowPrivate: target.allowPrivate,
    }),
  )

const account = (tokenUri: string): string =>
  JSON.stringify({
    type: 'service_account',
    client_email: 'a@b.example',
    private_key: pem,
    private_key_id: 'k1',
    token_uri: tokenUri,
  })

const failure = async (work: Promise<unknown>): Promise<{ code?: string; message: string; cause?: Error }> =>
  work.then(
    () => ({ message: 'it worked' }),
    (error: { code?: string; message: string; cause?: Error }) => error,
  )

describe('access tokens', () => {
  const tokens = async (answer: (call: CloudCall, number: number) => [number, unknown]) =>
    cloud((call, response) => sendJson(response, ...answer(call, endpoint.count++)))
  const endpoint = { count: 0 }
  afterEach(() => void (endpoint.count = 0))
  const good = (_call: CloudCall, number: number): [number, unknown] => [
    200,
    { access_token: `ya29.${number}`, expires_in: 3600, token_type: 'Bearer' },
  ]

  test('are bought with an assertion that the account signed, once for all who wait', async () => {
    const google = await tokens(good)
    const { credentials } = setUp()
    const target = provider('vertex', 'https://eu-aiplatform.googleapis.com/v1')
    const secret = account(`${google.url}/token`)
    const prepared = await Promise.all([1, 2, 3].map(() => prepare(credentials, target, secret)))
    expect(prepared.map(({ headers }) => headers['authorization'])).toEqual(Array(3).fill('Bearer ya29.0'))
    expect(google.calls).toHaveLength(1)
    const [call] = google.calls
    expect(call!.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(assertionOf(call!.body, createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })))).toEqual({
      iss: 'a@b.example',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: `${google.url}/token`,
      iat: now / 1000,
      exp: now / 1000 + 3600,
    })
  })

  test('are used until the last minute of their time and then bought again', async () => {
    const google = await tokens(good)
    const { credentials } = setUp()
    const target = provider('vertex', 'https://eu-aiplatform.googleapis.com/v1')
    const ask = async () =>
      (await prepare(credentials, target, account(`${google.url}/token`))).headers['authorization']
    expect(await ask()).toBe('Bearer ya29.0')
    now += 3_539_000
    expect(await ask()).toBe('Bearer ya29.0')
    now += 2000
    expect(await ask()).toBe('Bearer ya29.1')
  })

  test('that are refused are the operator’s matter, and are asked for again by the next request', async () => {
    const google = await tokens((call, number) =>
      number === 0 ? [400, { error: 'invalid_grant', error_description: 'secret-canary' }] : good(call, number),
    )
    const { credentials } = setUp()
    const target = provider('vertex', 'https://eu-aiplatform.googleapis.com/v1')
    const refused = await failure(prepare(credentials, target, account(`${google.url}/token`)))
    expect(refused).toMatchObject({
      code: 'upstream_auth_failed',
      cause: { message: 'the token endpoint answered 400' },
    })
    expect(JSON.stringify(refused) + refused.message).not.toContain('canary')
    expect((await prepare(credentials, target, account(`${google.url}/token`))).headers['authorization']).toBe(
      'Bearer ya29.1',
    )
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['no JSON', 'x'],
    ['too much', { access_token: 'x'.repeat(70_000) }],
  ])('an endpoint that answers with %s has given none', async (_what, answer) => {
    const google = await tokens(() => [200, answer])
    const { credentials } = setUp()
    const target = provider('vertex', 'https://eu-aiplatform.googleapis.com/v1')
    expect(await failure(prepare(credentials, target, account(`${google.url}/token`)))).toMatchObject({
      code: 'upstream_auth_failed',
    })
  })

  test.each(['no json', '{}', JSON.stringify({ client_email: 'a', private_key: 'b' })])(
    'a secret of the wrong form (%s) is never sent',
    async (secret) => {
      const { credentials } = setUp()
      const target = provider('vertex', 'https://eu-aiplatform.googleapis.com/v1')
      const refused = await failure(prepare(credentials, target, secret))
      expect(refused).toMatchObject({
        code: 'upstream_auth_failed',
        message: expect.not.stringContaining('service') as string,
      })
      expect(refused.cause?.message).toMatch(/service account/)
    },
  )

  test('an endpoint at a private address that was not allowed is not called', async () => {
    const google = await tokens(good)
    const { credentials } = setUp()
    const target = { ...provider('vertex', 'https://eu-aiplatform.googleapis.com/v1'), allowPrivate: [] }
    expect(await failure(prepare(credentials, target, account(`${google.url}/token`)))).toMatchObject({
      code: 'upstream_auth_failed',
    })
    expect(google.calls).toHaveLength(0)
  })
})

describe('signatures of AWS', () => {
  const keys = { keyId: 'AKIAEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

  test.each([
    ['', undefined],
    [':session:token==', 'session:token=='],
  ])('cover path, headers and body (session token "%s")', async (suffix, token) => {
    const aws = await cloud((_call, response) => sendJson(response, 200, {}))
    const { credentials, upstream } = setUp()
    const target = provider('bedrock', aws.url, { region: 'eu-central-1' })
    const secret = `${keys.keyId}:${keys.secret}${suffix}`
    const path = '/model/us.amazon.nova-2-lite-v1%3A0/converse'
    const request = await prepare(credentials, target, secret, path)
    await new Promise<void>((resolve, reject) => {
      upstream.send(request, {
        onResponse: () => undefined,
        onData: () => true,
        onEnd: resolve,
        onFailure: (failed) => reject(new Error(failed.message)),
      })
    })
    const [call] = aws.calls
    expect(call!.target).toBe(path)
    const expected = { ...keys, region: 'eu-central-1', service: 'bedrock', ...(token && { token }) }
    expect(signatureProblem(call!, expected)).toBeNull()
    expect(signatureProblem({ ...call!, body: Buffer.from('{}') }, expected)).toMatch(/does not match/)
    expect(signatureProblem(call!, { ...expected, secret: 'x' })).toMatch(/does not match/)
    expect(JSON.stringify(call!.headers)).not.toContain(keys.secret)
  })

  test('take the region from the host before the setting', async () => {
    const { credentials } = setUp()
    for (const [host, region] of [
      ['bedrock-runtime.us-west-2.amazonaws.com', 'us-west-2'],
      ['bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
      ['vpce-1.bedrock-runtime.eu-west-3.vpce.amazonaws.com', 'eu-west-3'],
      ['proxy.example', 'ap-south-1'],
    ]) {
      const target = provider('bedrock', `https://${host}`, { region: 'ap-south-1' })
      const { headers } = await prepare(credentials, target, 'a:b')
      expect(headers['authorization']).toContain(`/${region}/bedrock/aws4_request`)
    }
  })

  test('are not made with a bearer key, and a secret of the wrong form is the operator’s matter', async () => {
    const { credentials } = setUp()
    const target = provider('bedrock', 'https://proxy.example')
    expect((await prepare(credentials, target, 'bedrock-api-key-1')).headers).toMatchObject({
      authorization: 'Bearer bedrock-api-key-1',
    })
    expect((await failure(prepare(credentials, target, ':b'))).cause?.message).toMatch(/ACCESS_KEY_ID/)
    expect((await failure(prepare(credentials, target, 'a:b'))).cause?.message).toMatch(/region/)
  })
})

test('kinds whose secret is sent as it is need nothing prepared', () => {
  const { credentials } = setUp()
  expect(credentials.needed(providerKindById('openai')!)).toBe(false)
  expect(credentials.needed(providerKindById('bedrock')!)).toBe(true)
  expect(credentials.needed(providerKindById('vertex')!)).toBe(true)
})
