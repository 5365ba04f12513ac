import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely'
import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from 'kysely'
import { GatewayError } from '../kernel/errors.ts'
import type { QueryResult as ThreadResult } from './connection.ts'

/** Where compiled queries go: a database thread. */
export interface Remote {
  query(transaction: number | null, sql: string, parameters: readonly unknown[]): Promise<unknown>
  begin(): Promise<number>
  end(transaction: number, how: 'commit' | 'rollback'): Promise<void>
}

class RemoteConnection implements DatabaseConnection {
  transaction: number | null = null
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const result = (await this.#remote.query(this.transaction, query.sql, query.parameters)) as ThreadResult
    const rows = result.rows as Row[]
    return result.changes === null ? { rows } : { rows, numAffectedRows: BigInt(result.changes) }
  }

  // oxlint-disable-next-line require-yield -- part of the interface; reports page instead of holding a cursor in another thread
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new GatewayError('internal_error', 'queries are not streamed between threads; page by key instead')
  }
}

class RemoteDriver implements Driver {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async init(): Promise<void> {}
  async destroy(): Promise<void> {}
  async releaseConnection(): Promise<void> {}

  async acquireConnection(): Promise<RemoteConnection> {
    return new RemoteConnection(this.#remote)
  }

  async beginTransaction(connection: RemoteConnection): Promise<void> {
    connection.transaction = await this.#remote.begin()
  }

  async commitTransaction(connection: RemoteConnection): Promise<void> {
    await this.#end(connection, 'commit')
  }

  async rollbackTransaction(connection: RemoteConnection): Promise<void> {
    await this.#end(connection, 'rollback')
  }

  async #end(connection: RemoteConnection, how: 'commit' | 'rollback'): Promise<void> {
    const { transaction } = connection
    connection.transaction = null
    if (transaction !== null) await this.#remote.end(transaction, how)
  }
}

/** Kysely compiles here and runs there. */
export const createRemoteDialect = (remote: Remote): Dialect => ({
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => new RemoteDriver(remote),
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
})
