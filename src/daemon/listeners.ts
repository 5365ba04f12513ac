import { chmodSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { App } from '../core/app.ts'
import type { Bootstrap } from '../core/identity/bootstrap.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import type { Log } from '../core/kernel/log.ts'
import type { Serving } from '../core/serving.ts'
import { buildAdminServer } from './admin/server.ts'
import { createHttpServer } from './http-server.ts'
import { clearSocket, listen } from './listen.ts'
import { createProxyHandler } from './proxy/handler.ts'
import { nothingHere, refuse } from './wire-refusal.ts'

export interface ListenerDeps {
  readonly app: App
  readonly serving: Serving
  readonly log: Log
  readonly bootstrap: Bootstrap
  readonly draining: () => boolean
}

export interface Listeners {
  /** Of the proxy plane. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Opens every door: the proxy plane on its address, the admin plane beside it or on its own, and the socket in the data directory. Trust belongs to a listener: who
 * can open the socket file (0600) is the operator; who comes over the network needs a token.
 */
export const createListeners = async ({ app, serving, log, bootstrap, draining }: ListenerDeps): Promise<Listeners> => {
  const { config } = app
  const proxy = createProxyHandler({
    clock: app.clock,
    keys: serving.keys,
    catalog: serving.catalog,
    exchange: serving.exchange,
    maxBodyBytes: config.maxBodyBytes,
    maxUploadBytes: config.maxUploadBytes,
    dataDir: config.dataDir,
    trustedProxies: config.trustedProxies,
    draining,
    onError: (error, request) => log.error({ request, code: error.code, error: error.cause ?? error }, error.message),
  })
  const readiness = () => (draining() ? { ok: false, reason: 'draining' } : { ok: true })
  const options = { readiness, logger: log }
  const refused: RequestListener = (_request, response) => refuse(response, nothingHere)

  const apart = config.adminPort !== null
  const network = buildAdminServer(app, {
    ...options,
    trust: 'token',
    bootstrap,
    serverFactory: (handler) => createHttpServer(apart ? refused : proxy, handler),
  })
  const local = buildAdminServer(app, {
    ...options,
    trust: 'local',
    serverFactory: (handler) => createHttpServer(proxy, handler),
  })
  await Promise.all([network.ready(), local.ready()])
  const proxyOnly = apart ? createHttpServer(proxy, refused) : null

  const socket = join(config.dataDir, 'gateway.sock')
  // The daemon's lock is ours, so a socket file that is there belongs to a process that has ended.
  clearSocket(socket)
  await listen(local.server, { path: socket })
  chmodSync(socket, 0o600)
  const servers = [network.server, local.server, ...(proxyOnly ? [proxyOnly] : [])]
  const close = async (): Promise<void> => {
    // They were made to listen by us, not by Fastify, so it would not close them.
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
    await Promise.all([network.close(), local.close()])
    rmSync(socket, { force: true })
  }
  try {
    const main = proxyOnly ?? network.server
    await listen(main, { host: config.host, port: config.port })
    if (config.adminPort !== null)
      await listen(network.server, { host: config.adminHost ?? config.host, port: config.adminPort })
    const address = main.address() as AddressInfo
    return {
      url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
      close,
    }
  } catch (error) {
    await close()
    throw error instanceof GatewayError
      ? error
      : new GatewayError('daemon_unreachable', 'The gateway cannot listen.', {}, { cause: error })
  }
}
