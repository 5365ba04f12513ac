import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Config } from '../config/config.ts'
import { describeConfig } from '../config/describe.ts'
import type { LoadedConfig } from '../config/load.ts'
import { toTimestamp } from '../kernel/clock.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Storage } from '../storage/storage.ts'
import * as repository from './repository.ts'
import type {
  configView,
  DatabaseCheckView,
  databaseView,
  DatabaseStatusView,
  MigrateView,
  StatusView,
} from './schemas.ts'

/** Both files of a new data directory are made at the same moment; older versions took two. Milliseconds. */
const sameMomentMs = 1_000

/** This process, as `status` describes it. */
export interface Runtime {
  readonly version: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly mode: 'daemon' | 'direct'
  /** Where the proxy listens; null while it does not. */
  readonly url: () => string | null
  /** Where each option came from, when known. */
  readonly origins?: LoadedConfig['origins']
}

export interface System {
  status(): Promise<StatusView>
  config(): z.infer<typeof configView>
  databaseStatus(): Promise<DatabaseStatusView>
  /** Reads every page of both files: about a second per gigabyte, off the serving thread. */
  databaseCheck(): Promise<DatabaseCheckView>
  /** Opening a database migrates it (after a backup), so what is left is to say what that did. */
  migrate(): Promise<MigrateView>
  /** A sentence for the operator when this process found no request log beside an existing ledger and began a new one. */
  requestLogLoss(): Promise<string | null>
}

export interface SystemDependencies {
  readonly storage: Storage
  readonly config: Config
  readonly runtime: Runtime
  readonly clock: Clock
}

export const createSystem = ({ storage, config, runtime, clock }: SystemDependencies): System => {
  const databases = [
    { name: 'gateway', db: storage.read },
    { name: 'usage', db: storage.usage },
  ] as const

  const sizeOf = (file: string): number => statSync(join(config.dataDir, file), { throwIfNoEntry: false })?.size ?? 0

  const origin = async () => {
    const [ledger, log] = await Promise.all([repository.madeAt(storage.read), repository.madeAt(storage.usage)])
    return {
      created_at: toTimestamp(ledger),
      request_log: { since: toTimestamp(log), replaced: log - ledger > sameMomentMs },
    }
  }

  const database = async (): Promise<z.infer<typeof databaseView>> => ({
    engine: 'sqlite',
    path: join(config.dataDir, 'gateway.db'),
    schema_version: (await repository.migrationsOf(storage.read)).length,
    size_bytes: databases.reduce((sum, { name }) => sum + sizeOf(`${name}.db`) + sizeOf(`${name}.db-wal`), 0),
    engine_version: await repository.engineVersion(storage.read),
    ...(await origin()),
  })

  return {
    async status() {
      const { users, keys, providers, models, holds_open: open } = await repository.counts(storage.read)
      return {
        version: runtime.version,
        mode: runtime.mode,
        url: runtime.url(),
        pid: process.pid,
        started_at: toTimestamp(runtime.startedAt),
        uptime_seconds: Math.max(0, Math.floor((clock.now() - runtime.startedAt) / 1000)),
        data_dir: config.dataDir,
        database: await database(),
        users,
        keys,
        providers,
        models,
        holds_open: open,
      }
    },

    config: () => ({
      data: describeConfig(config, runtime.origins).map(({ value, ...row }) => ({ ...row, value: plain(value) })),
    }),

    async databaseStatus() {
      const tables = await Promise.all(
        databases.map(async ({ name, db }) =>
          (await repository.tableRows(db)).map((table) => ({ ...table, name: `${name}.${table.name}` })),
        ),
      )
      return { ...(await database()), tables: tables.flat() }
    },

    async databaseCheck() {
      const started = clock.monotonic()
      const problems: string[] = []
      for (const { name, db } of databases) {
        for (const problem of await repository.structuralProblems(db)) problems.push(`${name}: ${problem}`)
      }
      return { ok: problems.length === 0, problems, duration_ms: Math.round(clock.monotonic() - started) }
    },

    async requestLogLoss() {
      const [ledger, log] = await Promise.all([repository.madeAt(storage.read), repository.madeAt(storage.usage)])
      if (ledger >= runtime.startedAt || log < runtime.startedAt) return null
      return `The request log ${join(config.dataDir, 'usage.db')} was missing and a new one was begun. No money is lost: the daemon rebuilds from the ledger what it knows of charged requests. Put back a backup of the file for the rest.`
    },

    async migrate() {
      const applied: string[] = []
      for (const { name, db } of databases) {
        for (const { id, applied_at: at } of await repository.migrationsOf(db)) {
          if (at >= runtime.startedAt) applied.push(`${name} ${id}`)
        }
      }
      return { schema_version: (await repository.migrationsOf(storage.read)).length, applied }
    },
  }
}

/** Lists of options are read-only; JSON views are not. */
const plain = <Value extends string | number | null>(value: Value | readonly string[]): Value | string[] =>
  Array.isArray(value) ? [...value] : (value as Value)
