import { toTimestamp } from '../kernel/clock.ts'
import { newId } from '../kernel/ids.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
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

export interface ListQuery extends PlaceQuery {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly target?: string | undefined
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

  async list({ actor, action, target, ...query }) {
    const place = placeOf(query, '-at', repository.auditOrders)
    return place.page(await repository.listAudit(storage.read, { actor, action, target, place }), toView)
  },
})

const toView = (row: AuditRow): AuditView => ({
  id: row.id,
  at: toTimestamp(row.at),
  actor: row.actor,
  action: row.action,
  target: row.target,
  details: JSON.parse(row.details) as AuditView['details'],
  request_id: row.request_id,
})
