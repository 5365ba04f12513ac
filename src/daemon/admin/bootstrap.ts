import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Bootstrap } from '../../core/identity/bootstrap.ts'
import { validate } from '../../core/kernel/validation.ts'

const input = z.strictObject({ code: z.string().min(1).max(200), email: z.string().max(320) })

/** The one route of the admin plane that needs no token: the code that the daemon printed stands for it, once. */
export const mountBootstrap = (server: FastifyInstance, bootstrap: Bootstrap): void => {
  server.post('/api/admin/bootstrap', async (request, reply) => {
    const { code, email } = validate(input, request.body)
    return reply.code(201).send(await bootstrap.redeem(code, email, request.id))
  })
}
