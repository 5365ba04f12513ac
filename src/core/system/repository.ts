import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { GatewaySchema, UsageSchema } from '../storage/schema.ts'

type AnyDb = Kysely<GatewaySchema> | Kysely<UsageSchema>

export interface Counts {
  readonly users: number
  readonly keys: number
  readonly providers: number
  readonly models: number
  readonly holds_open: number
}

export const counts = async (db: Kysely<GatewaySchema>): Promise<Counts> => {
  const { rows } = await sql<Counts>`select
    (select count(*) from users where status <> 'deleted') as users,
    (select count(*) from api_keys where status = 'active') as keys,
    (select count(*) from providers) as providers,
    (select count(*) from models) as models,
    (select count(*) from holds where state = 'open') as holds_open`.execute(db)
  return rows[0]!
}

/** Migrations that a database has seen, in order. */
export const migrationsOf = async (
  db: AnyDb,
): Promise<readonly { readonly id: string; readonly applied_at: number }[]> => {
  const query = sql<{ id: string; applied_at: number }>`select id, applied_at from migrations order by id`
  return (await query.execute(db)).rows
}

/** When a database was made, in milliseconds since the epoch. */
export const madeAt = async (db: AnyDb): Promise<number> => {
  const query = sql<{ at: number | null }>`select min(applied_at) as at from migrations`
  return (await query.execute(db)).rows[0]?.at ?? 0
}

export const engineVersion = async (db: AnyDb): Promise<string> => {
  const { rows } = await sql<{ version: string }>`select sqlite_version() as version`.execute(db)
  return rows[0]!.version
}

export const tableRows = async (db: AnyDb): Promise<readonly { readonly name: string; readonly rows: number }[]> => {
  const tables = await sql<{ name: string }>`select name from sqlite_schema
    where type = 'table' and name not like 'sqlite_%' order by name`.execute(db)
  const counted = tables.rows.map(async ({ name }) => {
    const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(db)
    return { name, rows: rows[0]!.count }
  })
  return Promise.all(counted)
}

/** What SQLite finds wrong in a file: pages, indexes, constraints, references. At most 100 lines. */
export const structuralProblems = async (db: AnyDb): Promise<readonly string[]> => {
  const integrity = await sql<{
    integrity_check: string
  }>`select integrity_check from pragma_integrity_check limit 100`.execute(db)
  const references = await sql<{
    line: string
  }>`select "table" || ' row ' || coalesce(rowid, '?') || ' refers to nothing in ' || parent as line
    from pragma_foreign_key_check limit 100`.execute(db)
  return [
    ...integrity.rows.map((row) => row.integrity_check).filter((line) => line !== 'ok'),
    ...references.rows.map(({ line }) => line),
  ]
}
