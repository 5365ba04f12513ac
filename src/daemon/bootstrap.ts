import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { App } from '../core/app.ts'
import { createFirstAdmin, needsFirstAdmin } from '../core/identity/bootstrap.ts'
import { emailField } from '../core/identity/schemas.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import { sameSecret } from '../core/kernel/secrets.ts'

/** The way to the first admin over the network: a code that only who started the daemon has seen. It works once, for a day, and not for long against guessing. */
export interface Bootstrap {
  /** Null when there is an admin already. */
  readonly code: string | null
  mount(server: FastifyInstance): void
}

const lifetimeMs = 24 * 60 * 60 * 1000
const maxWrong = 20

const input = z.strictObject({ code: z.string().max(200), email: emailField })

export const createBootstrap = async (app: App): Promise<Bootstrap> => {
  const code = (await needsFirstAdmin(app.storage)) ? `tgboot-${randomBytes(18).toString('base64url')}` : null
  const until = app.clock.monotonic() + lifetimeMs
  let left = maxWrong
  let used = false

  const redeem = async (body: unknown): Promise<{ user: unknown; token: string }> => {
    const given = input.safeParse(body)
    if (!given.success) throw new GatewayError('invalid_request', 'Send {"code": …, "email": …}.')
    if (code === null || used || left <= 0 || app.clock.monotonic() > until) {
      throw new GatewayError('forbidden', 'There is no bootstrap code now. On the machine itself, "gateway init" makes the first admin.')
    }
    if (!sameSecret(code, given.data.code)) {
      left--
      throw new GatewayError('unauthenticated', 'This is not the bootstrap code that the daemon printed.')
    }
    used = true
    try {
      return await createFirstAdmin(app, given.data.email, 'bootstrap')
    } catch (error) {
      used = false
      throw error
    }
  }
  return {
    code,
    mount(server) {
      server.post('/api/auth/bootstrap', (request, reply) => redeem(request.body).then((made) => reply.code(201).send(made)))
    },
  }
}
