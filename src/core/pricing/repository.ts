import { sql, type Kysely } from 'kysely'
import { integer, text } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import type { GatewaySchema, PricesTable } from '../storage/schema.ts'

type Database = Kysely<GatewaySchema>

export interface PricedModel {
  readonly id: string
  readonly name: string
  readonly free: 0 | 1
}

/** A model by id or name, as far as prices need it. */
export const findPricedModel = (db: Database, model: string): Promise<PricedModel | undefined> =>
  db
    .selectFrom('models')
    .select(['id', 'name', 'free'])
    .where((where) => where.or([where('id', '=', model), where('name', '=', model)]))
    .limit(1)
    .executeTakeFirst()

export const pricedModelOrders: Orders<PricedModel> = { name: [text('name', ({ name }) => name)] }

export const listPricedModels = (
  db: Database,
  filter: { readonly q?: string | undefined; readonly place: Place<PricedModel> },
): Promise<PricedModel[]> => {
  let query = inOrder(db.selectFrom('models').select(['id', 'name', 'free']), filter.place)
  if (filter.q) query = query.where(sql<boolean>`name like ${`%${escapeLike(filter.q)}%`} escape '\\'`)
  return query.execute()
}

/** What people search for is found as they wrote it: `%` and `_` have no meaning of their own. */
export const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)

/** All versions of some models, the oldest first. A version that was made later wins over one of the same time. */
export const priceVersions = async (db: Database, modelIds: readonly string[]): Promise<PricesTable[]> =>
  modelIds.length === 0
    ? []
    : db
        .selectFrom('prices')
        .selectAll()
        .where('model_id', 'in', modelIds)
        .orderBy('effective_from')
        .orderBy('created_at')
        .orderBy('id')
        .execute()

export const allPriceVersions = (db: Database): Promise<PricesTable[]> =>
  db.selectFrom('prices').selectAll().orderBy('effective_from').orderBy('created_at').orderBy('id').execute()

export const priceOrders: Orders<PricesTable> = {
  from: [
    integer('effective_from', (row) => row.effective_from),
    integer('created_at', (row) => row.created_at),
    text('id', ({ id }) => id),
  ],
}

/** Versions of one model. */
export const priceHistory = (db: Database, modelId: string, place: Place<PricesTable>): Promise<PricesTable[]> =>
  inOrder(db.selectFrom('prices').selectAll().where('model_id', '=', modelId), place).execute()

export const insertPrice = async (db: Database, row: PricesTable): Promise<void> => {
  await db.insertInto('prices').values(row).execute()
}
