import { Kysely } from 'kysely'
import type { GatewayError } from '../kernel/errors.ts'
import { Channel } from './channel.ts'
import { CommandQueue } from './command-queue.ts'
import type { DatabaseName } from './connection.ts'
import { busyTimeoutMs } from './limits.ts'
import type { JournalUse, ReaderOptions, WriterOptions } from './messages.ts'
import { createRemoteDialect } from './remote-dialect.ts'
import { Revisions } from './revisions.ts'
import type { GatewaySchema, UsageSchema } from './schema.ts'
import type { RevisionTopic, Storage, WriteTransaction } from './storage.ts'

export interface StorageOptions {
  /** Holds `gateway.db` and `usage.db`; created (0700) with empty databases when absent. */
  readonly dataDir: string
  /** Module whose `createEngine` runs batched commands in the writer thread (storage/engine.ts). Absent: `submit` is refused. */
  readonly engine?: URL
  /** How batches reach the databases; `none` commits each before it is answered. `gather` is for the one process that holds the daemon's lock. */
  readonly journal?: JournalUse
  /** An interactive write transaction is rolled back after this many milliseconds. */
  readonly maxTransactionMs?: number
  /** How long a write waits for another process that holds the lock, before `database_busy`. Milliseconds. */
  readonly busyMs?: number
}

/** Storage that a test can also stop as a crash would. */
export interface OpenStorage extends Storage {
  /** Stops both threads where they stand: nothing is flushed, nothing is closed. */
  terminate(): Promise<void>
}

const entry = (name: 'writer' | 'reader'): URL =>
  new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/**
 * Opens the databases of a data directory: creates, checks and migrates them in the writer thread first. Throws `database_refused` for files that are not ours,
 * too new or damaged, `permission_denied`, or `database_busy`.
 */
export const openStorage = async (options: StorageOptions): Promise<OpenStorage> => {
  const listeners = new Set<(error: GatewayError) => void>()
  let fatal: GatewayError | null = null
  const fail = (error: GatewayError): void => {
    if (fatal) return
    fatal = error
    for (const listener of listeners) listener(error)
  }
  const busyMs = options.busyMs ?? busyTimeoutMs
  const writer = new Channel(
    entry('writer'),
    {
      dataDir: options.dataDir,
      journal: options.journal ?? 'none',
      engine: options.engine?.href ?? null,
      maxTransactionMs: options.maxTransactionMs ?? 5_000,
      busyMs,
    } satisfies WriterOptions,
    fail,
  )
  const reader = new Channel(entry('reader'), { dataDir: options.dataDir, busyMs } satisfies ReaderOptions, fail)
  try {
    await Promise.all([writer.ready(), reader.ready()])
  } catch (error) {
    await Promise.all([writer.terminate(), reader.terminate()])
    throw error
  }
  return new ThreadedStorage(writer, reader, (listener) => {
    if (fatal) listener(fatal)
    listeners.add(listener)
    return () => listeners.delete(listener)
  })
}

class ThreadedStorage implements OpenStorage {
  readonly read: Kysely<GatewaySchema>
  readonly usage: Kysely<UsageSchema>
  readonly onFatal: Storage['onFatal']
  readonly #writer: Channel
  readonly #reader: Channel
  readonly #queue: CommandQueue
  readonly #revisions: Revisions
  #transactions = 0
  /** Commands were handed over whose rows may not be visible to readers yet. */
  #behind = false

  constructor(writer: Channel, reader: Channel, onFatal: Storage['onFatal']) {
    this.#writer = writer
    this.#reader = reader
    this.onFatal = onFatal
    this.#queue = new CommandQueue(writer)
    this.read = new Kysely({ dialect: this.#readDialect('gateway') })
    this.usage = new Kysely({ dialect: this.#readDialect('usage') })
    this.#revisions = new Revisions(this.read)
  }

  submit<Command, Result>(command: Command, options?: { readonly durable?: boolean }): Promise<Result> {
    this.#behind = true
    return this.#queue.submit(command, options?.durable ?? false) as Promise<Result>
  }

  async write<T>(work: (trx: WriteTransaction) => Promise<T>): Promise<T> {
    const transaction = ++this.#transactions
    const touched = new Map<RevisionTopic, number>()
    const result = await this.#writeHandle(transaction)
      .transaction()
      .execute((db) =>
        work({
          db,
          submit: <Command, Result>(command: Command) =>
            this.#writer.request({ kind: 'command', transaction, command }) as Promise<Result>,
          touch: async (topic) => {
            const row = await db
              .updateTable('revisions')
              .set((update) => ({ value: update('value', '+', 1) }))
              .where('topic', '=', topic)
              .returning('value')
              .executeTakeFirstOrThrow()
            touched.set(topic, row.value)
          },
        }),
      )
    this.#behind = true
    for (const [topic, value] of touched) this.#revisions.committed(topic, value)
    return result
  }

  watch(topic: RevisionTopic, changed: () => void): () => void {
    return this.#revisions.watch(topic, changed)
  }

  async close(): Promise<void> {
    this.#revisions.close()
    await this.#queue.drained()
    // The reader first: the last connection to close folds the log into the database.
    await this.#reader.close()
    await this.#writer.close()
  }

  async terminate(): Promise<void> {
    this.#revisions.close()
    await Promise.all([this.#writer.terminate(), this.#reader.terminate()])
  }

  #readDialect(database: DatabaseName): ReturnType<typeof createRemoteDialect> {
    return createRemoteDialect({
      query: async (transaction, sql, parameters) => {
        if (transaction === null) await this.#catchUp()
        return this.#reader.request({ kind: 'query', transaction, database, sql, parameters })
      },
      begin: async () => {
        const transaction = ++this.#transactions
        await this.#catchUp()
        await this.#reader.request({ kind: 'begin', transaction, database })
        return transaction
      },
      end: async (transaction, kind) => {
        await this.#reader.request({ kind, transaction })
      },
    })
  }

  /** Whoever settled an exchange finds it in the ledger and in the request log: rows still on their way are written before a read. */
  async #catchUp(): Promise<void> {
    if (!this.#behind) return
    this.#behind = false
    await this.#writer.request({ kind: 'barrier' }).catch(() => {
      this.#behind = true
    })
  }

  #writeHandle(transaction: number): Kysely<GatewaySchema> {
    return new Kysely({
      dialect: createRemoteDialect({
        query: (_, sql, parameters) =>
          this.#writer.request({ kind: 'query', transaction, database: 'gateway', sql, parameters }),
        begin: async () => {
          await this.#writer.request({ kind: 'begin', transaction, database: 'gateway' })
          return transaction
        },
        end: async (_, kind) => {
          await this.#writer.request({ kind, transaction })
        },
      }),
    })
  }
}
