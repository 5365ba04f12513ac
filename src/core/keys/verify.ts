import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/secrets.ts'
import type { Storage } from '../storage/storage.ts'
import { keyFormat } from './key-format.ts'
import { createKeySnapshot } from './snapshot.ts'
import type { KeyVerdict, KeyVerifier } from './verdict.ts'

export interface LiveKeyVerifier extends KeyVerifier {
  /** Reads what has changed; resolves when every change committed before the call is in force. */
  refresh(): Promise<void>
  /** Stops watching. */
  close(): void
}

export interface KeyVerifierDependencies {
  readonly storage: Storage
  readonly clock: Clock
  /** Told when changes cannot be read; they are tried again every second, meanwhile the last state holds. */
  readonly onError?: (error: unknown) => void
}

/** Secrets whose hash is remembered, so that a busy key is not hashed again for every request. */
const rememberedSecrets = 10_000
const retryMs = 1_000

const malformed: KeyVerdict = Object.freeze({ status: 'malformed' })
const unknown: KeyVerdict = Object.freeze({ status: 'unknown' })
const expired: KeyVerdict = Object.freeze({ status: 'expired' })
const disabled: KeyVerdict = Object.freeze({ status: 'disabled' })

/** Loads all keys, follows every change by any process, and gives verdicts from memory. Revoked keys and keys of suspended or deleted users are `disabled`. */
export const createKeyVerifier = async (dependencies: KeyVerifierDependencies): Promise<LiveKeyVerifier> => {
  const { storage, clock, onError } = dependencies
  const snapshot = createKeySnapshot(storage)
  const hashes = new Map<string, string>()
  let closed = false
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined

  /** One refresh runs at a time; calls during it share the one that follows it, because the running one may have read before their change. */
  const refresh = (): Promise<void> => {
    if (!running) {
      running = snapshot.refresh().finally(() => {
        running = undefined
      })
      return running
    }
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return refresh()
      })
    return next
  }

  const follow = (): void => {
    if (closed) return
    refresh().catch((error: unknown) => {
      onError?.(error)
      clearTimeout(retry)
      if (!closed) retry = setTimeout(follow, retryMs).unref()
    })
  }

  // Watching begins before the first read: a change between the two is then seen twice instead of never.
  const unwatch = [storage.watch('keys', follow), storage.watch('users', follow)]
  const close = (): void => {
    closed = true
    clearTimeout(retry)
    for (const stop of unwatch) stop()
  }
  try {
    await refresh()
  } catch (error) {
    close()
    throw error
  }

  return {
    verify(secret) {
      let hash = hashes.get(secret)
      if (hash === undefined) {
        if (!keyFormat.isWellFormed(secret)) return malformed
        hash = sha256(secret)
      }
      const now = clock.now()
      const key = snapshot.find(hash, now)
      if (!key) {
        hashes.delete(secret)
        return unknown
      }
      if (!hashes.has(secret)) {
        if (hashes.size >= rememberedSecrets) hashes.delete(hashes.keys().next().value!)
        hashes.set(secret, hash)
      }
      if (!key.active) return disabled
      const { expiresAt } = key.valid.principal
      return expiresAt !== null && expiresAt <= now ? expired : key.valid
    },
    refresh,
    close,
  }
}
