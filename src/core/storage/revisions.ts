import type { Kysely } from 'kysely'
import type { GatewaySchema } from './schema.ts'
import type { RevisionTopic } from './storage.ts'

const pollMs = 400

/** News of changes: this process hears of its own writes at once, of other processes' by polling the revision numbers while someone listens. */
export class Revisions {
  readonly #db: Kysely<GatewaySchema>
  readonly #watchers = new Map<RevisionTopic, Set<() => void>>()
  readonly #known = new Map<string, number>()
  #timer: NodeJS.Timeout | null = null
  #polling = false

  constructor(db: Kysely<GatewaySchema>) {
    this.#db = db
  }

  watch(topic: RevisionTopic, changed: () => void): () => void {
    const set = this.#watchers.get(topic) ?? new Set()
    this.#watchers.set(topic, set.add(changed))
    if (this.#timer === null) {
      this.#timer = setInterval(() => void this.#poll(), pollMs).unref()
      void this.#poll()
    }
    return () => {
      set.delete(changed)
      if ([...this.#watchers.values()].every((one) => one.size === 0)) this.close()
    }
  }

  /** A transaction of this process that touched `topic` has committed as revision `value`. */
  committed(topic: RevisionTopic, value: number): void {
    this.#moved(topic, value)
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.#known.clear()
  }

  async #poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    try {
      const rows = await this.#db.selectFrom('revisions').selectAll().execute()
      for (const { topic, value } of rows) this.#moved(topic as RevisionTopic, value)
    } catch {
      // Storage in trouble: its other callers hear of it; the next poll tells whether anything moved meanwhile.
    } finally {
      this.#polling = false
    }
  }

  #moved(topic: RevisionTopic, value: number): void {
    const before = this.#known.get(topic)
    // A poll that was answered before a commit of ours may arrive after it.
    if (before !== undefined && value <= before) return
    this.#known.set(topic, value)
    // The first look is always told: what a watcher loaded before it may be older than what the number stands for.
    for (const changed of this.#watchers.get(topic) ?? []) changed()
  }
}
