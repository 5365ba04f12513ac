import type { WireError } from '../kernel/errors.ts'
import type { DatabaseName } from './connection.ts'

/** What the serving thread asks of the writer and the reader. Answered once each, by `id`. */
export type Request =
  /** `commands` is a JSON array, as it goes into the journal; the answer is a JSON array of outcomes. One string crosses cheaper than many objects. */
  | { readonly id: number; readonly kind: 'batch'; readonly commands: string; readonly durable: boolean }
  | { readonly id: number; readonly kind: 'begin'; readonly transaction: number; readonly database: DatabaseName }
  | {
      readonly id: number
      readonly kind: 'query'
      /** Null: outside any transaction (the reader only). */
      readonly transaction: number | null
      readonly database: DatabaseName
      readonly sql: string
      readonly parameters: readonly unknown[]
    }
  | { readonly id: number; readonly kind: 'command'; readonly transaction: number; readonly command: unknown }
  | { readonly id: number; readonly kind: 'commit' | 'rollback'; readonly transaction: number }
  /** Answered when everything that was handed over before can be read: rows of the ledger are committed, rows of the request log written. */
  | { readonly id: number; readonly kind: 'barrier' }
  | { readonly id: number; readonly kind: 'close' }

export type RequestBody = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ThreadError }
  /** Unasked: storage cannot go on. */
  | { readonly fatal: ThreadError }

/** An error with what only logs may show. */
export interface ThreadError extends WireError {
  readonly trace: string | null
}

/** Outcome of one command of a batch: its result, or why it was refused. */
export type Outcome = { readonly value: unknown } | { readonly error: ThreadError }

export interface WriterOptions {
  readonly dataDir: string
  /** `gather`: answer batches from the journal and commit many at a time. `replay`: only apply what an earlier run left. */
  readonly journal: JournalUse
  readonly engine: string | null
  readonly maxTransactionMs: number
  readonly busyMs: number
}

export type JournalUse = 'gather' | 'replay' | 'none'

export interface ReaderOptions {
  readonly dataDir: string
  readonly busyMs: number
}
