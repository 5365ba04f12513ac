import { sql, type Kysely, type Updateable } from 'kysely'
import { text } from '../kernel/list-order.ts'
import type { Orders, Place } from '../kernel/list-order.ts'
import { inOrder } from '../storage/in-order.ts'
import { escapeLike } from '../pricing/repository.ts'
import type {
  GatewaySchema,
  ModelsTable,
  ModelTargetsTable,
  ProviderKeysTable,
  ProvidersTable,
} from '../storage/schema.ts'

type Database = Kysely<GatewaySchema>

interface NamePage<Row> {
  readonly q?: string | undefined
  readonly place: Place<Row>
}

const contains = (text: string) => sql<boolean>`name like ${`%${escapeLike(text)}%`} escape '\\'`

// Providers

export const findProvider = (db: Database, provider: string): Promise<ProvidersTable | undefined> =>
  db
    .selectFrom('providers')
    .selectAll()
    .where((where) => where.or([where('id', '=', provider), where('name', '=', provider)]))
    .limit(1)
    .executeTakeFirst()

export const providerOrders: Orders<ProvidersTable> = {
  name: [text('name', ({ name }) => name)],
  kind: [text('kind', ({ kind }) => kind), text('name', ({ name }) => name)],
  // Ids are made in the order of time.
  created_at: [text('id', ({ id }) => id)],
}

export const listProviders = (db: Database, { q, place }: NamePage<ProvidersTable>): Promise<ProvidersTable[]> => {
  let query = inOrder(db.selectFrom('providers').selectAll(), place)
  if (q) query = query.where(contains(q))
  return query.execute()
}

export const insertProvider = async (db: Database, row: ProvidersTable): Promise<void> => {
  await db.insertInto('providers').values(row).execute()
}

export const updateProvider = async (db: Database, id: string, changes: Updateable<ProvidersTable>): Promise<void> => {
  await db.updateTable('providers').set(changes).where('id', '=', id).execute()
}

export const deleteProvider = async (db: Database, id: string): Promise<void> => {
  await db.deleteFrom('provider_keys').where('provider_id', '=', id).execute()
  await db.deleteFrom('providers').where('id', '=', id).execute()
}

/** Names of shadow models that have a target at a provider, ten at most. */
export const modelsUsing = async (db: Database, providerId: string): Promise<string[]> => {
  const rows = await db
    .selectFrom('model_targets')
    .innerJoin('models', 'models.id', 'model_targets.model_id')
    .select('models.name')
    .distinct()
    .where('model_targets.provider_id', '=', providerId)
    .orderBy('models.name')
    .limit(10)
    .execute()
  return rows.map((row) => row.name)
}

// Provider keys

export const providerKeysOf = (db: Database, providerIds: readonly string[]): Promise<ProviderKeysTable[]> =>
  providerIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('provider_keys')
        .selectAll()
        .where('provider_id', 'in', providerIds)
        .orderBy('created_at')
        .orderBy('id')
        .execute()

export type KeyWithProvider = ProviderKeysTable & { readonly provider_name: string }

const keysWithProvider = (db: Database) =>
  db
    .selectFrom('provider_keys')
    .innerJoin('providers', 'providers.id', 'provider_keys.provider_id')
    .selectAll('provider_keys')
    .select('providers.name as provider_name')

/** Keys by id, by label or by provider/label; a label may belong to several providers. */
export const findProviderKeys = (db: Database, key: string): Promise<KeyWithProvider[]> => {
  const slash = key.indexOf('/')
  return keysWithProvider(db)
    .where((where) =>
      slash < 0
        ? where.or([where('provider_keys.id', '=', key), where('provider_keys.label', '=', key)])
        : where.and([
            where('providers.name', '=', key.slice(0, slash)),
            where('provider_keys.label', '=', key.slice(slash + 1)),
          ]),
    )
    .limit(10)
    .execute()
}

export const providerKeysById = (db: Database, ids: readonly string[]): Promise<KeyWithProvider[]> =>
  keysWithProvider(db)
    .where('provider_keys.id', 'in', ids)
    .orderBy('providers.name')
    .orderBy('provider_keys.label')
    .execute()

const byId = text<KeyWithProvider>('provider_keys.id', ({ id }) => id)
export const providerKeyOrders: Orders<KeyWithProvider> = {
  provider: [text('providers.name', (row) => row.provider_name), text('provider_keys.label', ({ label }) => label)],
  label: [text('provider_keys.label', ({ label }) => label), byId],
  created_at: [byId],
}

export const listProviderKeys = (
  db: Database,
  filter: {
    readonly providerId?: string | undefined
    readonly place: Place<KeyWithProvider>
  },
): Promise<KeyWithProvider[]> => {
  let query = inOrder(keysWithProvider(db), filter.place)
  if (filter.providerId !== undefined) query = query.where('provider_keys.provider_id', '=', filter.providerId)
  return query.execute()
}

export const insertProviderKey = async (db: Database, row: ProviderKeysTable): Promise<void> => {
  await db.insertInto('provider_keys').values(row).execute()
}

export const updateProviderKey = async (
  db: Database,
  id: string,
  changes: Updateable<ProviderKeysTable>,
): Promise<void> => {
  await db.updateTable('provider_keys').set(changes).where('id', '=', id).execute()
}

export const deleteProviderKey = async (db: Database, id: string): Promise<void> => {
  await db.deleteFrom('provider_keys').where('id', '=', id).execute()
}

// Shadow models

export const findModel = (db: Database, model: string): Promise<ModelsTable | undefined> =>
  db
    .selectFrom('models')
    .selectAll()
    .where((where) => where.or([where('id', '=', model), where('name', '=', model)]))
    .limit(1)
    .executeTakeFirst()

export const modelOrders: Orders<ModelsTable> = {
  name: [text('name', ({ name }) => name)],
  created_at: [text('id', ({ id }) => id)],
}

export const listModels = (db: Database, { q, place }: NamePage<ModelsTable>): Promise<ModelsTable[]> => {
  let query = inOrder(db.selectFrom('models').selectAll(), place)
  if (q) query = query.where(contains(q))
  return query.execute()
}

export const insertModel = async (db: Database, row: ModelsTable): Promise<void> => {
  await db.insertInto('models').values(row).execute()
}

export const updateModel = async (db: Database, id: string, changes: Updateable<ModelsTable>): Promise<void> => {
  await db.updateTable('models').set(changes).where('id', '=', id).execute()
}

/** Targets go with the model; price versions stay, because charges refer to them. */
export const deleteModel = async (db: Database, id: string): Promise<void> => {
  await db.deleteFrom('model_targets').where('model_id', '=', id).execute()
  await db.deleteFrom('models').where('id', '=', id).execute()
}

export type TargetWithProvider = ModelTargetsTable & { readonly provider_name: string }

/** Targets of some models in the order to try: priority, then the heavier first. */
export const targetsOf = (db: Database, modelIds: readonly string[]): Promise<TargetWithProvider[]> =>
  modelIds.length === 0
    ? Promise.resolve([])
    : db
        .selectFrom('model_targets')
        .innerJoin('providers', 'providers.id', 'model_targets.provider_id')
        .selectAll('model_targets')
        .select('providers.name as provider_name')
        .where('model_id', 'in', modelIds)
        .orderBy('priority')
        .orderBy('weight', 'desc')
        .orderBy('model_targets.id')
        .execute()

export const replaceTargets = async (
  db: Database,
  modelId: string,
  rows: readonly ModelTargetsTable[],
): Promise<void> => {
  await db.deleteFrom('model_targets').where('model_id', '=', modelId).execute()
  if (rows.length > 0)
    await db
      .insertInto('model_targets')
      .values([...rows])
      .execute()
}

// The whole catalogue, for the snapshot in memory

export const catalogRevision = async (db: Database): Promise<number> => {
  const row = await db.selectFrom('revisions').select('value').where('topic', '=', 'catalog').executeTakeFirst()
  return row?.value ?? 0
}

export const allProviders = (db: Database): Promise<ProvidersTable[]> =>
  db.selectFrom('providers').selectAll().execute()
export const allProviderKeys = (db: Database): Promise<ProviderKeysTable[]> =>
  db.selectFrom('provider_keys').selectAll().orderBy('created_at').orderBy('id').execute()
export const allModels = (db: Database): Promise<ModelsTable[]> =>
  db.selectFrom('models').selectAll().orderBy('name').execute()
export const allTargets = (db: Database): Promise<ModelTargetsTable[]> =>
  db.selectFrom('model_targets').selectAll().orderBy('priority').orderBy('weight', 'desc').orderBy('id').execute()
