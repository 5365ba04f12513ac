import type { Storage } from '../storage/storage.ts'
import { ledgerChecks, ledgerCounts, runCheck } from './verify-repository.ts'

export interface LedgerReport {
  readonly ok: boolean
  readonly accounts: number
  readonly transfers: number
  readonly holds_open: number
  /** The first bad rows: rule, id, what was found. */
  readonly problems: string[]
}

const problemsPerRule = 5

/** Recomputes the whole ledger from its transfers and holds, as it stood at one moment, while everything goes on. */
export const verifyLedger = (storage: Storage): Promise<LedgerReport> =>
  storage.read.transaction().execute(async (db) => {
    const counts = await ledgerCounts(db)
    const problems: string[] = []
    for (const check of ledgerChecks) {
      // oxlint-disable-next-line no-await-in-loop -- one connection: the checks run one after the other anyway
      const rows = await runCheck(db, check, problemsPerRule)
      for (const { id, found } of rows) problems.push(`${check.rule}: ${id}: ${found}`)
    }
    return { ok: problems.length === 0, ...counts, problems }
  })
