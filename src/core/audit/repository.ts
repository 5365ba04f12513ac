import type { Insertable, Kysely, Selectable } from 'kysely'
import { integer } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import type { AuditTable, GatewaySchema, IdempotencyTable } from '../storage/schema.ts'

type Db = Kysely<GatewaySchema>

export type AuditRow = Selectable<AuditTable>

export interface AuditFilter {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly target?: string | undefined
  readonly place: Place<AuditRow>
}

export const insertAudit = async (db: Db, row: Omit<AuditRow, 'seq'>): Promise<void> => {
  const last = await db.selectFrom('audit').select('seq').orderBy('seq', 'desc').limit(1).executeTakeFirst()
  await db
    .insertInto('audit')
    .values({ ...row, seq: (last?.seq ?? 0) + 1 })
    .execute()
}

export const auditOrders: Orders<AuditRow> = { at: [integer('seq', ({ seq }) => seq)] }

export const listAudit = (db: Db, { actor, action, target, place }: AuditFilter): Promise<AuditRow[]> => {
  let query = inOrder(db.selectFrom('audit').selectAll(), place)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (action !== undefined) query = query.where('action', '=', action)
  if (target !== undefined) query = query.where('target', '=', target)
  return query.execute()
}

export const findIdempotent = (db: Db, id: string): Promise<Selectable<IdempotencyTable> | undefined> =>
  db.selectFrom('idempotency').selectAll().where('id', '=', id).executeTakeFirst()

export const insertIdempotent = async (db: Db, row: Insertable<IdempotencyTable>): Promise<void> => {
  await db.insertInto('idempotency').values(row).execute()
}

export const deleteIdempotentBefore = async (db: Db, time: number): Promise<void> => {
  await db.deleteFrom('idempotency').where('created_at', '<', time).execute()
}
