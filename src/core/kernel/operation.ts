import type { z } from 'zod'

/**
 * The unit of administration. One definition gives the HTTP route, validation, authorisation, the audit row, the in-process client and the reference page. Every
 * way to administer the gateway (CLI, socket, HTTP, console, TUI) runs the same operation through `runOperation`.
 */
export type Role = 'user' | 'operator' | 'admin'

/** Who acts: a person by session or admin token, or the operating-system user behind the local socket or a direct command. */
export interface Actor {
  /** `usr_…`, or `local:<os user>` for the socket and for direct commands. */
  readonly id: string
  readonly role: Role
}

/** What every run gets beside its domains. `trx` is the open write transaction of the runner; it exists exactly for operations that write. */
export interface OperationContext<Transaction = unknown> {
  readonly actor: Actor
  readonly trx: Transaction
  /** Milliseconds since the epoch, fixed for the whole operation. */
  readonly now: number
  readonly requestId: string
  readonly idempotencyKey?: string
}

/** `Domains` is the part of the app the operation needs; the whole app fits. */
export interface Operation<Domains = never, Input = unknown, Output = unknown, Transaction = never, Prepared = Input> {
  /** `noun.verb`, for example `keys.revoke`. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  /** Path below `/api/admin`, with `:name` parameters that are fields of the input. */
  readonly path: string
  /** The least role that may run it. */
  readonly role: Role
  readonly summary: string
  readonly input: z.ZodType<Input>
  readonly output: z.ZodType<Output>
  /** Name of the audit row for operations that write; absent for reads. */
  readonly audit?: string
  /** `write` (default for anything but GET): runs inside one write transaction with its audit row. `none`: reads, or work that waits for something outside. */
  readonly transaction?: 'write' | 'none'
  /** Money writes: refused over HTTP without an Idempotency-Key. */
  readonly money?: boolean
  /** Slow work that must not keep the transaction open (hashing a password): runs before it, and `run` gets what it returns in place of the input. */
  prepare?(domains: Domains, input: Input): Promise<Prepared>
  run(domains: Domains, input: Prepared, context: OperationContext<Transaction>): Promise<Output>
}

export const defineOperation = <Domains, Input, Output, Transaction, Prepared = Input>(
  operation: Operation<Domains, Input, Output, Transaction, Prepared>,
): Operation<Domains, Input, Output, Transaction, Prepared> => Object.freeze(operation)

/** A page of things: the shape of every list. */
export interface Page<T> {
  readonly data: T[]
  readonly next_cursor: string | null
}
