import { userInfo } from 'node:os'
import type { FastifyRequest } from 'fastify'
import type { AdminTokens } from '../../core/identity/tokens.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Actor } from '../../core/kernel/operation.ts'

/** How a listener knows who calls. It belongs to the listener, never to anything that a request says. */
export type Trust = 'local' | 'token'

export type Authenticate = (request: FastifyRequest) => Promise<Actor>

/** The socket is 0600 in a directory of 0700: who can open it owns the database anyway. */
const localActor = (): Actor => {
  try {
    return { id: `local:${userInfo().username}`, role: 'admin' }
  } catch {
    return { id: `local:${process.getuid?.() ?? 'unknown'}`, role: 'admin' }
  }
}

export const createAuthenticate = (trust: Trust, tokens: AdminTokens): Authenticate => {
  if (trust === 'local') {
    const actor = localActor()
    return () => Promise.resolve(actor)
  }
  return async ({ headers: { authorization } }) => {
    const [, secret] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? []
    const actor = secret === undefined ? undefined : await tokens.authenticate(secret)
    if (!actor) {
      throw new GatewayError('unauthenticated', 'Send a valid admin token as "Authorization: Bearer tgadm-…".')
    }
    return actor
  }
}
