import { z } from 'zod'

export const noInput = z.strictObject({})

export const databaseView = z.object({
  engine: z.string(),
  path: z.string().nullable(),
  schema_version: z.number(),
  size_bytes: z.number().describe('Of both databases.'),
  engine_version: z.string(),
  created_at: z.string(),
  request_log: z.object({
    since: z.string(),
    replaced: z.boolean().describe('`usage.db` was missing once and begun anew, later than the database.'),
  }),
})

export const statusView = z.object({
  version: z.string(),
  mode: z.enum(['daemon', 'direct']).describe('Answered by a running daemon, or by this very process.'),
  url: z.string().nullable(),
  pid: z.number(),
  started_at: z.string(),
  uptime_seconds: z.number(),
  data_dir: z.string(),
  database: databaseView,
  users: z.number(),
  keys: z.number().describe('Active ones.'),
  providers: z.number(),
  models: z.number(),
  holds_open: z.number(),
})
export type StatusView = z.infer<typeof statusView>

export const databaseStatusView = databaseView.extend({
  tables: z.array(z.object({ name: z.string(), rows: z.number() })),
})
export type DatabaseStatusView = z.infer<typeof databaseStatusView>

export const databaseCheckView = z.object({
  ok: z.boolean(),
  problems: z.array(z.string()),
  duration_ms: z.number(),
})
export type DatabaseCheckView = z.infer<typeof databaseCheckView>

export const migrateView = z.object({
  schema_version: z.number(),
  applied: z
    .array(z.string())
    .describe(
      'Migrations that ran when this process opened the database: a running daemon has none left, so it only reports.',
    ),
})
export type MigrateView = z.infer<typeof migrateView>

export const configView = z.object({
  data: z.array(
    z.object({
      name: z.string(),
      value: z.union([z.string(), z.number(), z.null(), z.array(z.string())]).describe('Secrets are masked.'),
      env: z.string(),
      source: z.string().nullable(),
      from: z.string().nullable(),
    }),
  ),
})
