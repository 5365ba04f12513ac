import type { Kysely, Transaction } from 'kysely'
import type { GatewayError } from '../kernel/errors.ts'
import type { GatewaySchema, UsageSchema } from './schema.ts'

/**
 * The storage port. All SQL runs off the thread that serves requests: one writer thread owns the only writing connections, a reader thread owns read-only ones.
 * Everything here returns promises, so that it does not matter who calls it and PostgreSQL can stand behind the same port.
 */
export interface Storage {
  /** Read-only, for snapshots, administration and reports. A long report delays other reads, never the writer and never the serving thread. */
  readonly read: Kysely<GatewaySchema>
  readonly usage: Kysely<UsageSchema>
  /**
   * One write transaction (`begin immediate`, durable when it resolves). While it is open the writer does nothing else: inside it, await queries and nothing else.
   * It is rolled back after `maxTransactionMs`.
   */
  write<T>(work: (trx: WriteTransaction) => Promise<T>): Promise<T>
  /**
   * Hands a batched command to the writer. Commands queue and are committed together; the promise settles after the commit. `durable` waits for an fsync as well.
   */
  submit<Command, Result>(command: Command, options?: { readonly durable?: boolean }): Promise<Result>
  /** Moves with every committed write to a topic, by any process; checked at least twice a second while someone watches. */
  watch(topic: RevisionTopic, changed: () => void): () => void
  /** Told once when storage cannot go on (its thread died, an fsync failed, the file is corrupt): every later call fails, the process should exit and start anew. */
  onFatal(listener: (error: GatewayError) => void): () => void
  close(): Promise<void>
}

export type RevisionTopic = 'keys' | 'catalog' | 'users' | 'tokens'

export interface WriteTransaction {
  readonly db: Transaction<GatewaySchema>
  /** Runs one command of the batch engine inside this transaction. */
  submit<Command, Result>(command: Command): Promise<Result>
  /** Marks a topic as changed when this transaction commits. */
  touch(topic: RevisionTopic): Promise<void>
}
