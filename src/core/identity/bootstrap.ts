import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../kernel/clock.ts'
import { credentialFormat } from '../kernel/credential.ts'
import { GatewayError } from '../kernel/errors.ts'
import { sameSecret } from '../kernel/secrets.ts'
import type { Storage } from '../storage/storage.ts'
import { normaliseEmail } from './email.ts'
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

export interface FirstAdmin {
  readonly user: UserView
  /** An admin token, shown this once. */
  readonly token: string
}

/** How the first admin of a fresh gateway gets in over the network, without any default credential. */
export interface Bootstrap {
  /** Printed once at the start of a gateway that nobody can administer yet, kept in memory only; null when somebody can. */
  readonly code: string | null
  /** Makes the first admin with a token. `unauthenticated` for a wrong, used or old code, and for any after too many wrong ones. */
  redeem(code: string, email: string, requestId: string): Promise<FirstAdmin>
}

const codeFormat = credentialFormat('tgboot-')
const lifetimeMs = 24 * 3_600_000
const wrongCodesAllowed = 20

/** One bootstrap for one run of the daemon: another start makes another code, as long as nobody can administer this gateway. */
export const createBootstrap = async (dependencies: BootstrapDependencies): Promise<Bootstrap> => {
  const { storage, clock, users, tokens, audit } = dependencies
  const code = (await isAdministered(storage.read, clock.now())) ? null : codeFormat.create()
  const madeAt = clock.monotonic()
  let wrong = 0

  const assertCode = (given: string): void => {
    const open = code !== null && wrong < wrongCodesAllowed && clock.monotonic() - madeAt < lifetimeMs
    if (open && sameSecret(given, code)) return
    wrong++
    throw new GatewayError('unauthenticated', 'This is not a valid bootstrap code.', {
      hint: 'A code works once, for 24 hours, until the next start. On the machine itself "gateway tokens create" makes an admin token.',
    })
  }

  return {
    code,
    async redeem(given, address, requestId) {
      assertCode(given)
      const email = normaliseEmail(address)
      return storage.write(async (trx) => {
        const now = clock.now()
        // Asked inside the transaction: of two that come at the same time, or after an init, one finds the door closed.
        if (await isAdministered(trx.db, now)) {
          throw new GatewayError('unauthenticated', 'This gateway has an admin already; the code no longer works.')
        }
        const context = { actor: { id: 'bootstrap', role: 'admin' as const }, trx, now, requestId }
        const user = await users.create({ email, role: 'admin', passwordHash: null }, context)
        const { secret } = await tokens.create({ name: 'first admin', role: 'admin' }, context, user.id)
        await audit.append({ action: 'gateway.bootstrapped', target: user.id, details: { email } }, context)
        return { user, token: secret }
      })
    },
  }
}
