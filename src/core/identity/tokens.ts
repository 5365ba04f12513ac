import { toTimestamp } from '../kernel/clock.ts'
import type { Clock } from '../kernel/clock.ts'
import { credentialFormat } from '../kernel/credential.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isId, newId } from '../kernel/ids.ts'
import type { Actor, OperationContext, Page } from '../kernel/operation.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import * as repository from './repository.ts'
import type { TokenRow } from './repository.ts'
import type { TokenView } from './schemas.ts'

type Context = OperationContext<WriteTransaction>

/** Admin tokens: `tgadm-` and 49 characters. */
const tokenFormat = credentialFormat('tgadm-')

export interface NewToken {
  readonly name: string
  readonly role: 'operator' | 'admin'
  /** RFC 3339. */
  readonly expires_at?: string | undefined
}

/** Tokens that open the admin plane over the network. Only their SHA-256 is stored. */
export interface AdminTokens {
  /** A token that speaks for `userId`, or for the actor when that is a user. It can never do more than its user may at the time of use. */
  create(token: NewToken, context: Context, userId?: string): Promise<TokenView & { secret: string }>
  list(query: PlaceQuery, now: number): Promise<Page<TokenView>>
  revoke(reference: string, context: Context): Promise<TokenView>
  /** Whom a token speaks for now; undefined for anything that is not a valid token. Malformed text is refused without a query. */
  authenticate(secret: string): Promise<Actor | undefined>
}

export const createAdminTokens = ({
  storage,
  clock,
}: {
  readonly storage: Storage
  readonly clock: Clock
}): AdminTokens => {
  const find = async (db: Storage['read'], reference: string): Promise<TokenRow> => {
    if (isId('token', reference)) {
      const row = await repository.findToken(db, 'id', reference)
      if (row) return row
    }
    const named = await repository.findTokensByName(db, reference)
    const usable = named.filter(({ revoked_at: revoked }) => revoked === null)
    if (usable.length > 1) {
      throw new GatewayError('conflict', 'Several tokens have this name. Use the id.', { param: 'token' })
    }
    const row = usable[0] ?? named[0]
    if (!row) throw new GatewayError('not_found', `There is no token "${reference.slice(0, 80)}".`, { param: 'token' })
    return row
  }

  return {
    async create({ name, role, expires_at: expires }, { actor, trx, now }, userId) {
      const expiresAt = expires === undefined ? null : Date.parse(expires)
      if (expiresAt !== null && expiresAt <= now) {
        throw new GatewayError('invalid_request', 'expires_at: The time is already past.', { param: 'expires_at' })
      }
      const secret = tokenFormat.create()
      const id = newId('token', now)
      await repository.insertToken(trx.db, {
        id,
        hash: sha256(secret),
        name: name.trim(),
        role,
        user_id: userId ?? (isId('user', actor.id) ? actor.id : null),
        created_at: now,
        expires_at: expiresAt,
        revoked_at: null,
      })
      await trx.touch('tokens')
      return { ...toView(await find(trx.db, id), now), secret }
    },

    async list(query, now) {
      const place = placeOf(query, '-created_at', repository.tokenOrders)
      return place.page(await repository.listTokens(storage.read, place), (row) => toView(row, now))
    },

    async revoke(reference, { trx, now }) {
      const token = await find(trx.db, reference)
      if (token.revoked_at === null) await repository.revokeToken(trx.db, token.id, now)
      await trx.touch('tokens')
      return toView({ ...token, revoked_at: token.revoked_at ?? now }, now)
    },

    async authenticate(secret) {
      if (!tokenFormat.isWellFormed(secret)) return undefined
      const token = await repository.findToken(storage.read, 'hash', sha256(secret))
      if (!token || stateOf(token, clock.now()) !== 'active') return undefined
      if (token.user_id === null) return { id: `token:${token.id}`, role: token.role }
      if (token.user_status !== 'active' || token.user_role === null || token.user_role === 'user') return undefined
      const role = token.role === 'admin' && token.user_role === 'admin' ? 'admin' : 'operator'
      return { id: token.user_id, role }
    },
  }
}

const stateOf = (token: TokenRow, now: number): TokenView['status'] => {
  if (token.revoked_at !== null) return 'revoked'
  return token.expires_at !== null && token.expires_at <= now ? 'expired' : 'active'
}

const toView = (token: TokenRow, now: number): TokenView => ({
  id: token.id,
  name: token.name,
  role: token.role,
  user: token.user_id,
  status: stateOf(token, now),
  expires_at: token.expires_at === null ? null : toTimestamp(token.expires_at),
  created_at: toTimestamp(token.created_at),
})
