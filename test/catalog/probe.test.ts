import { quirksOf } from '../../src/core/protocols/openai-chat/quirks.ts'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createProbe, showProbe } from '../../src/core/catalog/probe.ts'
import type { ResolvedProvider } from '../../src/core/catalog/resolved.ts'
import { systemClock } from '../../src/core/kernel/clock.ts'
import { providerKindById } from '../../src/core/provider-kinds/index.ts'
import { createCredentials } from '../../src/core/upstream/credentials.ts'
import { createUpstream } from '../../src/core/upstream/send.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

const provider = (kind: string, baseUrl: string, allowPrivate = ['127.0.0.1']): ResolvedProvider => ({
  id: 'prv_1',
  name: 'one',
  kind: providerKindById(kind)!,
  baseUrl,
  speaks: providerKindById(kind)!.speaks,
  allowPrivate,
  timeoutMs: null,
  quirks: quirksOf([]),
  settings: {},
  keys: [],
})

const probe = (answerTimeoutMs = 2000) => {
  const upstream = createUpstream({ clock: systemClock, allowPrivate: [], tickMs: 10 })
  closers.push(() => upstream.close())
  const credentials = createCredentials({ upstream, clock: systemClock, connectTimeoutMs: 1000 })
  return createProbe({ upstream, credentials, clock: systemClock, connectTimeoutMs: 1000, answerTimeoutMs })
}

const key = { id: 'pvk_1', secret: 'sk-secret-0123456789' }

describe('a probe', () => {
  test.each([
    ['openai', '/v1/models', 'authorization', 'Bearer sk-secret-0123456789'],
    ['anthropic', '/v1/models?limit=1000', 'x-api-key', 'sk-secret-0123456789'],
    ['gemini', '/v1/models?pageSize=1000', 'x-goog-api-key', 'sk-secret-0123456789'],
  ])('of a provider of kind %s asks for its list of models with its key', async (kind, path, header, value) => {
    const asked: unknown[] = []
    const url = await serve((request, response) => {
      asked.push(request.method, request.url, request.headers[header])
      response.end('{"data":[{"id":"a"},{"id":"b"}]}')
    })
    expect(await probe()(provider(kind, url), key)).toMatchObject({ status: 200, models: ['a', 'b'], failure: null })
    expect(asked).toEqual(['GET', path, value])
  })

  test("reads Google's list too, and takes no names from one that lists something else", async () => {
    const google = await serve((_request, response) => response.end('{"models":[{"name":"models/gemini-x"}]}'))
    expect(await probe()(provider('gemini', google), key)).toMatchObject({ status: 200, models: ['gemini-x'] })
    const azure = await serve((_request, response) => response.end('{"data":[{"id":"gpt-x"}]}'))
    expect(await probe()(provider('azure-openai', azure), key)).toMatchObject({
      status: 200,
      models: null,
      failure: null,
    })
  })

  test('of a kind without a list asks nothing but says whether its key can be used', async () => {
    const asked: unknown[] = []
    const url = await serve((request, response) => {
      asked.push(request.url)
      response.end('{}')
    })
    const good = await probe()(provider('bedrock', url), { ...key, secret: 'bearer-key' })
    expect(good).toMatchObject({ status: null, failure: null, unasked: true })
    expect(showProbe(good)).toMatchObject({ ok: true, message: expect.stringContaining('no list of models') as string })
    const bad = await probe()(provider('vertex', url), key)
    expect(showProbe(bad)).toMatchObject({ ok: false, message: expect.stringContaining('service account') as string })
    expect(asked).toEqual([])
    expect(JSON.stringify(bad)).not.toContain('sk-secret')
  })

  test.each([
    ['something else than a list', 200, '<html>'],
    ['only the first page', 200, '{"data":[{"id":"a"}],"has_more":true}'],
    ['a refusal', 401, '{"error":{"message":"no"}}'],
  ])('that gets %s does not pretend to know the models', async (_, status, body) => {
    const url = await serve((_request, response) => response.writeHead(status).end(body))
    expect(await probe()(provider('openai', url), key)).toMatchObject({ status, models: null, failure: null })
  })

  test('reads at most eight megabytes', async () => {
    const url = await serve((_request, response) => {
      const block = Buffer.alloc(1 << 20, 32)
      let sent = 0
      const more = (): void => {
        while (sent++ < 64 && response.write(block)) continue
        if (sent <= 64) response.once('drain', more)
        else response.end()
      }
      more()
    })
    expect(await probe()(provider('openai', url), key)).toMatchObject({
      status: 200,
      models: null,
      failure: expect.any(String),
    })
  })

  test('says in words what is wrong, without address or secret', async () => {
    const silent = await serve(() => {})
    const cut = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('x')
      setImmediate(() => response.destroy())
    })
    const results = await Promise.all([
      probe(50)(provider('openai', silent), key),
      probe()(provider('openai', 'http://127.0.0.1:1/v1'), key),
      probe()(provider('openai', silent, []), key),
      probe()(provider('openai', cut), key),
    ])
    expect(results.map((one) => one.failure)).toEqual([
      expect.stringContaining('in time'),
      expect.stringContaining('cannot be reached'),
      expect.stringContaining('private address'),
      expect.stringContaining('before its answer was complete'),
    ])
    expect(JSON.stringify(results)).not.toMatch(/127\.0\.0\.1|sk-secret/)
  })
})
