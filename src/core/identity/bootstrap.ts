import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Storage } from '../storage/storage.ts'
import { isAdministered } from './repository.ts'
import type { UserView } from './schemas.ts'
import type { AdminTokens } from './tokens.ts'
import type { Users } from './users.ts'

export interface BootstrapDependencies {
  readonly storage: Storage
  readonly clock: Clock
  readonly users: Users
  readonly tokens: AdminTokens
  readonly audit: Audit
}

export interface Bootstrapped {
  readonly user: UserView
  /** The admin token, shown this once. */
  readonly token: string
}

/** Whether nobody can administer this gateway over the network yet: there is no active admin, and no token made on the machine itself. */
export const needsFirstAdmin = async (storage: Storage): Promise<boolean> => !(await isAdministered(storage.read))

/** The first admin with a token, in one transaction; `conflict` as soon as somebody can administer this gateway. */
export const createFirstAdmin = (
  { storage, clock, users, tokens, audit }: BootstrapDependencies,
  email: string,
  actorId: string,
): Promise<Bootstrapped> =>
  storage.write(async (trx) => {
    if (await isAdministered(trx.db)) {
      throw new GatewayError('conflict', 'This gateway already has an admin.', {
        hint: 'Make another token with: gateway tokens create',
      })
    }
    const context = {
      actor: { id: actorId, role: 'admin' as const },
      trx,
      now: clock.now(),
      requestId: newId('request'),
    }
    const user = await users.create({ email, role: 'admin', passwordHash: null }, context)
    const { secret } = await tokens.create({ name: 'first admin', role: 'admin' }, context, user.id)
    await audit.append({ action: 'gateway.bootstrapped', target: user.id, details: { email: user.email } }, context)
    return { user, token: secret }
  })
