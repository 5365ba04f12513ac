import fastify from 'fastify'
import type { FastifyInstance, FastifyServerFactory } from 'fastify'
import type { Bootstrap } from '../../core/identity/bootstrap.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import { newId } from '../../core/kernel/ids.ts'
import type { AdminApp } from '../../core/operations.ts'
import { createAuthenticate } from './authenticate.ts'
import type { Trust } from './authenticate.ts'
import { mountBootstrap } from './bootstrap.ts'
import { mountHealth } from './health.ts'
import type { Readiness } from './health.ts'
import { acceptStrictJson } from './json-body.ts'
import { fromFastify, sendProblem } from './problem.ts'
import { mountRoutes } from './routes.ts'

export interface AdminServerOptions {
  readonly trust: Trust
  /** Whether new work is taken; always, if absent. */
  readonly readiness?: () => Readiness
  /** Opens `POST /api/admin/bootstrap` for the first admin. */
  readonly bootstrap?: Bootstrap
  /** Told about every answer of 500 and above. */
  readonly logger?: { error(details: object, message: string): void }
  /** For a server that somebody else makes and limits. Without it Fastify makes one with the limits below. */
  readonly serverFactory?: FastifyServerFactory
}

/** Bytes. Nothing that an administrator sends is larger. */
const longestBody = 1024 * 1024

/**
 * The admin plane and health, without a listener. Either `listen` on it, or `await ready()` and hand requests of another server to `routing(request, response)`.
 * One server has one trust: build two for a socket and a port.
 */
export const buildAdminServer = (app: AdminApp, options: AdminServerOptions): FastifyInstance => {
  const { trust, readiness = () => ({ ok: true }), bootstrap, logger, serverFactory } = options
  const server = fastify({
    logger: false,
    bodyLimit: longestBody,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: () => newId('request'),
    routerOptions: { maxParamLength: 300 },
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, fromFastify(error)),
    // Fastify's and Node's defaults leave a slow request unbounded.
    requestTimeout: 30_000,
    keepAliveTimeout: 10_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000, maxHeaderSize: 16 * 1024 },
    // A server that somebody else makes answers broken requests itself; Fastify's answer would close the connection under it.
    ...(serverFactory && { serverFactory, clientErrorHandler: () => {} }),
  })

  server.addHook('onRequest', async (request, reply) => {
    const given = request.headers['x-request-id']
    reply.headers({
      'x-request-id': typeof given === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : request.id,
      'x-gateway-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
  })
  server.setErrorHandler((error, request, reply) => {
    const known = fromFastify(error)
    if (known.status >= 500) {
      logger?.error({ err: known.cause ?? known, request_id: request.id, code: known.code }, 'admin request failed')
    }
    return sendProblem(reply, known)
  })
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, new GatewayError('not_found')))

  acceptStrictJson(server)
  mountHealth(server, readiness)
  mountRoutes(server, app, createAuthenticate(trust, app.tokens))
  if (bootstrap) mountBootstrap(server, bootstrap)
  return server
}
