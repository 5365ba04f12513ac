import type { Users } from '../identity/users.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isId, newId } from '../kernel/ids.ts'
import { parseCredits } from '../kernel/money.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { ApiKeysTable } from '../storage/schema.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { keyFormat, keyStart } from './key-format.ts'
import { toKeyView } from './key-view.ts'
import * as repository from './repository.ts'
import type { KeyRow } from './repository.ts'
import type { KeySettings, KeyView } from './schemas.ts'

type Context = OperationContext<WriteTransaction>
type Status = ApiKeysTable['status']
type Issued = KeyView & { secret: string }

/** The credentials we hand out. Every write belongs to the transaction of its context; running daemons feel it within a second. */
export interface Keys {
  /** A new key of a user. The secret is in this answer and nowhere else. */
  issue(user: string, settings: KeySettings, context: Context): Promise<Issued>
  list(query: ListQuery): Promise<Page<KeyView>>
  show(reference: string): Promise<KeyView>
  update(reference: string, changes: KeySettings, context: Context): Promise<KeyView>
  /** `conflict` for anything but `revoked` on a revoked key: that state is final. */
  setStatus(reference: string, status: Status, context: Context): Promise<KeyView>
  /** A new secret; the one before works for `grace` seconds more, one from an earlier rotation no longer. */
  rotate(reference: string, grace: number, context: Context): Promise<Issued>
  delete(reference: string, context: Context): Promise<KeyView>
}

export interface ListQuery extends PlaceQuery {
  /** E-mail address or id. */
  readonly user?: string | undefined
  readonly status?: Status | undefined
  readonly q?: string | undefined
}

export const createKeys = ({ storage, users }: { readonly storage: Storage; readonly users: Users }): Keys => {
  const find = async (db: Storage['read'], reference: string): Promise<KeyRow> => {
    if (isId('key', reference)) {
      const row = await repository.findKey(db, reference)
      if (row) return row
    }
    const named = await repository.findKeysByName(db, reference)
    // A name may be given again once its key is revoked; the living one is meant then.
    const living = named.filter(({ status }) => status !== 'revoked')
    if (living.length > 1) {
      throw new GatewayError('conflict', `Several keys are called "${reference}". Use the id.`, {
        param: 'key',
        hint: `List them with: gateway keys list`,
      })
    }
    const row = living[0] ?? named[0]
    if (!row) throw new GatewayError('not_found', `There is no key "${reference.slice(0, 80)}".`, { param: 'key' })
    return row
  }

  const assertNameFree = async (db: Storage['read'], userId: string, name: string): Promise<void> => {
    const named = await repository.findKeysByName(db, name)
    if (named.some((key) => key.user_id === userId && key.status !== 'revoked')) {
      throw new GatewayError('already_exists', `This user already has a key called "${name}".`, { param: 'name' })
    }
  }

  // Never below what was written before, even when the clock steps back: verifiers look at what is newer than what they saw.
  const changeTime = async ({ trx, now }: Context): Promise<number> =>
    Math.max(now, await repository.latestKeyChange(trx.db))

  const write = async (id: string, changes: Partial<ApiKeysTable>, context: Context): Promise<KeyView> => {
    await repository.updateKey(context.trx.db, id, { ...changes, updated_at: await changeTime(context) })
    await context.trx.touch('keys')
    return toKeyView(await find(context.trx.db, id))
  }

  return {
    async issue(reference, settings, context) {
      const { trx, now } = context
      const user = await users.find(trx.db, reference)
      if (user.status === 'deleted') throw new GatewayError('conflict', `${user.email} is deleted.`, { param: 'user' })
      const id = newId('key', now)
      const name = settings.name?.trim() ?? `key-${id.slice(-6)}`
      await assertNameFree(trx.db, user.id, name)
      const secret = keyFormat.create()
      await repository.insertKey(trx.db, {
        ...nothingSet,
        ...toColumns(settings, now),
        id,
        user_id: user.id,
        name,
        hash: sha256(secret),
        start: keyStart(secret),
        status: 'active',
        previous_hash: null,
        grace_until: null,
        created_at: now,
        updated_at: await changeTime(context),
      })
      await trx.touch('keys')
      return { ...toKeyView(await find(trx.db, id)), secret }
    },

    async list({ user, status, q, ...query }) {
      const userId = user === undefined ? undefined : (await users.find(storage.read, user)).id
      const place = placeOf(query, '-created_at', repository.keyOrders)
      return place.page(await repository.listKeys(storage.read, { userId, status, q, place }), toKeyView)
    },

    show: async (reference) => toKeyView(await find(storage.read, reference)),

    async update(reference, { name, ...settings }, context) {
      const key = await find(context.trx.db, reference)
      const newName = name?.trim() ?? key.name
      if (newName !== key.name) await assertNameFree(context.trx.db, key.user_id, newName)
      return write(key.id, { ...toColumns(settings, context.now), name: newName }, context)
    },

    async setStatus(reference, status, context) {
      const key = await find(context.trx.db, reference)
      // Operators may stop and start keys, but not those of their equals and betters.
      if (context.actor.role === 'operator' && key.user_role !== 'user' && key.user_id !== context.actor.id) {
        throw new GatewayError('forbidden', 'Only an admin may change the keys of operators and admins.')
      }
      if (key.status === 'revoked' && status !== 'revoked') {
        throw new GatewayError('conflict', 'This key is revoked, and that is final. Create a new one.', {
          param: 'key',
        })
      }
      if (key.status === status) return toKeyView(key)
      const lost = status === 'revoked' ? { previous_hash: null, grace_until: null } : {}
      return write(key.id, { status, ...lost }, context)
    },

    async rotate(reference, grace, context) {
      const key = await find(context.trx.db, reference)
      if (key.status === 'revoked') {
        throw new GatewayError('conflict', 'This key is revoked. Create a new one.', { param: 'key' })
      }
      const secret = keyFormat.create()
      const rotated = await write(
        key.id,
        {
          hash: sha256(secret),
          start: keyStart(secret),
          previous_hash: grace > 0 ? key.hash : null,
          grace_until: grace > 0 ? context.now + grace * 1000 : null,
        },
        context,
      )
      return { ...rotated, secret }
    },

    async delete(reference, context) {
      const key = await find(context.trx.db, reference)
      await repository.deleteKey(context.trx.db, key.id)
      await context.trx.touch('keys')
      return toKeyView(key)
    },
  }
}

const nothingSet = {
  models: null,
  allow_ips: null,
  expires_at: null,
  quota_credits: null,
  quota_tokens: null,
  quota_requests: null,
  quota_period: null,
  rpm: null,
  tpm: null,
  concurrency: null,
  tags: '{}',
} as const

/** Columns for the settings that are given; null clears one, undefined leaves it. */
const toColumns = (settings: Omit<KeySettings, 'name'>, now: number): Partial<ApiKeysTable> => {
  const columns: Partial<ApiKeysTable> = {}
  const { models, allow_ips: allowIps, expires_at: expires, quota, tags } = settings
  if (models !== undefined) columns.models = models && JSON.stringify([...new Set(models)])
  if (allowIps !== undefined) columns.allow_ips = allowIps && JSON.stringify([...new Set(allowIps)])
  if (tags !== undefined) columns.tags = JSON.stringify(tags ?? {})
  if (expires !== undefined) {
    columns.expires_at = expires === null ? null : Date.parse(expires)
    if (columns.expires_at !== null && columns.expires_at <= now) {
      throw new GatewayError('invalid_request', 'expires_at: The time is already past.', { param: 'expires_at' })
    }
  }
  if (quota !== undefined) {
    columns.quota_credits = quota?.credits === undefined ? null : parseCredits(quota.credits, 'quota.credits')
    columns.quota_tokens = quota?.tokens ?? null
    columns.quota_requests = quota?.requests ?? null
    columns.quota_period = quota?.period ?? null
  }
  for (const name of ['rpm', 'tpm', 'concurrency'] as const) {
    const value = settings[name]
    if (value !== undefined) columns[name] = value
  }
  return columns
}
