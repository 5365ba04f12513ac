import type { Clock } from '../kernel/clock.ts'
import type { Storage } from '../storage/storage.ts'
import { catalogRevision } from './repository.ts'
import type { Catalog, ResolvedModel, ResolvedProvider } from './resolved.ts'
import { readCatalogRows, resolveCatalog, type CatalogProblem, type ResolveOptions, type Snapshot } from './snapshot.ts'

/** The catalogue of a running process: follows every write, whichever process made it. */
export interface LiveCatalog extends Catalog {
  /** Reads anew; resolves when the snapshot is at least as new as this call. */
  refresh(): Promise<void>
  /** The same, but reads only if something was written since. */
  catchUp(): Promise<void>
  /** A provider that is enabled and can be called. */
  provider(id: string): ResolvedProvider | undefined
  /** Rows that take no part, and why. */
  problems(): readonly CatalogProblem[]
  /** Milliseconds since the epoch of the snapshot in use. */
  loadedAt(): number
  close(): void
}

export interface CatalogOptions extends ResolveOptions {
  readonly storage: Storage
  readonly clock: Clock
  /** Told when a reload failed; the snapshot before it stays in use and the next try follows within a second. */
  readonly onError?: (error: unknown) => void
}

const retryMs = 1000

/** Loads the catalogue and keeps it fresh. Fails when it cannot be read at start; later failures leave the last good one in use. */
export const createCatalog = async ({
  storage,
  clock,
  onError = () => {},
  ...options
}: CatalogOptions): Promise<LiveCatalog> => {
  let snapshot: Snapshot
  let models: readonly ResolvedModel[] = []
  let loadedAt = 0
  let loadedRevision = -1
  let running: Promise<void> | undefined
  let again: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const load = async (): Promise<void> => {
    const at = clock.now()
    // Asked before the rows: a write in between is seen twice rather than never.
    const revision = await catalogRevision(storage.read)
    const next = resolveCatalog(await readCatalogRows(storage.read), options)
    loadedRevision = revision
    snapshot = next
    models = Object.freeze([...next.models.values()])
    loadedAt = at
  }

  // One reload at a time; whoever asks while one runs gets the next, because the one that runs may have read before their write.
  const refresh = (): Promise<void> => {
    if (running === undefined) {
      running = load().finally(() => {
        running = undefined
      })
      return running
    }
    again ??= after(running)
    return again
  }
  const after = async (current: Promise<void>): Promise<void> => {
    await current.catch(() => {})
    again = undefined
    return refresh()
  }

  const follow = (): void => {
    if (closed) return
    clearTimeout(retry)
    refresh().catch((error: unknown) => {
      if (closed) return
      onError(error)
      retry = setTimeout(follow, retryMs).unref()
    })
  }

  // Watched before the first load, so that a write between the two is not missed.
  const unwatch = storage.watch('catalog', follow)
  try {
    await refresh()
  } catch (error) {
    unwatch()
    throw error
  }

  return {
    resolve: (name) => snapshot.models.get(name),
    list: () => models,
    refresh,
    async catchUp() {
      if ((await catalogRevision(storage.read)) !== loadedRevision) await refresh()
    },
    provider: (id) => snapshot.providers.get(id),
    problems: () => snapshot.problems,
    loadedAt: () => loadedAt,
    close() {
      closed = true
      clearTimeout(retry)
      unwatch()
    },
  }
}
