import { z } from 'zod'
import { toTimestamp } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { decodeCursor, toPage } from '../kernel/page.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { redact } from './redact.ts'
import * as repository from './repository.ts'
import type { AuditRow } from './repository.ts'
import type { AuditView } from './schemas.ts'

export interface AuditEntry {
  /** What happened, `noun.verb` in the past tense. */
  readonly action: string
  /** Id or name of what it happened to. */
  readonly target: string | null
  /** Secrets are taken out and long texts cut before it is stored. */
  readonly details: unknown
}

export interface ListQuery {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly target?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** The record of administrative acts. A row is written in the transaction of the act: there is never one without the other. */
export interface Audit {
  append(entry: AuditEntry, context: OperationContext<WriteTransaction>): Promise<void>
  list(query: ListQuery): Promise<Page<AuditView>>
}

export const createAudit = ({ storage }: { readonly storage: Storage }): Audit => ({
  append: ({ action, target, details }, { actor, trx, now, requestId }) =>
    repository.insertAudit(trx.db, {
      id: newId('audit', now),
      at: now,
      actor: actor.id,
      action,
      target,
      details: JSON.stringify(redact(details)),
      request_id: requestId,
    }),

  async list({ cursor, limit, ...filter }) {
    const before = cursor === undefined ? undefined : decodeCursor(cursor, position)[0]
    const rows = await repository.listAudit(storage.read, { ...filter, before, limit: limit + 1 })
    return toPage(rows, limit, ({ seq }) => [seq], toView)
  },
})

const position = z.tuple([z.int()])

const toView = (row: AuditRow): AuditView => ({
  id: row.id,
  at: toTimestamp(row.at),
  actor: row.actor,
  action: row.action,
  target: row.target,
  details: JSON.parse(row.details) as AuditView['details'],
  request_id: row.request_id,
})
