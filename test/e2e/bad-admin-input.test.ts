import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, ensureBuilt, removeDataDir, startGateway } from '../support/gateway.ts'
import { sendRaw } from '../support/raw-http.ts'
import { postBytes } from '../support/scene.ts'

/** What the admin plane refuses before an operation sees it, over the network and with a good token. */
let gateway: Gateway
let token = ''
beforeAll(async () => {
  ensureBuilt()
  gateway = await startGateway()
  token = (await gateway.call<{ secret: string }>('tokens.create', { name: 'test', role: 'admin' })).secret
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  removeDataDir(gateway.dataDir)
})

const json = JSON.stringify
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const send = (path: string, body: string | Buffer, headers: Record<string, string>) =>
  postBytes(gateway, path, null, body, headers)

const path = '/api/admin/operations/users.create'
const valid = { email: 'somebody@example.com' }
type Row = readonly [what: string, body: string | Buffer, status: number, headers: Record<string, string>]
const cases = (
  [
    ['a cut body', '{"email":', 400],
    ['two documents', '{}{}', 400],
    ['null', 'null', 400],
    ['an array', '[]', 400],
    ['depth 20 000', `{"email":${nested(20_000)}}`, 400],
    ['300 000 values', `{"email":[${'1,'.repeat(300_000)}1]}`, 400],
    ['a key twice', '{"email":"a@example.com","email":"b@example.com"}', 400],
    ['a key twice, once in escapes', '{"email":"a@example.com","\\u0065mail":"b@example.com"}', 400],
    ['bytes that are not UTF-8', Buffer.from('{"email":"\xff@example.com"}', 'latin1'), 400],
    ['__proto__', '{"email":"a@example.com","__proto__":{"role":"admin"}}', 400],
    ['__proto__ in escapes', '{"email":"a@example.com","\\u005f_proto__":{"role":"admin"}}', 400],
    ['constructor', '{"email":"a@example.com","constructor":{"prototype":{}}}', 400],
    ['an unknown field', json({ ...valid, balance: '1000' }), 400],
    ['a lone surrogate in a name', '{"email":"a@example.com","name":"\\ud800"}', 400],
    ['NUL in a name', '{"email":"a@example.com","name":"a\\u0000b"}', 400],
    ['controls of direction in a name', json({ ...valid, name: 'a\u202eb' }), 400],
    ['a number for a text', '{"email":5}', 400],
    ['an object for a text', '{"email":{"$ne":1}}', 400],
    ['null for what is required', '{"email":null}', 400],
    ['text/plain', json(valid), 415, { 'content-type': 'text/plain' }],
    ['a form', 'email=a', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['multipart', '--x--', 415, { 'content-type': 'multipart/form-data; boundary=x' }],
    ['UTF-16', json(valid), 415, { 'content-type': 'application/json; charset=utf-16' }],
    ['no type', Buffer.from(json(valid)), 415, { 'content-type': '' }],
    ['gzip', json(valid), 415, { 'content-encoding': 'gzip' }],
    ['a body over the limit', json({ ...valid, name: 'x'.repeat(1_100_000) }), 413],
    ['a body from a stranger', json(valid), 401, { authorization: 'Bearer tgadm-x' }],
    ['the API key of a user', json(valid), 401, { authorization: 'Bearer sk-tg-x' }],
    ['Basic', json(valid), 401, { authorization: 'Basic eDp5' }],
    ['an API key in x-api-key', json(valid), 401, { authorization: '', 'x-api-key': 'sk-tg-x' }],
    ['a token in the query', json(valid), 401, { authorization: '' }],
  ] as readonly (readonly [string, string | Buffer, number, Row[3]?])[]
).map(([what, body, status, headers]): Row => [what, body, status, headers ?? {}])

test.each(cases)('refuses %s', async (_, body, status, headers) => {
  const answer = await send(path, body, { authorization: `Bearer ${token}`, ...headers })
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status })
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const problem = JSON.parse(answer.text) as Record<string, unknown>
  expect(problem).toMatchObject({ status, request_id: answer.headers.get('x-gateway-request-id') })
  for (const field of ['type', 'title', 'detail', 'code']) expect(problem[field]).toEqual(expect.any(String))
  expect(answer.text).not.toContain(token)
  const { data } = await gateway.call<{ data: object[] }>('users.list', { q: 'somebody' })
  expect(data).toEqual([])
})

test('accepts a byte order mark', async () => {
  const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(json({ email: 'marked@example.com' }))])
  expect((await send(path, body, { authorization: `Bearer ${token}` })).status).toBe(200)
})

test('knows no two tokens, and no token twice', async () => {
  const { host } = new URL(gateway.url)
  const line = `Authorization: Bearer ${token}\r\n`
  const bytes = `GET /api/admin/users HTTP/1.1\r\nHost: ${host}\r\n${line}${line}\r\n`
  const answer = await sendRaw(gateway.url, [bytes], { until: 1 })
  expect(answer.responses.map((response) => response.status)).toEqual([401])
})

test('nothing of it broke inside', () => {
  expect(gateway.log()).not.toMatch(/internal_error|TypeError/)
})
