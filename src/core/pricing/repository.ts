import { sql, type Kysely } from 'kysely'
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

/** Models by name after `after`, `limit` at most. */
export const listPricedModels = (
  db: Database,
  filter: { q?: string | undefined; after?: string | undefined; limit: number },
): Promise<PricedModel[]> => {
  let query = db.selectFrom('models').select(['id', 'name', 'free']).orderBy('name').limit(filter.limit)
  if (filter.after !== undefined) query = query.where('name', '>', filter.after)
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

/** Versions of one model, the latest first, from before the position of a cursor. */
export const priceHistory = (
  db: Database,
  modelId: string,
  page: { before?: readonly [number, number, string] | undefined; limit: number },
): Promise<PricesTable[]> => {
  let query = db.selectFrom('prices').selectAll().where('model_id', '=', modelId)
  if (page.before) {
    const [from, created, id] = page.before
    query = query.where((where) =>
      where.or([
        where('effective_from', '<', from),
        where.and([where('effective_from', '=', from), where('created_at', '<', created)]),
        where.and([where('effective_from', '=', from), where('created_at', '=', created), where('id', '<', id)]),
      ]),
    )
  }
  return query
    .orderBy('effective_from', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}

export const insertPrice = async (db: Database, row: PricesTable): Promise<void> => {
  await db.insertInto('prices').values(row).execute()
}
