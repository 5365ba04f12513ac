import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { programVersion } from '../core/kernel/version.ts'
import { connect } from './client.ts'
import { runCli } from '../../test/support/run-cli.ts'

let dir: string
let servers: Server[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-'))
  servers = []
})
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true, force: true })
})

interface Seen {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

const daemon = async (
  where: { path: string } | 'tcp',
  reply: { status?: number; version?: string; body?: unknown } = {},
) => {
  const seen: Seen[] = []
  const handler: RequestListener = (request, response) => {
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (text += chunk))
    request.on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text) as unknown })
      response.writeHead(reply.status ?? 200, {
        'content-type': 'application/json',
        'x-gateway-version': reply.version ?? programVersion,
      })
      response.end(
        typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? { data: [], next_cursor: null }),
      )
    })
  }
  const server = createServer(handler)
  servers.push(server)
  server.listen(where === 'tcp' ? { host: '127.0.0.1', port: 0 } : where)
  await once(server, 'listening')
  const url = where === 'tcp' ? `http://127.0.0.1:${(server.address() as AddressInfo).port}` : ''
  return { url, seen }
}

const cli = (args: string[], env: Record<string, string> = {}) => runCli(args, { connect, env: { HOME: dir, ...env } })

describe('where a command goes', () => {
  test('to the daemon behind the socket when one answers, with the whole input as JSON', async () => {
    const { seen } = await daemon({ path: join(dir, 'gateway.sock') })
    const { code, out } = await cli(['users', 'list', '--json', '--data', dir])
    expect({ code, out }).toEqual({ code: 0, out: '{"data":[],"next_cursor":null}\n' })
    expect(seen[0]).toMatchObject({ path: '/api/admin/operations/users.list', body: { limit: 50 } })
    expect(seen[0]!.headers.authorization).toBeUndefined()
  })
  test('to the given address, with the token and an Idempotency-Key for money', async () => {
    const { url, seen } = await daemon('tcp')
    await cli(['credits', 'grant', 'u', '1', '--json'], { GATEWAY_URL: `${url}/behind/`, GATEWAY_TOKEN: 't0ken' })
    expect(seen[0]).toMatchObject({
      path: '/behind/api/admin/operations/credits.grant',
      headers: { authorization: 'Bearer t0ken' },
    })
    expect(seen[0]!.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  })
  test('--url wins over GATEWAY_URL, and both over a login', async () => {
    const [first, second] = [await daemon('tcp'), await daemon('tcp')]
    writeLogin({ url: second.url, token: 'x' })
    await cli(['users', 'list', '--url', first.url], { GATEWAY_URL: second.url })
    await cli(['users', 'list'], { GATEWAY_URL: first.url })
    expect([first.seen.length, second.seen.length]).toEqual([2, 0])
  })
  test('a login is used when nothing else is said, and its token goes to its own gateway only', async () => {
    const [mine, other] = [await daemon('tcp'), await daemon('tcp')]
    writeLogin({ url: mine.url, token: 'mine' })
    await cli(['users', 'list'])
    await cli(['users', 'list', '--url', other.url])
    expect(mine.seen[0]!.headers.authorization).toBe('Bearer mine')
    expect(other.seen[0]!.headers.authorization).toBeUndefined()
  })
  test('a login that others can read is refused', async () => {
    writeLogin({ url: 'http://127.0.0.1:1', token: 'x' })
    chmodSync(join(dir, '.config/gateway/login.json'), 0o644)
    expect((await cli(['users', 'list'])).code).toBe(78)
  })
  test('login keeps address and token, logout forgets them', async () => {
    const { url } = await daemon('tcp', { body: { version: programVersion } })
    expect((await cli(['login', url, '--token-env', 'GATEWAY_MY_TOKEN'], { GATEWAY_MY_TOKEN: 'abc' })).code).toBe(0)
    expect((await cli(['status', '--json'])).code).toBe(0)
    expect((await cli(['logout'])).out).toContain(url)
    expect((await cli(['status', '--data', join(dir, 'none')])).code).toBe(69)
  })
})

const writeLogin = (login: object): void => {
  mkdirSync(join(dir, '.config/gateway'), { recursive: true })
  writeFileSync(join(dir, '.config/gateway/login.json'), JSON.stringify(login), { mode: 0o600 })
}

describe('what can go wrong', () => {
  test('nobody answers at the address: 69', async () => {
    const { code, err } = await cli(['users', 'list', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(69)
    expect(err).toContain('No gateway answers at http://127.0.0.1:1')
  })
  test('no daemon where one is demanded: 69', async () => {
    expect((await cli(['users', 'list', '--no-direct', '--data', dir])).code).toBe(69)
  })
  test('no database to work on: 69, and nothing is made', async () => {
    const absent = join(dir, 'absent')
    const { code, err } = await cli(['users', 'list', '--data', absent])
    expect(code).toBe(69)
    expect(err).toContain('gateway init')
    expect(() => chmodSync(absent, 0o700)).toThrow('ENOENT')
  })
  test('a socket that a killed daemon left, or a file in its place, counts as stopped', async () => {
    writeFileSync(join(dir, 'gateway.sock'), '')
    const { err } = await cli(['users', 'list', '--data', dir])
    expect(err).toContain('There is no gateway')
  })
  test('another version: 76', async () => {
    const { url } = await daemon('tcp', { version: '99.0.0' })
    const { code, err } = await cli(['users', 'list', '--url', url])
    expect(code).toBe(76)
    expect(err).toContain('99.0.0')
  })
  test.each([
    ['unauthenticated', 401, 4],
    ['forbidden', 403, 4],
    ['not_found', 404, 1],
    ['already_exists', 409, 1],
    ['storage_unavailable', 503, 69],
    ['database_busy', 503, 75],
    ['internal_error', 500, 70],
  ])('%s is exit code %3$d', async (code, status, exit) => {
    const { url } = await daemon('tcp', {
      status,
      body: { code, detail: 'said \u001b[2J so', errors: [{ path: 'email', message: 'odd' }] },
    })
    const shown = await cli(['users', 'list', '--url', url])
    expect(shown.code).toBe(exit)
    expect(shown.err).toContain('said so')
    const json = await cli(['users', 'list', '--url', url, '--json'])
    expect(json.out).toBe('')
    expect(JSON.parse(json.err)).toMatchObject({ error: { code, exit, fields: [{ path: 'email', message: 'odd' }] } })
  })
  test.each(['<html>', '[]', '{"code":"nonsense"}'])('an answer that is not a gateway’s: %s', async (body) => {
    const { url } = await daemon('tcp', { status: 502, body })
    expect((await cli(['users', 'list', '--url', url])).code).toBe(69)
  })
  test('a broken configuration: 78, before anything is asked', async () => {
    const { seen } = await daemon({ path: join(dir, 'gateway.sock') })
    const { code, err } = await cli(['users', 'list', '--data', dir], { GATEWAY_PROT: '1' })
    expect(code).toBe(78)
    expect(err).toContain('Did you mean GATEWAY_PORT?')
    expect(seen).toEqual([])
  })
})
