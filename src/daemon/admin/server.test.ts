import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestApp } from '../../../test/support/admin-app.ts'
import type { TestApp } from '../../../test/support/admin-app.ts'
import { createBootstrap } from '../../core/identity/bootstrap.ts'
import { programVersion } from '../../core/kernel/version.ts'
import { operations } from '../../core/operations.ts'
import type { Readiness } from './health.ts'
import { buildAdminServer } from './server.ts'

let app: TestApp
let local: FastifyInstance
let remote: FastifyInstance
let tokens: { admin: string; operator: string; revoked: string; expired: string }
let readiness: Readiness = { ok: true }
const logged: object[] = []

beforeAll(async () => {
  app = await openTestApp()
  const logger = { error: (details: object) => void logged.push(details) }
  local = buildAdminServer(app, { trust: 'local', logger })
  remote = buildAdminServer(app, { trust: 'token', logger, readiness: () => readiness })
  const create = async (name: string, role: string, more: object = {}): Promise<string> =>
    (await app.call('tokens.create', { name, role, ...more })).secret
  app.clock.offset = -7_200_000
  const expires = new Date(Date.now() - 3_600_000).toISOString()
  const expired = await create('expired', 'admin', { expires_at: expires })
  app.clock.offset = 0
  tokens = {
    admin: await create('admin', 'admin'),
    operator: await create('operator', 'operator'),
    revoked: await create('revoked', 'admin'),
    expired,
  }
  await app.call('tokens.revoke', { token: 'revoked' })
  await app.call('users.create', { email: 'ada@example.com' })
})
afterAll(async () => {
  await Promise.all([local.close(), remote.close()])
  await app.close()
})

const as = (token: string) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }

/** Path of a route with something in the place of its parameters. */
const example = (path: string): string => `/api/admin${path.replace(/:[a-z_]+/g, 'x')}`

describe('over the network', () => {
  test('every route asks for a valid admin token and says nothing else without one', async () => {
    const strangers: Record<string, string>[] = [
      {},
      as(tokens.revoked),
      as(tokens.expired),
      as(tokens.admin.slice(0, -1)),
      as(`sk-tg-${'A'.repeat(49)}`),
      { authorization: tokens.admin },
      { authorization: `Basic ${btoa(`admin:${tokens.admin}`)}` },
      { authorization: 'Bearer' },
      { authorization: 'Bearer ' },
      { 'x-api-key': tokens.admin },
      { cookie: `token=${tokens.admin}` },
    ]
    const routes = [
      ...operations.map(({ method, path }) => ({ method, url: example(path) })),
      ...operations.map(({ id }) => ({ method: 'POST' as const, url: `/api/admin/operations/${id}` })),
      { method: 'GET' as const, url: '/api/admin/operations' },
      { method: 'GET' as const, url: '/api/system/info' },
    ]
    for (const route of routes) {
      for (const headers of strangers) {
        const answer = await remote.inject({ ...route, headers })
        expect(answer.statusCode, `${route.method} ${route.url}`).toBe(401)
        expect(answer.json().code).toBe('unauthenticated')
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
        expect(answer.headers['x-gateway-version']).toBeUndefined()
      }
    }
  })

  test('an operator may do what operators may, over both routes, and nothing more', async () => {
    for (const { id, method, path, role } of operations) {
      const rest = await remote.inject({ method, url: example(path), headers: as(tokens.operator) })
      const call = await remote.inject({
        method: 'POST',
        url: `/api/admin/operations/${id}`,
        headers: { ...as(tokens.operator), ...json },
        payload: '{"unknown_field":1}',
      })
      const forbidden = role === 'admin'
      expect(rest.statusCode === 403, `${method} ${path}`).toBe(forbidden)
      expect(call.statusCode, id).toBe(forbidden ? 403 : 400)
    }
  })

  test('tricks with the path and with headers open nothing', async () => {
    const paths = [
      '//api/admin/users',
      '/api/admin//users',
      '/api/admin/users/',
      '/API/ADMIN/users',
      '/api/admin/%75sers',
      '/api/admin/users;x=1',
      '/api/admin/./users',
      '/api%2fadmin%2fusers',
      '/health/../api/admin/users',
      '/api/admin/users?token=x',
      '/api/admin/users%00',
      '/api/admin/%zz',
    ]
    const headers = {
      host: 'localhost',
      'x-forwarded-for': '127.0.0.1',
      'x-original-url': '/health',
      'x-http-method-override': 'GET',
      'x-forwarded-user': 'local:root',
    }
    for (const url of paths) {
      const answer = await remote.inject({ method: 'GET', url, headers })
      expect([400, 401, 404], url).toContain(answer.statusCode)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    }
  })

  test('health is open, tells when the gateway is not ready, and no more', async () => {
    const status = async (url: string) => {
      const answer = await remote.inject(url)
      return [answer.statusCode, answer.json()]
    }
    expect(await status('/health')).toEqual([200, { status: 'ok' }])
    expect(await status('/health/ready')).toEqual([200, { status: 'ok' }])
    readiness = { ok: false, reason: 'draining' }
    expect(await status('/health')).toEqual([200, { status: 'unavailable', reason: 'draining' }])
    expect(await status('/health/ready')).toEqual([503, { status: 'unavailable', reason: 'draining' }])
    expect(await status('/health/live')).toEqual([200, { status: 'ok' }])
    readiness = { ok: true }
    expect((await remote.inject({ method: 'HEAD', url: '/health' })).statusCode).toBe(200)
  })
})

test('the bootstrap code makes the first admin over the network, and needs no token', async () => {
  const fresh = await openTestApp()
  const bootstrap = await createBootstrap(fresh)
  const server = buildAdminServer(fresh, { trust: 'token', bootstrap })
  const post = async (payload: object) => {
    const answer = await server.inject({ method: 'POST', url: '/api/admin/bootstrap', headers: json, payload })
    return { status: answer.statusCode, body: answer.json() }
  }
  try {
    const email = 'first@example.com'
    expect(await post({ code: 'wrong', email })).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(await post({ code: bootstrap.code, email, role: 'admin' })).toMatchObject({ status: 400 })
    const made = await post({ code: bootstrap.code, email })
    expect(made).toMatchObject({ status: 201, body: { user: { email, role: 'admin' } } })
    const info = await server.inject({ url: '/api/system/info', headers: as(made.body.token) })
    expect(info.statusCode).toBe(200)
    expect(await post({ code: bootstrap.code, email })).toMatchObject({ status: 401 })
  } finally {
    await server.close()
    await fresh.close()
  }
})

describe('one operation, two routes', () => {
  test('the REST route and the route by id do the same', async () => {
    const headers = { ...as(tokens.admin), ...json }
    const created = await remote.inject({
      method: 'POST',
      url: '/api/admin/users',
      headers,
      payload: '{"email":"rest@example.com"}',
    })
    expect(created.statusCode).toBe(201)
    const byPath = await remote.inject({ url: '/api/admin/users/rest@example.com', headers })
    const byId = await remote.inject({
      method: 'POST',
      url: '/api/admin/operations/users.show',
      headers,
      payload: '{"user":"rest@example.com"}',
    })
    expect(byPath.json()).toEqual(created.json())
    expect(byId.json()).toEqual(created.json())
    expect(byPath.headers).toMatchObject({ 'cache-control': 'no-store', 'x-gateway-version': programVersion })
  })

  test('numbers of a query become numbers, fields of path and body may not contradict each other', async () => {
    const headers = { ...as(tokens.admin), ...json }
    const status = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: string) =>
      (await remote.inject({ method, url, headers, ...(payload !== undefined && { payload }) })).statusCode
    expect(await status('GET', '/api/admin/users?limit=1&q=ada')).toBe(200)
    expect(await status('GET', '/api/admin/users?limit=1&page=2&sort=-email')).toBe(200)
    expect(await status('GET', '/api/admin/users?sort=password_hash')).toBe(400)
    expect(await status('GET', '/api/admin/users?limit=0')).toBe(400)
    expect(await status('GET', '/api/admin/users?limit=1&limit=2')).toBe(400)
    expect(await status('GET', '/api/admin/users?filter[a][b]=1')).toBe(400)
    expect(await status('GET', '/api/admin/users?__proto__[x]=1')).toBe(400)
    expect(await status('GET', '/api/admin/users?__proto__=1')).toBe(400)
    expect(await status('GET', '/api/admin/users?sort=password_hash')).toBe(400)
    expect(await status('GET', '/api/admin/users/ada@example.com?user=root@example.com')).toBe(400)
    expect(await status('POST', '/api/admin/users?email=x@example.com', '{}')).toBe(400)
    expect(await status('PUT', '/api/admin/users/ada@example.com/role', '{"user":"x","role":"admin"}')).toBe(400)
    expect(await status('PUT', '/api/admin/users/ada@example.com/role', '{"role":"operator"}')).toBe(200)
    expect(await status('DELETE', '/api/admin/users/nobody@example.com')).toBe(404)
  })

  test('the list of operations describes every one with the schema of its input and output', async () => {
    const { data } = (await remote.inject({ url: '/api/admin/operations', headers: as(tokens.operator) })).json()
    expect(data.map(({ id }: { id: string }) => id)).toEqual(operations.map(({ id }) => id))
    for (const { input, output, path } of data) {
      expect(input).toMatchObject({ type: 'object', additionalProperties: false })
      expect(output.type ?? output.anyOf).toBeDefined()
      expect(path).toMatch(/^\/api\/admin\//)
    }
  })
})

describe('refusals are problem documents', () => {
  const post = (payload: string | Buffer, headers: Record<string, string> = json, url = '/api/admin/users') =>
    local.inject({ method: 'POST', url, headers, payload })

  test.each([
    ['not JSON', '{"email":', 400, 'invalid_json'],
    ['a key twice', '{"email":"a@example.com","email":"b@example.com"}', 400, 'duplicate_key'],
    ['no object', '["a@example.com"]', 400, 'invalid_request'],
    ['too deep', `{"email":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, 400, 'json_too_deep'],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'invalid_utf8'],
    ['a wrong type', '{"email":{"$ne":1}}', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['an unknown field', '{"email":"a@example.com","balance":"9"}', 400, 'invalid_request'],
    ['__proto__', '{"email":"a@example.com","__proto__":{"role":"admin"}}', 400, 'invalid_request'],
    ['too large', `{"email":"${'a'.repeat(1024 * 1024)}"}`, 413, 'request_too_large'],
  ])('%s', async (_what, payload, status, code) => {
    const answer = await post(payload)
    expect(answer.statusCode).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toMatchObject({ status, code, type: `urn:tollgate:error:${code}`, title: expect.any(String) })
    expect(answer.json().request_id).toBe(answer.headers['x-gateway-request-id'])
  })

  test('validation names the fields', async () => {
    const answer = await post('{"email":"a@example.com","role":"root","balance":"9"}')
    expect(answer.json().errors).toEqual([
      { path: 'role', message: expect.stringContaining('admin') },
      { path: 'balance', message: 'This field is unknown.' },
    ])
  })

  test.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/json; charset=utf-16' }],
    [{ 'content-type': 'application/json, text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('another kind of body than plain JSON: %j', async (headers) => {
    const answer = await post('{"email":"a@example.com"}', headers)
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'unsupported_media_type'])
  })

  test('an unknown path is 404, a known one with another method 405 with the methods that are allowed', async () => {
    for (const url of ['/api/admin/nothing', '/', '/api/admin', '/api/admin/operations/nothing.here']) {
      const answer = await local.inject({ method: 'POST', url, headers: json, payload: '{}' })
      expect([answer.statusCode, answer.json().code], url).toEqual([404, 'not_found'])
    }
    const answer = await local.inject({ method: 'DELETE', url: '/api/admin/audit-logs' })
    expect([answer.statusCode, answer.json().code, answer.headers.allow]).toEqual([405, 'method_not_allowed', 'GET'])
  })

  test('a bug of ours is a 500 without its text, and is logged with it', async () => {
    const broken = buildAdminServer(
      { ...app, users: { ...app.users, list: () => Promise.reject(new Error('canary: internal text')) } },
      { trust: 'local', logger: { error: (details) => void logged.push(details) } },
    )
    const answer = await broken.inject('/api/admin/users')
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal_error'])
    expect(answer.body).not.toContain('canary')
    expect(logged.at(-1)).toMatchObject({
      err: { message: 'canary: internal text' },
      request_id: answer.json().request_id,
    })
    await broken.close()
  })

  test('a client of another version is refused before anything happens', async () => {
    const answer = await local.inject({
      method: 'POST',
      url: '/api/admin/users',
      headers: { ...json, 'x-gateway-version': '99.0.0' },
      payload: '{"email":"other-version@example.com"}',
    })
    expect(answer.json().code).toBe('version_mismatch')
    expect((await app.call('users.list', { q: 'other-version' })).data).toEqual([])
  })
})

describe('money', () => {
  test('needs an Idempotency-Key, also on the socket; the same key twice books once', async () => {
    const url = '/api/admin/credits/grant'
    const payload = '{"user":"ada@example.com","amount":"1"}'
    const without = await local.inject({ method: 'POST', url, headers: json, payload })
    expect([without.statusCode, without.json().code]).toEqual([428, 'idempotency_required'])
    const headers = { ...json, 'idempotency-key': randomUUID() }
    const twice = await Promise.all([1, 2].map(() => local.inject({ method: 'POST', url, headers, payload })))
    expect(twice.map(({ statusCode }) => statusCode)).toEqual([200, 200])
    expect(twice[0]!.json()).toEqual(twice[1]!.json())
    const other = await local.inject({ method: 'POST', url, headers, payload: payload.replace('"1"', '"2"') })
    expect([other.statusCode, other.json().code]).toEqual([422, 'idempotency_mismatch'])
    expect((await app.call('credits.balance', { user: 'ada@example.com' })).available).toBe('1')
  })
})

describe('over real connections', () => {
  const send = async (options: RequestOptions, body?: string) => {
    const outgoing = request({ agent: false, ...options })
    outgoing.end(body)
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of incoming) text += String(chunk)
    return { status: incoming.statusCode, body: JSON.parse(text) as Record<string, unknown> }
  }

  test('whoever can open the socket is an admin and is audited as the user of this machine', async () => {
    const socketPath = join(app.dataDir, 'test.sock')
    const server = buildAdminServer(app, { trust: 'local' })
    await server.listen({ path: socketPath })
    try {
      const created = await send(
        { socketPath, method: 'POST', path: '/api/admin/users', headers: json },
        '{"email":"socket@example.com"}',
      )
      expect(created.status).toBe(201)
      const { data } = await app.call('audit.list', { target: created.body['id'] })
      expect(data[0].actor).toBe(`local:${userInfo().username}`)
    } finally {
      await server.close()
    }
  })

  test('a server that somebody else made can hand requests over', async () => {
    await remote.ready()
    const server = createServer((incoming, outgoing) => remote.routing(incoming, outgoing)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    try {
      const info = await send({ port, path: '/api/system/info', headers: as(tokens.admin) })
      expect(info).toMatchObject({ status: 200, body: { name: 'tollgate', version: programVersion } })
    } finally {
      server.close()
    }
  })

  test('what is no HTTP and what comes too slowly is closed, and the server goes on', async () => {
    const server = buildAdminServer(app, { trust: 'local' })
    await server.listen({ host: '127.0.0.1', port: 0 })
    const { port } = server.server.address() as { port: number }
    expect(server.server).toMatchObject({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 10_000 })
    try {
      const socket = connect(port, '127.0.0.1')
      socket.end('NONSENSE\r\n\r\n')
      let text = ''
      for await (const chunk of socket) text += String(chunk)
      expect(text).toMatch(/^HTTP\/1\.1 400 /)
      expect((await send({ port, path: '/health' })).status).toBe(200)
    } finally {
      await server.close()
    }
  })
})
