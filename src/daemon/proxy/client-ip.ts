import type { IncomingMessage } from 'node:http'
import { ipAllowed } from '../../core/keys/ip-allow.ts'

/** The client's address: the peer's, or behind trusted proxies the last entry of X-Forwarded-For that no trusted proxy wrote. */
export const clientIp = (request: IncomingMessage, trustedProxies: readonly string[]): string => {
  const peer = request.socket.remoteAddress ?? ''
  if (trustedProxies.length === 0 || !ipAllowed(trustedProxies, peer)) return peer
  const forwarded = request.headers['x-forwarded-for']
  const hops = (typeof forwarded === 'string' ? forwarded.split(',') : []).map((hop) => hop.trim()).toReversed()
  return hops.find((hop) => !ipAllowed(trustedProxies, hop)) ?? peer
}
