import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { buildConnector, Pool } from 'undici'
import type { Clock } from '../kernel/clock.ts'
import { createGuard, ForbiddenDestination } from './guard.ts'
import type { DestinationGuard } from './guard.ts'

/** The connections to one origin under one rule about private addresses. */
export interface Route {
  readonly pool: Pool
  /** Path of the base URL, put before the path of each request. */
  readonly prefix: string
  /** Query of the base URL, sent with each request; '' or `name=value` pairs without `?`. */
  readonly query: string
  readonly connectTimeoutMs: number
  readonly allowPrivate: readonly string[]
  /** Its open connections. */
  readonly sockets: ReadonlySet<Socket>
  /** Calls that have not ended. */
  active: number
  usedAt: number
}

export interface PoolOptions {
  readonly clock: Clock
  readonly allowPrivate: readonly string[]
  readonly maxConnectionsPerOrigin: number
}

/** Routes without calls are closed when there are more than this, the longest unused first. */
const maxRoutes = 256
/** Head of an answer, in bytes: real providers stay below 8 KiB. */
const maxHeaderSize = 32 * 1024
/**
 * How long an idle connection is kept when the server does not say. Servers on Node and uvicorn close theirs after 5 s; a request written at that moment is lost
 * and must not be sent twice, so we let go first.
 */
const keepAliveMs = 4_000

/** Finds or makes the pool for a base URL. Keyed by the URL's text first, so that a request costs one map lookup and no parsing. */
export class Pools {
  readonly #options: PoolOptions
  readonly #routes = new Map<string, Route[]>()
  #count = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Throws for a base URL or allow-list that is not valid. */
  route(baseUrl: string, connectTimeoutMs: number, allowPrivate: readonly string[]): Route {
    const known = this.#routes.get(baseUrl)
    const found = known?.find(
      (route) => route.connectTimeoutMs === connectTimeoutMs && sameList(route.allowPrivate, allowPrivate),
    )
    if (found) return found
    const route = this.#open(baseUrl, connectTimeoutMs, allowPrivate)
    if (known) known.push(route)
    else this.#routes.set(baseUrl, [route])
    if (++this.#count > maxRoutes) this.#trim()
    return route
  }

  async close(): Promise<void> {
    const routes = [...this.#routes.values()].flat()
    this.#routes.clear()
    this.#count = 0
    await Promise.all(routes.map((route) => route.pool.destroy()))
  }

  #open(baseUrl: string, connectTimeoutMs: number, allowPrivate: readonly string[]): Route {
    const url = new URL(baseUrl)
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new TypeError('the base URL is neither http nor https')
    const guard = createGuard([...this.#options.allowPrivate, ...allowPrivate])
    const sockets = new Set<Socket>()
    const pool = new Pool(url.origin, {
      connections: this.#options.maxConnectionsPerOrigin,
      pipelining: 1,
      // An idle HTTP/2 session of undici 8 is never closed, and one lost session would end many streams.
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize,
      // Deadlines are the wheel's business.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: guardedConnector(guard, connectTimeoutMs, sockets),
    })
    return {
      pool,
      sockets,
      prefix: url.pathname.replace(/\/+$/, ''),
      query: url.search.slice(1),
      connectTimeoutMs,
      allowPrivate,
      active: 0,
      usedAt: this.#options.clock.monotonic(),
    }
  }

  #trim(): void {
    const idle = [...this.#routes].flatMap(([baseUrl, routes]) =>
      routes.filter((route) => route.active === 0).map((route) => ({ baseUrl, route })),
    )
    idle.sort((left, right) => left.route.usedAt - right.route.usedAt)
    for (const { baseUrl, route } of idle.slice(0, this.#count - maxRoutes)) {
      const rest = this.#routes.get(baseUrl)!.filter((other) => other !== route)
      if (rest.length > 0) this.#routes.set(baseUrl, rest)
      else this.#routes.delete(baseUrl)
      this.#count--
      void route.pool.destroy()
    }
  }
}

/** undici's connector behind the guard. Node asks `lookup` only for names, so literal addresses are judged here. */
const guardedConnector = (guard: DestinationGuard, timeout: number, sockets: Set<Socket>): buildConnector.connector => {
  const connect = buildConnector({ timeout, allowH2: false, lookup: guard.lookup })
  return (options, callback) => {
    const what = isIP(options.hostname) === 0 ? undefined : guard.refusal(options.hostname, options.hostname)
    if (what === undefined) {
      connect(options, (...outcome) => {
        const [, socket] = outcome
        if (socket) {
          sockets.add(socket)
          socket.once('close', () => sockets.delete(socket))
        }
        callback(...outcome)
      })
    }
    // Not at once: undici does not expect an answer before this returns.
    else process.nextTick(callback, new ForbiddenDestination(`a ${what} address`), null)
  }
}

const sameList = (left: readonly string[], right: readonly string[]): boolean =>
  left === right || (left.length === right.length && left.every((entry, index) => entry === right[index]))
