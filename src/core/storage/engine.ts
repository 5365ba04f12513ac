/**
 * What runs batched commands inside the writer thread. The ledger implements it; storage only knows when transactions begin and end. A module that exports
 * `createEngine` is named by URL when storage is opened, so that storage need not import what stands above it.
 */
export interface Engine {
  /**
   * Runs one command in the open transaction. Throws GatewayError only before the first change (a refusal leaves no trace, the batch goes on); anything else
   * thrown means that changes may be half done, and the whole transaction is rolled back.
   */
  run(command: unknown): unknown
  /** Writes what was collected in memory; called before every commit. */
  flush(): void
  /** Forgets what was collected; called after every commit and rollback. */
  reset(): void
  /** Writes rows that `EngineHost.record` was given to the usage database, inside a transaction there. Repeating a row changes nothing. */
  writeRecords(rows: readonly unknown[]): void
}

/** Prepared statements of one database. Everything that is written is an integer or text. */
export interface EngineDatabase {
  prepare(sql: string): EngineStatement
}

export interface EngineStatement {
  get(...parameters: EngineValue[]): unknown
  all(...parameters: EngineValue[]): unknown[]
  /** Returns how many rows changed. */
  run(...parameters: EngineValue[]): number
}

export type EngineValue = string | number | null

export interface EngineHost {
  readonly gateway: EngineDatabase
  readonly usage: EngineDatabase
  /** Keeps a row for the usage database until the open transaction has committed; a rollback drops it. */
  record(row: unknown): void
}

export type CreateEngine = (host: EngineHost) => Engine
