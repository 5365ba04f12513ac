import { lookup as resolve } from 'node:dns'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { GatewayError } from '../kernel/errors.ts'

/**
 * Keeps calls out of private networks (server-side request forgery). Judged is the address that is really connected to, at connect time, for every connection:
 * a name that resolved to a public address a moment ago may resolve to a private one now.
 */
export interface DestinationGuard {
  /** Why this address must not be connected to on behalf of this host, or undefined. */
  refusal(address: string, host: string): string | undefined
  /** A drop-in for dns.lookup that fails when any of a name's addresses is refused. */
  readonly lookup: GuardedLookup
}

export type GuardedLookup = (
  host: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

export const forbiddenCode = 'ERR_FORBIDDEN_DESTINATION'

export class ForbiddenDestination extends Error {
  readonly code = forbiddenCode
}

// IANA special-purpose address registries (RFC 6890 and updates). `strict` ranges are never opened by naming a host, only by naming the range or address: no
// provider lives there, cloud metadata services do.
const v4Ranges: readonly (readonly [network: string, prefix: number, what: string, strict?: true])[] = [
  ['0.0.0.0', 8, 'this network', true],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared (carrier NAT)'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local', true],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved', true],
  ['192.0.2.0', 24, 'documentation', true],
  ['192.88.99.0', 24, '6to4 relay', true],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'benchmarking', true],
  ['198.51.100.0', 24, 'documentation', true],
  ['203.0.113.0', 24, 'documentation', true],
  ['224.0.0.0', 4, 'multicast', true],
  ['240.0.0.0', 4, 'reserved', true],
]

const v6Ranges: typeof v4Ranges = [
  ['::', 128, 'unspecified', true],
  ['::1', 128, 'loopback'],
  ['64:ff9b:1::', 48, 'local NAT64', true],
  ['100::', 64, 'discard', true],
  ['2001::', 23, 'reserved', true],
  ['2001:db8::', 32, 'documentation', true],
  ['2002::', 16, '6to4', true],
  ['3fff::', 20, 'documentation', true],
  ['5f00::', 16, 'segment routing', true],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local', true],
  ['fec0::', 10, 'site-local', true],
  ['ff00::', 8, 'multicast', true],
]

const rangeList = (network: string, prefix: number, family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  list.addSubnet(network, prefix, family)
  if (family === 'ipv4') {
    // The same address wrapped in IPv6: mapped (RFC 4291) and translated (RFC 6052).
    for (const wrap of ['::ffff:', '64:ff9b::']) list.addSubnet(`${wrap}${network}`, 96 + prefix, 'ipv6')
  }
  return list
}

/** IPv4-compatible addresses, long deprecated: ::/96 without the unspecified and the loopback address. */
const v4Compatible = new BlockList()
v4Compatible.addRange('::2', '::ffff:ffff', 'ipv6')

const ranges = [
  { list: v4Compatible, what: 'reserved', strict: true },
  ...v4Ranges.map(([network, prefix, what, strict]) => ({
    list: rangeList(network, prefix, 'ipv4'),
    what,
    strict: strict ?? false,
  })),
  ...v6Ranges.map(([network, prefix, what, strict]) => ({
    list: rangeList(network, prefix, 'ipv6'),
    what,
    strict: strict ?? false,
  })),
]

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined => {
  const version = isIP(address)
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined
}

/** The form in which hosts are compared: lower case, no brackets, no trailing dot. */
export const hostName = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

/** `allow`: CIDR ranges, addresses and host names. Throws GatewayError `invalid_request` for an entry that is none of these. */
export const createGuard = (allow: readonly string[]): DestinationGuard => {
  const allowed = new BlockList()
  const hosts = new Set<string>()
  for (const entry of allow) addEntry(entry, allowed, hosts)

  const refusal = (address: string, host: string): string | undefined => {
    const bare = address.replace(/%.*$/, '')
    const family = familyOf(bare)
    if (family === undefined) return 'not an address'
    if (allowed.check(bare, family)) return undefined
    const hit = ranges.find((range) => range.list.check(bare, family) && (range.strict || !hosts.has(hostName(host))))
    return hit?.what
  }

  return {
    refusal,
    lookup(host, options, callback) {
      resolve(host, { ...options, all: true }, (error, addresses) => {
        if (error) {
          callback(error, [])
          return
        }
        for (const { address } of addresses) {
          const what = refusal(address, host)
          if (what !== undefined) {
            callback(new ForbiddenDestination(`${host} resolves to a ${what} address`), [])
            return
          }
        }
        const first = addresses[0]
        if (!first) callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), [])
        else if (options.all) callback(null, addresses)
        else callback(null, first.address, first.family)
      })
    },
  }
}

const addEntry = (entry: string, allowed: BlockList, hosts: Set<string>): void => {
  const [network = '', prefix, ...rest] = entry.split('/')
  const address = hostName(network)
  const family = familyOf(address)
  if (prefix === undefined) {
    if (family) allowed.addAddress(address, family)
    else if (/^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$/.test(address)) hosts.add(address)
    else throw wrongEntry(entry)
    return
  }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
  if (!family || rest.length > 0 || bits < 0 || bits > (family === 'ipv4' ? 32 : 128)) throw wrongEntry(entry)
  allowed.addSubnet(address, bits, family)
}

const wrongEntry = (entry: string): GatewayError =>
  new GatewayError(
    'invalid_request',
    `"${entry.slice(0, 80)}" is neither a host name, nor an address, nor a range such as 10.0.0.0/8.`,
    { param: 'allow_private' },
  )
