import { BlockList, isIP } from 'node:net'

const split = (network: string): { address: string; family: 'ipv4' | 'ipv6'; prefix: number } | undefined => {
  const match = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(network)
  const version = match ? isIP(match[1]!) : 0
  if (!match || version === 0) return undefined
  const most = version === 4 ? 32 : 128
  const prefix = match[2] === undefined ? most : Number(match[2])
  return prefix > most ? undefined : { address: match[1]!, family: version === 4 ? 'ipv4' : 'ipv6', prefix }
}

/** Whether the text is an address or a network in CIDR notation. */
export const isNetwork = (text: string): boolean => split(text) !== undefined

// Lists belong to immutable principals, so each is compiled once and forgotten together with its principal.
const compiled = new WeakMap<readonly string[], BlockList>()

const compile = (networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const parts = split(network)
    if (parts) list.addSubnet(parts.address, parts.prefix, parts.family)
  }
  compiled.set(networks, list)
  return list
}

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Whether an address is in one of the networks. IPv4 behind an IPv6 socket (`::ffff:10.0.0.1`) counts as IPv4; anything that is no address is refused. */
export const ipAllowed = (networks: readonly string[], ip: string): boolean => {
  const address = mapped.exec(ip)?.[1] ?? ip.replace(/%.*$/, '')
  const version = isIP(address)
  if (version === 0) return false
  return (compiled.get(networks) ?? compile(networks)).check(address, version === 4 ? 'ipv4' : 'ipv6')
}
