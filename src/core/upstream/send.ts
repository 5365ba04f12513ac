import type { Clock } from '../kernel/clock.ts'
import { Attempt } from './attempt.ts'
import type { Shared } from './attempt.ts'
import { Pools } from './pools.ts'
import type { Upstream } from './upstream.ts'
import { TimerWheel } from './wheel.ts'

export interface UpstreamOptions {
  readonly clock: Clock
  /** CIDR ranges, addresses and names that may be called although private (configuration). */
  readonly allowPrivate: readonly string[]
  /** Default 8192. Calls beyond wait for a connection, at most for their connect timeout. */
  readonly maxConnectionsPerOrigin?: number
  /** Resolution of the deadlines in milliseconds, default 100. */
  readonly tickMs?: number
}

export const createUpstream = ({
  clock,
  allowPrivate,
  maxConnectionsPerOrigin = 8192,
  tickMs = 100,
}: UpstreamOptions): Upstream => {
  const pools = new Pools({ clock, allowPrivate, maxConnectionsPerOrigin })
  const shared: Shared = { wheel: new TimerWheel(clock, tickMs), depth: 0 }
  let closed = false

  return {
    send(request, listener) {
      const attempt = new Attempt(shared, request, listener)
      try {
        if (closed) throw Object.assign(new Error('closed'), { code: 'UND_ERR_CLOSED' })
        if (!safePath.test(request.path)) throw new TypeError('the path cannot be sent')
        const headers = wireHeaders(request.headers)
        const route = pools.route(request.baseUrl, request.connectTimeoutMs, request.allowPrivate)
        route.usedAt = clock.monotonic()
        attempt.dispatch(route, headers, request)
      } catch (error) {
        // The port promises that the listener hears nothing before send() returns.
        queueMicrotask(() => attempt.refuse(error))
      }
      return attempt
    },
    async close() {
      closed = true
      await pools.close()
      shared.wheel.stop()
    },
  }
}

/** Framing, hop-by-hop and addressing: set by us and the HTTP client alone. */
const ownHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const safePath = /^\/[\x21-\x7e]*$/
const token = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const unsafeValue = /[^\t\x20-\x7e\x80-\xff]/

/** Checked here and not by undici alone: a request that a client of its pool refuses leaves that client marked busy for ever. */
const wireHeaders = (headers: Readonly<Record<string, string>>): string[] => {
  const wire = ['accept-encoding', 'identity']
  let agent = false
  for (const name in headers) {
    if (ownHeaders.has(name)) continue
    const value = headers[name]!
    if (!token.test(name) || unsafeValue.test(value))
      throw new TypeError(`the header ${JSON.stringify(name.slice(0, 64))} cannot be sent`)
    if (name === 'user-agent') agent = true
    wire.push(name, value)
  }
  if (!agent) wire.push('user-agent', 'tollgate')
  return wire
}
