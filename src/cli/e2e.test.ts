import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const main = join(import.meta.dirname, 'main.ts')

let dir: string
let children: ChildProcess[]
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-e2e-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: dir,
  ...more,
})

const start = (args: readonly string[], env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: environment(env) })
  children.push(child)
  return child
}

const run = async (args: readonly string[], env: Record<string, string> = {}) => {
  const child = start(args, env)
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number]>,
  ])
  return { code, out, err }
}

const json = async (args: readonly string[], env?: Record<string, string>): Promise<Record<string, unknown>> => {
  const { code, out, err } = await run([...args, '--json'], env)
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code} ${err}`)
  return JSON.parse(out) as Record<string, unknown>
}

/** A daemon that listens, and how to stop it. */
const serve = async (data: string) => {
  const child = start(['serve', '--json', '--port', '0', '--data', data])
  child.stderr.resume()
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { url, pid } = JSON.parse(line) as { event: string; url: string; pid: number }
  return {
    url,
    pid,
    async stop() {
      child.kill('SIGTERM')
      return ((await once(child, 'exit')) as [number])[0]
    },
  }
}

test('the demo answers, streams, explains, proves its books and leaves nothing behind', async () => {
  const { code, out, err } = await run(['demo', '--once'], { GATEWAY_PORT: 'not even a number' })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/An OpenAI client asks demo-smart/)
  expect(out).toMatch(/An Anthropic client streams from demo-fast/)
  expect(out.match(/Receipt for req_/g)).toHaveLength(2)
  expect(out.match(/rounded up {3}0\.\d+ credits/g)).toHaveLength(2)
  expect(out).toMatch(/every balance follows from its transfers/)
})

test('the demo as JSON: what was spent is what the receipts say', async () => {
  const demo = await json(['demo', '--once'])
  const requests = demo['requests'] as {
    cost: string
    usage_quality: string
    request: { status: number; stream: boolean }
  }[]
  expect(requests.map(({ request, usage_quality: quality }) => [request.status, request.stream, quality])).toEqual([
    [200, false, 'exact'],
    [200, true, 'exact'],
  ])
  const nanos = (credits: string): bigint => BigInt(Math.round(Number(credits) * 1e9))
  const balance = demo['balance'] as { spent: string }
  expect(requests.reduce((sum, { cost }) => sum + nanos(cost), 0n)).toBe(nanos(balance.spent))
})

describe('one gateway, three ways to reach it', () => {
  test('what is done directly, through the socket and over HTTP is the same gateway', async () => {
    const data = join(dir, 'data')
    const at = ['--data', data]
    const { token } = (await json(['init', ...at])) as { token: string }
    expect(statSync(data).mode & 0o777).toBe(0o700)
    await json(['users', 'create', 'direct@example.com', ...at])
    expect(await json(['init', ...at])).toEqual({ data_dir: data, created: false, token: null })

    const daemon = await serve(data)
    const socket = [...at, '--no-direct']
    const http = { GATEWAY_URL: daemon.url, GATEWAY_TOKEN: token }
    expect(await json(['status', ...socket])).toMatchObject({ mode: 'daemon', url: daemon.url, pid: daemon.pid })
    await json(['users', 'create', 'socket@example.com', ...socket])
    await json(['users', 'create', 'http@example.com'], http)
    await json(['credits', 'grant', 'http@example.com', '3', '--idempotency-key', 'once'], http)
    await json(['credits', 'grant', 'http@example.com', '3', '--idempotency-key', 'once'], http)
    expect((await run(['credits', 'adjust', 'http@example.com', '-4', '--note', 'too much', ...at])).code).toBe(1)

    const commands = [
      ['users', 'list'],
      ['credits', 'history', 'http@example.com'],
      ['credits', 'balance', 'http@example.com'],
      ['tokens', 'list'],
      ['credits', 'verify'],
    ]
    for (const command of commands) {
      const [bySocket, byHttp, directly] = await Promise.all([
        json([...command, ...socket]),
        json(command, http),
        json([...command, ...at, '--direct']),
      ])
      expect(byHttp).toEqual(bySocket)
      expect(directly).toEqual(bySocket)
    }
    expect((await json(['credits', 'balance', 'http@example.com', ...at]))['available']).toBe('3')

    expect(
      (
        await run(['users', 'list'], {
          ...http,
          GATEWAY_TOKEN: `${token.slice(0, -1)}${token.endsWith('x') ? 'y' : 'x'}`,
        })
      ).code,
    ).toBe(4)
    expect((await run(['users', 'list'], { GATEWAY_URL: daemon.url })).code).toBe(4)
    expect(await daemon.stop()).toBe(0)
    expect((await run(['status', ...socket])).code).toBe(69)
    expect(await json(['status', ...at])).toMatchObject({ mode: 'direct', users: 3 })
  })

  test('a simulated provider can be tried whether a daemon runs or not', async () => {
    const at = ['--data', join(dir, 'data')]
    await json(['providers', 'add', 'sim', '--kind', 'simulated', ...at])
    await json(['provider-keys', 'add', 'sim', '--label', 'k', '--secret-env', 'GATEWAY_K', ...at], { GATEWAY_K: 'x' })
    await json(['models', 'create', 'm', '--target', 'sim/sim-fast', '--free', ...at])
    const tests = [
      ['providers', 'test', 'sim'],
      ['models', 'test', 'm'],
      ['provider-keys', 'test', 'k'],
    ]
    const results = (): Promise<unknown[]> =>
      Promise.all(tests.map(async (test) => (await json([...test, ...at]))['ok']))
    expect(await results()).toEqual([true, true, true])
    const daemon = await serve(join(dir, 'data'))
    expect(await results()).toEqual([true, true, true])
    expect(await daemon.stop()).toBe(0)
  })

  test('a second daemon on the same data is refused as busy', async () => {
    const daemon = await serve(join(dir, 'data'))
    const { code } = await run(['serve', '--port', '0', '--data', join(dir, 'data')])
    expect(code).toBe(75)
    expect(await daemon.stop()).toBe(0)
  })
})

test('a request log that was lost is begun anew, and everybody is told', async () => {
  const data = join(dir, 'data')
  await json(['init', '--data', data])
  rmSync(join(data, 'usage.db'))
  // The ledger is older than the second in which both would have been made.
  const ledger = new Database(join(data, 'gateway.db'))
  ledger.exec('update migrations set applied_at = applied_at - 3600000')
  ledger.close()

  const child = start(['serve', '--port', '0', '--data', data])
  const lines: string[] = []
  const reader = createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
  const closed = once(reader, 'close')
  await once(createInterface({ input: child.stdout }), 'line')
  const { out } = await run(['status', '--data', data])
  expect(out).toMatch(/request log: +begun anew/)
  expect(await json(['db', 'status', '--data', data])).toMatchObject({ request_log: { replaced: true } })
  child.kill('SIGTERM')
  await closed
  expect(lines.filter((line) => line.includes('usage.db was missing'))).toHaveLength(1)
  for (const file of readdirSync(join(data, 'logs'))) {
    expect([file, statSync(join(data, 'logs', file)).mode & 0o777]).toEqual([file, 0o600])
  }
  expect((await run(['status', '--data', data])).err).toBe('')
  rmSync(join(data, 'usage.db'))
  expect((await run(['status', '--data', data])).err).toContain('usage.db was missing')
})

describe('a start that cannot be', () => {
  test.each([
    ['a zero-length', ''],
    ['a foreign', 'this is no database at all'],
  ])('%s database is refused with 74 and left as it is', async (_name, content) => {
    mkdirSync(join(dir, 'data'), { mode: 0o700 })
    writeFileSync(join(dir, 'data/gateway.db'), content)
    for (const command of [['serve', '--port', '0'], ['users', 'list'], ['init']]) {
      expect([command[0], (await run([...command, '--data', join(dir, 'data')])).code]).toEqual([command[0], 74])
    }
    expect(readFileSync(join(dir, 'data/gateway.db'), 'utf8')).toBe(content)
  })
  test('something else in the place of the socket is 78, named and left alone', async () => {
    const socket = join(dir, 'data/gateway.sock')
    mkdirSync(socket, { recursive: true, mode: 0o700 })
    const { code, err } = await run(['serve', '--port', '0', '--data', join(dir, 'data')])
    expect({ code, named: err.includes(`${socket} is a directory`) }).toEqual({ code: 78, named: true })
    rmSync(socket, { recursive: true })
    writeFileSync(socket, 'mine')
    expect((await run(['serve', '--port', '0', '--data', join(dir, 'data')])).code).toBe(78)
    expect(readFileSync(socket, 'utf8')).toBe('mine')
  })
  test('a broken configuration is 78, a wrong flag 2, an address in use 69', async () => {
    mkdirSync(join(dir, 'data'), { mode: 0o700 })
    writeFileSync(join(dir, 'data/gateway.yaml'), 'prot: 1\n')
    expect((await run(['serve', '--data', join(dir, 'data')])).code).toBe(78)
    expect((await run(['serve', '--port', '99999', '--data', join(dir, 'other')])).code).toBe(2)
    const daemon = await serve(join(dir, 'first'))
    const { code, err } = await run(['serve', '--port', new URL(daemon.url).port, '--data', join(dir, 'second')])
    expect({ code, named: err.includes('in use') }).toEqual({ code: 69, named: true })
    expect(await daemon.stop()).toBe(0)
  })
})

test('a reader that goes away is no error', async () => {
  const child = start(['--help'])
  child.stdout.destroy()
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>])
  expect({ code, err }).toEqual({ code: 0, err: '' })
})
