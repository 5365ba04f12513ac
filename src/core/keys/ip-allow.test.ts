import { expect, test } from 'vitest'
import { ipAllowed, isNetwork } from './ip-allow.ts'

const list = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']

test.each([
  ['10.255.1.2', true],
  ['11.0.0.1', false],
  ['192.0.2.7', true],
  ['192.0.2.8', false],
  ['2001:db8:1::9', true],
  ['2001:db9::1', false],
  ['::1', true],
  ['::ffff:10.1.2.3', true],
  ['::ffff:11.1.2.3', false],
  ['', false],
  ['unknown', false],
  ['10.1', false],
  ['10.0.0.1, 8.8.8.8', false],
])('an address is let in exactly when a network of the list holds it: %s', (ip, allowed) => {
  expect(ipAllowed(list, ip)).toBe(allowed)
  expect(ipAllowed(list, ip)).toBe(allowed)
})

test('an empty list lets nobody in', () => {
  expect(ipAllowed([], '127.0.0.1')).toBe(false)
})

test.each([
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0/8',
  '::/129',
  'fe80::1%eth0',
  'example.com',
  '10.0.0.0/-1',
  ' 10.0.0.1',
  '/8',
  '',
])('what is no network is refused when it is given: %s', (text) => {
  expect(isNetwork(text)).toBe(false)
})
