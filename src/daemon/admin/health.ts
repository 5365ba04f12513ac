import type { FastifyInstance } from 'fastify'

export interface Readiness {
  readonly ok: boolean
  /** One public word or sentence: why not. */
  readonly reason?: string
}

/** Open to everybody, so they say next to nothing. `live`: the process answers. `ready`: it takes new work; 503 while it drains or cannot reach its database. */
export const mountHealth = (server: FastifyInstance, readiness: () => Readiness): void => {
  server.get('/health/live', { exposeHeadRoute: true }, async () => ({ status: 'ok' }))
  for (const path of ['/health', '/health/ready']) {
    server.get(path, { exposeHeadRoute: true }, async (_request, reply) => {
      const { ok, reason } = readiness()
      if (ok) return { status: 'ok' }
      // The first is for dashboards and tells; the second is for load balancers, which act on the status.
      if (path === '/health/ready') reply.code(503)
      return { status: 'unavailable', ...(reason !== undefined && { reason }) }
    })
  }
}
