import type { ApiKeysTable, UsersTable } from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import * as repository from './repository.ts'
import type { Mark, VerifierKeyRow } from './repository.ts'
import type { KeyPrincipal, KeyVerdict } from './verdict.ts'

export interface KeySnapshot {
  /** The key that has this hash now, or had it before its rotation and still may. */
  find(hash: string, now: number): FoundKey | undefined
  /** Reads what has changed since the last call. */
  refresh(): Promise<void>
}

export interface FoundKey {
  /** Both the key and its owner are active. */
  readonly active: boolean
  readonly valid: Extract<KeyVerdict, { status: 'valid' }>
}

interface Entry {
  readonly hash: string
  readonly previousHash: string | null
  readonly graceUntil: number
  readonly status: ApiKeysTable['status']
  readonly owner: Owner
  readonly valid: Extract<KeyVerdict, { status: 'valid' }>
}

interface Owner {
  status: UsersTable['status']
}

/** Rows in one read: few enough that taking them in stays far below 10 ms on the thread that serves requests. */
const rowsPerRead = 500
const idsPerRead = 5_000
const beginning: Mark = { at: -1, id: '' }

/**
 * All keys in memory, by hash. Entries are immutable and replaced one by one, so that a change costs what it changes, not what there is; between two reads the
 * thread is free. A removed row leaves no trace to follow: when the count does not fit, ids are compared.
 */
export const createKeySnapshot = (storage: Storage): KeySnapshot => {
  const byHash = new Map<string, Entry>()
  const byPreviousHash = new Map<string, Entry>()
  const byId = new Map<string, Entry>()
  const owners = new Map<string, Owner>()
  let lastKey = beginning
  let lastOwner = beginning

  const ownerOf = (userId: string): Owner => {
    let owner = owners.get(userId)
    if (!owner) {
      // Not read yet; it is before this refresh ends. Until then nobody is let in.
      owner = { status: 'suspended' }
      owners.set(userId, owner)
    }
    return owner
  }

  const remove = (id: string): void => {
    const entry = byId.get(id)
    if (!entry) return
    byId.delete(id)
    if (byHash.get(entry.hash) === entry) byHash.delete(entry.hash)
    if (entry.previousHash !== null && byPreviousHash.get(entry.previousHash) === entry) {
      byPreviousHash.delete(entry.previousHash)
    }
  }

  const put = (row: VerifierKeyRow): void => {
    const entry: Entry = {
      hash: row.hash,
      previousHash: row.previous_hash,
      graceUntil: row.grace_until ?? 0,
      status: row.status,
      owner: ownerOf(row.user_id),
      valid: Object.freeze({ status: 'valid', principal: toPrincipal(row) }),
    }
    remove(row.id)
    byId.set(row.id, entry)
    byHash.set(entry.hash, entry)
    if (entry.previousHash !== null) byPreviousHash.set(entry.previousHash, entry)
  }

  /** Rows with the last seen time are read once more: others may have been written within the same millisecond. */
  const since = ({ at }: Mark): Mark => ({ at: at - 1, id: '\uffff' })

  const readKeys = async (): Promise<void> => {
    for (let mark = since(lastKey); ;) {
      const rows = await repository.changedKeys(storage.read, mark, rowsPerRead)
      for (const row of rows) put(row)
      const last = rows.at(-1)
      if (last) {
        mark = { at: last.updated_at, id: last.id }
        lastKey = mark
      }
      if (rows.length < rowsPerRead) return
    }
  }

  const readOwners = async (): Promise<void> => {
    for (let mark = since(lastOwner); ;) {
      const rows = await repository.changedOwners(storage.read, mark, rowsPerRead)
      for (const { id, status } of rows) ownerOf(id).status = status
      const last = rows.at(-1)
      if (last) {
        mark = { at: last.updated_at, id: last.id }
        lastOwner = mark
      }
      if (rows.length < rowsPerRead) return
    }
  }

  const dropRemoved = async (): Promise<void> => {
    if ((await repository.countKeys(storage.read)) === byId.size) return
    const gone = new Set(byId.keys())
    for (let after = ''; ;) {
      const ids = await repository.keyIds(storage.read, after, idsPerRead)
      for (const id of ids) gone.delete(id)
      if (ids.length < idsPerRead) break
      after = ids.at(-1)!
    }
    for (const id of gone) remove(id)
  }

  return {
    find(hash, now) {
      let entry = byHash.get(hash)
      if (!entry) {
        entry = byPreviousHash.get(hash)
        if (!entry || entry.graceUntil <= now) return undefined
      }
      return { active: entry.status === 'active' && entry.owner.status === 'active', valid: entry.valid }
    },
    // Keys first: the owner of every key that was read is then among the users that are read after it.
    async refresh() {
      await readKeys()
      await readOwners()
      await dropRemoved()
    },
  }
}

const toPrincipal = (row: VerifierKeyRow): KeyPrincipal =>
  Object.freeze({
    keyId: row.id,
    userId: row.user_id,
    accountId: row.account_id,
    models: row.models === null ? null : new Set(JSON.parse(row.models) as string[]),
    allowIps: row.allow_ips === null ? null : (JSON.parse(row.allow_ips) as string[]),
    quota:
      row.quota_period === null
        ? null
        : {
            period: row.quota_period,
            credits: row.quota_credits,
            tokens: row.quota_tokens,
            requests: row.quota_requests,
          },
    requestsPerMinute: row.rpm,
    tokensPerMinute: row.tpm,
    concurrency: row.concurrency,
    expiresAt: row.expires_at,
  })
