import { isIP } from 'node:net'
import { GatewayError } from '../kernel/errors.ts'
import { createGuard, hostName } from './guard.ts'

const maxLength = 2048

/** Ports of other protocols that a confused HTTP request could speak to (after the Fetch standard's list of bad ports), beside all below 1024 but 80 and 443. */
const foreignPorts = new Set([
  1719, 1720, 1723, 2049, 3306, 3659, 4045, 5060, 5061, 5432, 6000, 6379, 6566, 6667, 6697, 10080, 11211, 27017,
])

/** The path of a request: that of the base URL, its own, and behind its own query that of the base URL. */
export const pathBelow = (base: { readonly prefix: string; readonly query: string }, path: string): string =>
  base.prefix + path + (base.query === '' ? '' : `${path.includes('?') ? '&' : '?'}${base.query}`)

/** The whole address of a request. */
export const urlBelow = (baseUrl: string, path: string): URL => {
  const { origin, pathname, search } = new URL(baseUrl)
  return new URL(origin + pathBelow({ prefix: pathname.replace(/\/+$/, ''), query: search.slice(1) }, path))
}

/**
 * Checks a provider's base URL before it is saved and returns its normal form, without trailing slash. Throws GatewayError `invalid_request` with a sentence that
 * says what is wrong. Names are not resolved here: what they resolve to is judged at each connection (guard.ts).
 *
 * `allow`: hosts, addresses and ranges that may be private (the configuration's and the provider's own). `query`: names of the parameters that its query may have; it is
 * kept behind the path and sent with each request.
 */
export const checkBaseUrl = (text: string, allow: readonly string[] = [], query: readonly string[] = []): string => {
  if (text.length > maxLength) throw wrong(`is longer than ${maxLength} characters.`)
  // The URL parser silently drops tabs and line ends and turns backslashes into slashes: what was meant is then not what is called.
  if (!/^https?:\/\/[^/\\]/i.test(text) || /[\s\\\p{Cc}]/u.test(text))
    throw wrong('must begin with http:// or https:// and hold no blanks or backslashes.')
  const url = URL.parse(text)
  if (!url) throw wrong('is not a URL.')
  if (url.username !== '' || url.password !== '') throw wrong('must not hold credentials. Add them as a provider key.')
  if (text.includes('#')) throw wrong('must not have a fragment.')
  checkQuery(text, url, query)
  const host = hostName(url.hostname)
  checkHost(host, Number(url.port || (url.protocol === 'https:' ? 443 : 80)), allow)
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}${url.search}`
}

const checkQuery = (text: string, url: URL, allowed: readonly string[]): void => {
  if (!text.includes('?')) return
  if (allowed.length === 0) throw wrong('must not have a query.')
  const names = [...url.searchParams.keys()]
  if (names.length === 0 || new Set(names).size < names.length || names.some((name) => !allowed.includes(name)))
    throw wrong(`may have no other query than ${allowed.join(', ')}, once.`)
}

const checkHost = (host: string, port: number, allow: readonly string[]): void => {
  const guard = createGuard(allow)
  const name = isIP(host) === 0
  if (name && (host.length > 253 || host.split('.').some((label) => label === '' || label.length > 63)))
    throw wrong('has no valid host name.')
  const named = allow.some((entry) => hostName(entry) === host)
  const hint = { hint: `If this is meant, allow it: --allow-private ${host}` }
  const loopback = host === 'localhost' || host.endsWith('.localhost')
  const what = name ? (loopback ? guard.refusal('127.0.0.1', host) : undefined) : guard.refusal(host, host)
  if (what !== undefined) throw wrong(`leads to a ${what} address, which is not allowed.`, hint)
  if (port === 0) throw wrong('has port 0.')
  if (!named && ((port < 1024 && port !== 80 && port !== 443) || foreignPorts.has(port))) {
    throw wrong(`has port ${port}, which belongs to another protocol.`, hint)
  }
}

const wrong = (what: string, details: { hint?: string } = {}): GatewayError =>
  new GatewayError('invalid_request', `The base URL ${what}`, { param: 'base_url', ...details })
