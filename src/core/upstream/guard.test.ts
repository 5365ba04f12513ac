import { describe, expect, test } from 'vitest'
import { GatewayError } from '../kernel/errors.ts'
import { checkBaseUrl } from './base-url.ts'
import { createGuard } from './guard.ts'

const refused = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.51.100.7',
  '203.0.113.7',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'not an address',
  '',
]
const open = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.1.1',
  '223.255.255.255',
]
const open6 = ['2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::101:101', '2a00:1450:4001::1']

describe('without an allow-list', () => {
  const guard = createGuard([])
  test.each(refused)('%s is refused', (address) => expect(guard.refusal(address, 'host')).toBeDefined())
  test.each([...open, ...open6])('%s may be called', (address) =>
    expect(guard.refusal(address, 'host')).toBeUndefined(),
  )
})

describe('what is allowed opens no more than it says', () => {
  test.each([
    ['10.0.0.0/8', '10.1.2.3', 'any', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', 'any', true],
    ['10.0.0.0/8', '192.168.0.1', 'any', false],
    ['127.0.0.1', '127.0.0.1', 'any', true],
    ['127.0.0.1', '127.0.0.2', 'any', false],
    ['fd00::/8', 'fd00:ec2::254', 'any', true],
    ['fd00::/8', 'fe80::1', 'any', false],
    ['::1', '::1', 'any', true],
    ['localhost', '127.0.0.1', 'localhost', true],
    ['localhost', '::1', 'LOCALHOST.', true],
    ['localhost', '127.0.0.1', 'other', false],
    ['llm.internal', '10.0.0.1', 'llm.internal', true],
    // A name that is allowed to be private must not become the way to a cloud's metadata.
    ['llm.internal', '169.254.169.254', 'llm.internal', false],
    ['llm.internal', '0.0.0.0', 'llm.internal', false],
    ['169.254.0.0/16', '169.254.169.254', 'any', true],
  ])('allowing %s, %s for the host %s: %s', (entry, address, host, allowed) => {
    expect(createGuard([entry]).refusal(address, host) === undefined).toBe(allowed)
  })

  test.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'host/8', 'http://host', 'a b', '', '*'])(
    'the entry %j is refused',
    (entry) => {
      expect(() => createGuard([entry])).toThrow(GatewayError)
    },
  )
})

describe('lookup', () => {
  const ask = (host: string, allow: readonly string[], all = true) =>
    new Promise((resolve) =>
      createGuard(allow).lookup(host, { all }, (error, ...found) => resolve(error ? (error.code ?? '') : found)),
    )

  test('a name that resolves to loopback is refused, and found when it is allowed', async () => {
    expect(await ask('localhost', [])).toBe('ERR_FORBIDDEN_DESTINATION')
    expect(JSON.stringify(await ask('localhost', ['localhost']))).toMatch(/127\.0\.0\.1|::1/)
    expect(await ask('localhost', ['localhost'], false)).toHaveLength(2)
  })
  test('an unresolvable name is an error', async () => {
    expect(await ask('does-not-exist.invalid', [])).toMatch(/ENOTFOUND|EAI_AGAIN/)
  })
})

describe('a base URL', () => {
  test.each([
    ['https://api.example.com/v1', 'https://api.example.com/v1'],
    ['https://API.example.com:443/v1///', 'https://api.example.com/v1'],
    ['http://example.com', 'http://example.com'],
    ['https://example.com:8443/a/b/', 'https://example.com:8443/a/b'],
    ['https://пример.рф/v1', 'https://xn--e1afmkfd.xn--p1ai/v1'],
    ['http://[2606:4700::1111]:8080/v1', 'http://[2606:4700::1111]:8080/v1'],
  ])('%s is saved as %s', (given, saved) => expect(checkBaseUrl(given)).toBe(saved))

  test.each([
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://0177.0.0.1',
    'http://0.0.0.0',
    'http://0',
    'http://[::]',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[64:ff9b::7f00:1]',
    'http://[fe80::1%25eth0]',
    'http://[fd00:ec2::254]',
    'http://169.254.169.254',
    'http://100.64.0.1',
    'http://10.1.1.1',
    'http://172.16.1.1',
    'http://192.168.1.1',
    'http://224.0.0.1',
    'http://localhost',
    'http://localhost.',
    'http://LOCALHOST',
    'http://a.localhost',
    'http://ⓛocalhost',
    'http://127。0。0。1',
    'http://exa\u0000mple.com',
    'http://example.com\t',
    'http://example.com\r\n',
    'http://exa\tmple.com',
    ' http://example.com',
    'file:///etc/passwd',
    'gopher://example.com',
    'ftp://example.com',
    'data:text/plain,x',
    'unix:/var/run/x.sock',
    'http+unix://%2Fvar%2Frun%2Fx.sock',
    '//example.com',
    'http:\\\\example.com',
    'http:example.com',
    'http:///example.com',
    'http://user:pass@example.com',
    'http://user@example.com',
    'http://example.com#@evil.com',
    'http://example.com?x=1',
    'http://example.com?',
    'http://example.com#',
    'http://example.com:0',
    'http://example.com:22',
    'http://example.com:25',
    'http://example.com:6379',
    'http://example.com:65536',
    `http://${'a'.repeat(256)}.com`,
    `http://${'a'.repeat(64)}.com`,
    `http://${'a.'.repeat(130)}com`,
    `http://example.com/${'a'.repeat(2048)}`,
    'http://a..b',
    '',
    'example.com',
  ])('%j is refused', (url) => {
    expect(() => checkBaseUrl(url)).toThrow(GatewayError)
  })

  test('a private one may be saved when its host or range is allowed', () => {
    expect(checkBaseUrl('http://127.0.0.1:11434/v1', ['127.0.0.0/8'])).toBe('http://127.0.0.1:11434/v1')
    expect(checkBaseUrl('http://localhost:8000/v1', ['localhost'])).toBe('http://localhost:8000/v1')
    expect(checkBaseUrl('http://10.0.0.5:6379', ['10.0.0.5'])).toBe('http://10.0.0.5:6379')
    expect(() => checkBaseUrl('http://10.0.0.5:8000', ['10.0.0.6'])).toThrow(/private/)
  })
})
