import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine } from '../../../src/core/ledger/engine.ts'
import { ledgerChecks } from '../../../src/core/ledger/verify-repository.ts'
import type { LedgerCommand, LedgerResults } from '../../../src/core/ledger/commands.ts'
import { openConnection } from '../../../src/core/storage/connection.ts'
import type { CreateEngine } from '../../../src/core/storage/engine.ts'
import type { WriteBytes } from '../../../src/core/storage/journal.ts'
import type { JournalUse, Outcome } from '../../../src/core/storage/messages.ts'
import { prepareDatabases } from '../../../src/core/storage/migrate.ts'
import { createWriterDatabases } from '../../../src/core/storage/writer-databases.ts'
import type { WriterDatabases } from '../../../src/core/storage/writer-databases.ts'
import type { WriteTransaction } from '../../../src/core/storage/storage.ts'

export const temporaryDirectory = (): { readonly path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 'tollgate-ledger-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** What the writer thread does, without the thread: every step is done when the call returns. */
export const openWriter = (
  dataDir: string,
  engine: CreateEngine = createEngine,
  journal: JournalUse = 'none',
  writeJournal?: WriteBytes,
): WriterDatabases => {
  prepareDatabases({ dataDir, busyMs: 100, now: () => 1 })
  const fail = (error: unknown): void => {
    throw error
  }
  return createWriterDatabases({
    dataDir,
    busyMs: 100,
    createEngine: engine,
    journal,
    fail,
    ...(writeJournal && { writeJournal }),
  })
}

/** Runs commands as one batch; a refused one gives its error's code. */
export const runBatch = (writer: WriterDatabases, commands: readonly LedgerCommand[]): unknown[] =>
  writer
    .batch(JSON.stringify(commands), false)
    .map((outcome: Outcome) => ('error' in outcome ? { refused: outcome.error.code } : outcome.value))

export const runOne = <Op extends LedgerCommand['op']>(
  writer: WriterDatabases,
  command: LedgerCommand & { readonly op: Op },
): LedgerResults[Op] => runBatch(writer, [command])[0] as LedgerResults[Op]

const insertUser = `insert into users (id, email, role, status, created_at, updated_at) values (?, ?, 'user', 'active', 1, 1)`
const insertWallet = `insert into accounts (id, kind, owner_id) values (?, 'user', ?)`

export const addWallets = (writer: WriterDatabases, names: readonly string[]): void => {
  writer.begin()
  for (const name of names) {
    writer.query(insertUser, [`usr_${name}`, `${name}@example.test`])
    writer.query(insertWallet, [`acc_${name}`, `usr_${name}`])
  }
  writer.commit()
}

/** The same for storage on threads. */
export const addWallet = async ({ db }: WriteTransaction, name: string): Promise<string> => {
  const times = { created_at: 1, updated_at: 1 }
  const user = {
    id: `usr_${name}`,
    email: `${name}@example.test`,
    name: null,
    status_reason: null,
    password_hash: null,
  }
  await db
    .insertInto('users')
    .values({ ...user, role: 'user', status: 'active', ...times })
    .execute()
  const empty = { debits_posted: 0, credits_posted: 0, debits_pending: 0, has_expiring: 0 } as const
  await db
    .insertInto('accounts')
    .values({ id: `acc_${name}`, kind: 'user', owner_id: user.id, ...empty })
    .execute()
  return `acc_${name}`
}

/** Runs every check of `verify` on the files; returns the bad rows. */
export const badRows = (dataDir: string): unknown[] => {
  const db = openConnection(join(dataDir, 'gateway.db'), { readonly: true })
  try {
    return ledgerChecks.flatMap(({ rule, query }) =>
      db
        .prepare(query)
        .all()
        .map((row) => ({ rule, row })),
    )
  } finally {
    db.close()
  }
}

const tables = ['accounts', 'holds', 'transfers', 'grant_lots', 'quota_counters'] as const

/** Everything the ledger stores, for comparison. */
export const dump = (dataDir: string): Record<string, unknown[]> => {
  const db = openConnection(join(dataDir, 'gateway.db'), { readonly: true })
  try {
    return Object.fromEntries(tables.map((table) => [table, db.prepare(`select * from ${table} order by 1`).all()]))
  } finally {
    db.close()
  }
}
