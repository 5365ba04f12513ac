import type { WireError } from '../kernel/errors.ts'
import type { DatabaseName } from './connection.ts'

/** What the serving thread asks of the writer and the reader. Answered once each, by `id`. */
export type Request =
  | { readonly id: number; readonly kind: 'batch'; readonly commands: readonly unknown[]; readonly durable: boolean }
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
  /** Answered when every row for the request log that was handed over before is written. */
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
  readonly engine: string | null
  readonly maxTransactionMs: number
  readonly busyMs: number
}

export interface ReaderOptions {
  readonly dataDir: string
  readonly busyMs: number
}
