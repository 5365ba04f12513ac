import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isId, newId } from '../kernel/ids.ts'
import { formatCredits } from '../kernel/money.ts'
import type { OperationContext, Page, Role } from '../kernel/operation.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { normaliseEmail } from './email.ts'
import * as repository from './repository.ts'
import type { UserRow } from './repository.ts'
import type { UserView } from './schemas.ts'

type Context = OperationContext<WriteTransaction>
/** A handle to read from: `storage.read`, or the `db` of an open transaction. */
type Db = Storage['read']

export interface NewUser {
  readonly email: string
  readonly name?: string | undefined
  readonly role?: Role | undefined
  readonly passwordHash: string | null
}

/** People and programs that own keys and a wallet. Every write belongs to the transaction of its context. */
export interface Users {
  normaliseEmail(text: string): string
  /** The row behind an e-mail address or id, deleted users included. Throws `not_found`. */
  find(db: Db, reference: string): Promise<UserRow>
  create(user: NewUser, context: Context): Promise<UserView>
  list(query: ListQuery): Promise<Page<UserView>>
  show(reference: string): Promise<UserView>
  update(reference: string, changes: Changes, context: Context): Promise<UserView>
  /** `conflict` when no active admin would be left, or when admins would lower themselves. The same for `suspend` and `delete`. */
  setRole(reference: string, role: Role, context: Context): Promise<UserView>
  setPasswordHash(reference: string, hash: string, context: Context): Promise<UserView>
  suspend(reference: string, reason: string, context: Context): Promise<UserView>
  activate(reference: string, context: Context): Promise<UserView>
  /** Soft: the row, the wallet and the history stay, the address becomes free. `activate` by id undoes it while the address still is. */
  delete(reference: string, context: Context): Promise<UserView>
}

export interface ListQuery extends PlaceQuery {
  readonly q?: string | undefined
  readonly role?: Role | undefined
  readonly status?: UserRow['status'] | undefined
}

export interface Changes {
  readonly name?: string | null | undefined
  readonly email?: string | undefined
}

export const createUsers = ({ storage }: { readonly storage: Storage }): Users => {
  const find = async (db: Db, reference: string): Promise<UserRow> => {
    const row = isId('user', reference)
      ? await repository.findUser(db, 'id', reference)
      : await repository.findUser(db, 'email', reference.trim().toLowerCase())
    if (!row) {
      throw new GatewayError('not_found', `There is no user "${reference.slice(0, 80)}".`, {
        param: 'user',
        hint: 'List them with: gateway users list',
      })
    }
    return row
  }

  const write = async (id: string, changes: Parameters<typeof repository.updateUser>[2], { trx, now }: Context) => {
    // Never below what was written before, even when the clock steps back: readers of changes look at what is newer than what they saw.
    const updatedAt = Math.max(now, await repository.latestUserChange(trx.db))
    await repository.updateUser(trx.db, id, { ...changes, updated_at: updatedAt })
    await trx.touch('users')
    return toView(await find(trx.db, id))
  }

  const assertFree = async (db: Db, email: string): Promise<void> => {
    if (!(await repository.emailTaken(db, email))) return
    throw new GatewayError('already_exists', `There is already a user ${email}.`, { param: 'email' })
  }

  /** An admin stops being an active admin: refused when it is the last one, or oneself. */
  const assertMayStepDown = async (user: UserRow, { actor, trx }: Context): Promise<void> => {
    if (user.role !== 'admin' || user.status !== 'active') return
    if (actor.id === user.id) {
      throw new GatewayError('conflict', 'You cannot take your own rights away. Ask another admin.')
    }
    if ((await repository.countOtherActiveAdmins(trx.db, user.id)) === 0) {
      throw new GatewayError('conflict', `${user.email} is the last active admin. Make another user an admin first.`)
    }
  }

  return {
    normaliseEmail,
    find,

    async create({ name, role, passwordHash, ...user }, { trx, now }) {
      const email = normaliseEmail(user.email)
      await assertFree(trx.db, email)
      const id = newId('user', now)
      const updatedAt = Math.max(now, await repository.latestUserChange(trx.db))
      await repository.insertUser(
        trx.db,
        {
          id,
          email,
          name: name?.trim() ?? null,
          role: role ?? 'user',
          status: 'active',
          status_reason: null,
          password_hash: passwordHash,
          created_at: now,
          updated_at: updatedAt,
        },
        {
          id: newId('account', now),
          kind: 'user',
          owner_id: id,
          debits_posted: 0,
          credits_posted: 0,
          debits_pending: 0,
          has_expiring: 0,
        },
      )
      await trx.touch('users')
      return toView(await find(trx.db, id))
    },

    async list({ q, role, status, ...query }) {
      const place = placeOf(query, '-created_at', repository.userOrders)
      return place.page(await repository.listUsers(storage.read, { q, role, status, place }), toView)
    },

    show: async (reference) => toView(await find(storage.read, reference)),

    async update(reference, changes, context) {
      const user = await find(context.trx.db, reference)
      const email = changes.email === undefined ? user.email : normaliseEmail(changes.email)
      if (email !== user.email) await assertFree(context.trx.db, email)
      return write(
        user.id,
        { email, name: changes.name === undefined ? user.name : (changes.name?.trim() ?? null) },
        context,
      )
    },

    async setRole(reference, role, context) {
      const user = await find(context.trx.db, reference)
      if (role !== 'admin') await assertMayStepDown(user, context)
      return write(user.id, { role }, context)
    },

    async setPasswordHash(reference, hash, context) {
      const user = await find(context.trx.db, reference)
      return write(user.id, { password_hash: hash }, context)
    },

    async suspend(reference, reason, context) {
      const user = await find(context.trx.db, reference)
      if (user.status === 'deleted') throw new GatewayError('conflict', `${user.email} is deleted.`)
      await assertMayStepDown(user, context)
      return write(user.id, { status: 'suspended', status_reason: reason.trim() }, context)
    },

    async activate(reference, context) {
      const user = await find(context.trx.db, reference)
      if (user.status === 'deleted') await assertFree(context.trx.db, user.email)
      return write(user.id, { status: 'active', status_reason: null }, context)
    },

    async delete(reference, context) {
      const user = await find(context.trx.db, reference)
      await assertMayStepDown(user, context)
      return write(user.id, { status: 'deleted', status_reason: null }, context)
    },
  }
}

const toView = (row: UserRow): UserView => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  status: row.status,
  status_reason: row.status_reason,
  balance: {
    available: formatCredits(row.credits_posted - row.debits_posted - row.debits_pending),
    held: formatCredits(row.debits_pending),
  },
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})
