import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { prepareDataDir } from './data-dir.ts'
import { describeConfig, renderConfigReference } from './describe.ts'
import { loadConfig } from './load.ts'
import { loadMasterKey } from './master-key.ts'
import { defaultConfig, options } from './options.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'config-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const file = (content: string | Uint8Array, name = 'gateway.yaml', mode = 0o600): string => {
  const path = join(dir, name)
  writeFileSync(path, content, { mode })
  return path
}
const load = (given: Omit<Parameters<typeof loadConfig>[0], 'cwd'> = {}) =>
  loadConfig({ env: {}, cwd: dir, ...given, flags: { data: dir, ...given.flags } })
const refusal = (work: () => unknown): GatewayError => {
  try {
    work()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was accepted')
}
const key = 'a3f1'.repeat(4) + '0123456789abcdef'.repeat(3)

describe('precedence', () => {
  test('flags win over the environment, the environment over the file, the file over defaults', () => {
    file('port: 1\nhost: 10.0.0.1\nlog_level: debug\n')
    const { config, origins } = load({ flags: { port: '3' }, env: { GATEWAY_PORT: '2', GATEWAY_HOST: '::1' } })
    expect(config).toMatchObject({ port: 3, host: '::1', logLevel: 'debug', drainTimeoutMs: 30_000 })
    expect([origins.port, origins.host, origins.logLevel, origins.recovery].map(({ source }) => source)).toEqual([
      'flag',
      'environment',
      'file',
      'default',
    ])
  })
  test('the defaults are those of the contract, and frozen', () => {
    const { config } = load()
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 4100,
      workers: 1,
      registration: 'closed',
      databaseUrl: null,
    })
    expect(config).toEqual(defaultConfig(dir))
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.trustedProxies)).toBe(true)
  })
  test('the data directory is --data, else GATEWAY_DATA, else XDG, else the home directory', () => {
    const at = (env: Record<string, string>, data?: string) =>
      loadConfig({ env, cwd: '/w', flags: { data } }).config.dataDir
    expect(at({ GATEWAY_DATA: '/env', XDG_DATA_HOME: '/xdg', HOME: '/home/u' }, 'here')).toBe('/w/here')
    expect(at({ GATEWAY_DATA: '/env', XDG_DATA_HOME: '/xdg', HOME: '/home/u' })).toBe('/env')
    expect(at({ XDG_DATA_HOME: '/xdg', HOME: '/home/u' })).toBe('/xdg/gateway')
    expect(at({ XDG_DATA_HOME: 'relative', HOME: '/home/u' })).toBe('/home/u/.local/share/gateway')
  })
})

describe('the file', () => {
  test('is YAML or JSON, with a byte order mark or CRLF', () => {
    expect(
      load({ file: file('{\n\t"port": 5,\n\t"trusted_proxies": ["10.0.0.0/8"]\n}', 'c.json') }).config,
    ).toMatchObject({ port: 5, trustedProxies: ['10.0.0.0/8'] })
    expect(
      load({ file: file('\uFEFFport: 6\r\nmax_body: 64MiB\r\nidle_timeout: 2m\r\n', 'c.yaml') }).config,
    ).toMatchObject({
      port: 6,
      maxBodyBytes: 64 * 1024 ** 2,
      idleTimeoutMs: 120_000,
    })
    expect(load({ file: file('# only a comment\n', 'd.yaml') }).config.port).toBe(4100)
  })
  const cases: readonly [string, string | Uint8Array][] = [
    ['empty', ''],
    ['binary', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['a list', '- a\n'],
    ['a scalar', 'hello'],
    ['duplicate keys', 'port: 1\nport: 2\n'],
    ['several documents', 'port: 1\n---\nport: 2\n'],
    ['aliases', 'a: &a [x]\nb: [*a, *a]\n'],
    ['__proto__', '__proto__:\n  port: 1\n'],
    ['a syntax error', 'port: [1'],
    ['too large', `# ${'x'.repeat(300_000)}`],
    ['a section where a value belongs', 'port:\n  number: 1\n'],
    ['null', 'port: ~\n'],
  ]
  test.each(cases)('%s is refused with exit 78', (_name, content) => {
    expect(refusal(() => load({ file: file(content) })).exit).toBe(78)
  })
  test('a path that is missing, a directory, a device or a loop is refused at once', () => {
    mkdirSync(join(dir, 'd'))
    symlinkSync('loop', join(dir, 'loop'))
    for (const path of ['absent.yaml', 'd', '/dev/zero', 'loop'])
      expect(refusal(() => load({ file: path })).exit).toBe(78)
  })
  test('a secret in a file that others can read is refused; in a closed file it is taken', () => {
    const content = `master_key: ${key}\n`
    const error = refusal(() => load({ file: file(content, 'open.yaml', 0o644) }))
    expect(error.message).toContain('chmod 600')
    expect(error.message).not.toContain(key)
    expect(load({ file: file(content, 'closed.yaml') }).config.masterKey).toBe(key)
  })
})

describe('wrong values', () => {
  test('all problems are listed at once, with the nearest name for each unknown one', () => {
    file('prot: 1\nlog_level: loud\n')
    const error = refusal(() => load({ env: { GATEWAY_HOTS: 'x', GATEWAY_WORKERS: '-1' } }))
    expect(error.exit).toBe(78)
    expect(error.message).toMatch(/4 options are wrong/)
    expect(error.message).toMatch(/prot: .*Did you mean port\?/)
    expect(error.message).toMatch(/GATEWAY_HOTS: .*Did you mean GATEWAY_HOST\?/)
    expect(error.details.fields).toHaveLength(4)
  })
  test.each([
    ['GATEWAY_PORT', '65536'],
    ['GATEWAY_PORT', '-1'],
    ['GATEWAY_PORT', '1e3'],
    ['GATEWAY_PORT', ''],
    ['GATEWAY_HOST', 'a b'],
    ['GATEWAY_CONNECT_TIMEOUT', '-5s'],
    ['GATEWAY_CONNECT_TIMEOUT', '10'],
    ['GATEWAY_MAX_BODY', '9TB'],
    ['GATEWAY_TRUSTED_PROXIES', 'true'],
    ['GATEWAY_TRUSTED_PROXIES', '1'],
    ['GATEWAY_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['GATEWAY_MASTER_KEY', 'short'],
    ['GATEWAY_MASTER_KEY', '0'.repeat(64)],
    ['GATEWAY_MASTER_KEY_FILE', '/absent'],
    ['GATEWAY_DATABASE_URL', 'mysql://x'],
    ['GATEWAY_DATABASE_URL', 'postgres://u:p@h/d'],
    ['GATEWAY_WORKERS', '2'],
    ['GATEWAY_DATA', ''],
    ['GATEWAY_ADMIN_HOST', '127.0.0.2'],
    ['GATEWAY_ADMIN_PORT', '4100'],
  ])('%s=%s is exit 78', (name, value) => {
    const error = refusal(() => loadConfig({ env: { HOME: dir, [name]: value }, cwd: dir }))
    expect(error.exit).toBe(78)
    expect(error.message).toContain(name.replace('_FILE', ''))
  })
  test('a wrong flag alone is a usage error', () => {
    expect(refusal(() => load({ flags: { port: 'abc' } })).exit).toBe(2)
  })
  test('variables that Kubernetes sets for a service named gateway are not ours', () => {
    const env = { GATEWAY_SERVICE_HOST: '10.0.0.1', GATEWAY_SERVICE_PORT: '80', GATEWAY_PORT_4100_TCP_ADDR: '10.0.0.1' }
    expect(load({ env }).config.port).toBe(4100)
  })
})

describe('secrets', () => {
  test('each may come from a file, but not from both', () => {
    const env = { GATEWAY_MASTER_KEY_FILE: file(`${key}\n`, 'k') }
    expect(load({ env }).config.masterKey).toBe(key)
    expect(load({ env }).origins.masterKey.name).toBe('GATEWAY_MASTER_KEY_FILE')
    expect(refusal(() => load({ env: { ...env, GATEWAY_MASTER_KEY: key } })).exit).toBe(78)
  })
  test('are never described', () => {
    const { config, origins } = load({ env: { GATEWAY_MASTER_KEY: key } })
    const described = describeConfig(config, origins)
    expect(JSON.stringify(described)).not.toContain(key)
    expect(described.find(({ name }) => name === 'master_key')).toEqual({
      name: 'master_key',
      value: '•••',
      env: 'GATEWAY_MASTER_KEY',
      source: 'environment',
      from: 'GATEWAY_MASTER_KEY',
    })
    expect(described.find(({ name }) => name === 'max_body')?.value).toBe('32MiB')
  })
})

test('the reference names every option once', () => {
  const text = renderConfigReference()
  for (const { env } of options) expect(text.split(`| \`${env}\``)).toHaveLength(2)
})

describe('the master key', () => {
  test('is made once, for its owner alone, and stays', () => {
    const first = loadMasterKey(defaultConfig(dir))
    expect(first).toHaveLength(32)
    expect(statSync(join(dir, 'master.key')).mode & 0o777).toBe(0o600)
    expect(loadMasterKey(defaultConfig(dir))).toEqual(first)
  })
  test('is refused when others can read it, or when it is not a key', () => {
    loadMasterKey(defaultConfig(dir))
    chmodSync(join(dir, 'master.key'), 0o640)
    expect(refusal(() => loadMasterKey(defaultConfig(dir))).exit).toBe(78)
    file('nonsense', 'master.key')
    expect(refusal(() => loadMasterKey(defaultConfig(dir))).exit).toBe(78)
  })
  test('is not made anew beside a database that was made with another; a file that is no database is exit 74', () => {
    file('SQLite format 3\0 and so on', 'gateway.db')
    expect(refusal(() => loadMasterKey(defaultConfig(dir))).exit).toBe(78)
    file('', 'gateway.db')
    expect(refusal(() => loadMasterKey(defaultConfig(dir))).exit).toBe(74)
  })
})

describe('the data directory', () => {
  test('is made with mode 0700, and an existing one of ours is closed', () => {
    prepareDataDir(join(dir, 'a', 'b'))
    expect(statSync(join(dir, 'a', 'b')).mode & 0o777).toBe(0o700)
    mkdirSync(join(dir, 'open'), { mode: 0o755 })
    prepareDataDir(join(dir, 'open'))
    expect(statSync(join(dir, 'open')).mode & 0o777).toBe(0o700)
  })
  test('that is open and holds other things is refused untouched; a file is refused', () => {
    mkdirSync(join(dir, 'shared'), { mode: 0o755 })
    writeFileSync(join(dir, 'shared', 'letters.txt'), '')
    expect(refusal(() => prepareDataDir(join(dir, 'shared'))).exit).toBe(78)
    expect(statSync(join(dir, 'shared')).mode & 0o777).toBe(0o755)
    expect(refusal(() => prepareDataDir(file('', 'plain'))).exit).toBe(78)
  })
  test('in which a directory stands in the place of one of our files is refused', () => {
    for (const name of ['ledger.journal', 'daemon.lock', 'daemon.pid']) {
      mkdirSync(join(dir, 'mixed', name), { recursive: true, mode: 0o700 })
      const { exit, message } = refusal(() => prepareDataDir(join(dir, 'mixed')))
      expect({ exit, named: message.includes(`a directory ${name}`) }).toEqual({ exit: 78, named: true })
      rmSync(join(dir, 'mixed', name), { recursive: true })
    }
    prepareDataDir(join(dir, 'mixed'))
  })
  test('that cannot be, or whose path leaves no room for the socket, is refused at once', () => {
    expect(refusal(() => prepareDataDir('/proc/nope')).exit).toBeOneOf([77, 78])
    expect(refusal(() => prepareDataDir(join(dir, 'x'.repeat(110)))).message).toContain('too long')
  })
})
