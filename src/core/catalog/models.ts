import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isId, newId } from '../kernel/ids.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { freezePrice, showPrice } from '../pricing/parse.ts'
import { addPriceVersion, versionAt } from '../pricing/prices.ts'
import { priceVersions } from '../pricing/repository.ts'
import type { PricesInput } from '../pricing/schemas.ts'
import type { JsonObject, ProtocolId } from '../protocols/neutral/index.ts'
import type { ModelsTable, ModelTargetsTable, PricesTable } from '../storage/schema.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { capsColumn, defaultsColumn } from './model-settings.ts'
import { testModel, type ModelTestOptions } from './model-test.ts'
import {
  deleteModel,
  findModel,
  findProvider,
  insertModel,
  listModels,
  modelOrders,
  replaceTargets,
  targetsOf,
  updateModel,
  type TargetWithProvider,
} from './repository.ts'
import { planRoute, type RouteOptions } from './route.ts'
import type { ModelTestView, ModelView, RouteView, TargetInput } from './schemas.ts'
import type { Strategy } from './strategies.ts'
import { parseTarget } from './target-syntax.ts'

type Context = OperationContext<WriteTransaction>
type Reader = Storage['read']

export interface NewModel {
  readonly name: string
  readonly targets: readonly (TargetInput | string)[]
  readonly prices?: PricesInput | undefined
  readonly free: boolean
  readonly strategy: Strategy
  readonly context_window?: number | undefined
  readonly max_output_tokens?: number | undefined
  readonly defaults: JsonObject
  readonly caps: Readonly<Record<string, number>>
  readonly strict: boolean
  readonly drop_unsupported_tools: boolean
}

/** What is absent stays; null clears. */
export interface ModelChanges {
  readonly name?: string | undefined
  readonly targets?: readonly (TargetInput | string)[] | undefined
  readonly prices?: PricesInput | undefined
  readonly free?: boolean | undefined
  readonly strategy?: Strategy | undefined
  readonly context_window?: number | null | undefined
  readonly max_output_tokens?: number | null | undefined
  readonly defaults?: JsonObject | null | undefined
  readonly caps?: Readonly<Record<string, number>> | null | undefined
  readonly strict?: boolean | undefined
  readonly drop_unsupported_tools?: boolean | undefined
}

/** Shadow models: the names we offer, where they lead and what they cost. */
export interface Models {
  create(input: NewModel, context: Context): Promise<ModelView>
  list(query: PlaceQuery & { readonly q?: string | undefined }, now: number): Promise<Page<ModelView>>
  show(model: string, now: number): Promise<ModelView>
  update(model: string, changes: ModelChanges, context: Context): Promise<ModelView>
  setStatus(model: string, status: 'active' | 'disabled', context: Context): Promise<ModelView>
  remove(model: string, context: Context): Promise<{ id: string; name: string; removed: true }>
  /** What would happen to a request. Calls nothing, holds nothing. */
  route(
    query: { readonly model: string; readonly body?: JsonObject | undefined; readonly protocol: ProtocolId },
    now: number,
  ): Promise<RouteView>
  test(model: string): Promise<ModelTestView>
}

export type ModelsOptions = RouteOptions & ModelTestOptions

const needModel = async (db: Reader, name: string): Promise<ModelsTable> => {
  const row = await findModel(db, name)
  if (!row)
    throw new GatewayError('not_found', `There is no shadow model "${name}".`, {
      param: 'model',
      hint: 'See: gateway models list',
    })
  return row
}

const show = (
  row: ModelsTable,
  targets: readonly TargetWithProvider[],
  prices: readonly PricesTable[],
  now: number,
): ModelView => {
  const price = row.free === 1 ? undefined : versionAt(prices, now)
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    free: row.free === 1,
    strategy: row.strategy,
    context_window: row.context_window,
    max_output_tokens: row.max_output_tokens,
    defaults: JSON.parse(row.defaults) as JsonObject,
    caps: JSON.parse(row.caps) as Record<string, number>,
    strict: row.strict === 1,
    drop_unsupported_tools: row.drop_unsupported_tools === 1,
    prices: price ? showPrice(freezePrice(price)) : null,
    targets: targets.map(({ id, provider_name: provider, model, weight, priority }) => ({
      id,
      provider,
      model,
      weight,
      priority,
    })),
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
  }
}

const showOne = async (db: Reader, row: ModelsTable, now: number): Promise<ModelView> =>
  show(row, await targetsOf(db, [row.id]), await priceVersions(db, [row.id]), now)

const refuseTaken = async (db: Reader, name: string): Promise<void> => {
  if (isId('model', name))
    throw new GatewayError('invalid_request', 'name: this is the form of an id. Choose another name.', {
      param: 'name',
    })
  if (await findModel(db, name))
    throw new GatewayError('already_exists', `A model "${name}" already exists.`, { param: 'name' })
}

const targetRows = async (
  db: Reader,
  modelId: string,
  targets: readonly (TargetInput | string)[],
  now: number,
): Promise<ModelTargetsTable[]> => {
  const rows: ModelTargetsTable[] = []
  for (const [index, given] of targets.entries()) {
    const target = typeof given === 'string' ? parseTarget(given) : given
    const provider = await findProvider(db, target.provider)
    if (!provider) {
      throw new GatewayError('not_found', `There is no provider "${target.provider}".`, {
        param: `targets[${index}].provider`,
        hint: `Add it first: gateway providers add ${target.provider} --kind …`,
      })
    }
    if (rows.some((row) => row.provider_id === provider.id && row.model === target.model)) {
      throw new GatewayError(
        'invalid_request',
        `targets: ${provider.name}/${target.model} is there twice. Give it one weight and one priority.`,
        {
          param: `targets[${index}]`,
        },
      )
    }
    rows.push({
      id: newId('target', now),
      model_id: modelId,
      provider_id: provider.id,
      model: target.model,
      weight: target.weight,
      priority: target.priority,
    })
  }
  return rows
}

const unpriced = (): GatewayError =>
  new GatewayError(
    'invalid_request',
    'prices: a model needs prices for input and output, or must be free on purpose.',
    {
      param: 'prices',
      hint: 'Give --input-price and --output-price, or --free.',
    },
  )
const both = (): GatewayError =>
  new GatewayError('invalid_request', 'free: a free model has no prices. Give one or the other.', { param: 'free' })

const flag = (wanted: boolean | undefined, before: 0 | 1): 0 | 1 => (wanted === undefined ? before : wanted ? 1 : 0)

export const createModels = (options: ModelsOptions): Models => {
  const { storage } = options
  return {
    async create(input, { trx, now, actor }) {
      if (input.free && input.prices) throw both()
      if (!input.free && !input.prices) throw unpriced()
      await refuseTaken(trx.db, input.name)
      const row: ModelsTable = {
        id: newId('model', now),
        name: input.name,
        status: 'active',
        free: input.free ? 1 : 0,
        strategy: input.strategy,
        context_window: input.context_window ?? null,
        max_output_tokens: input.max_output_tokens ?? null,
        defaults: defaultsColumn(input.defaults),
        caps: capsColumn(input.caps),
        strict: input.strict ? 1 : 0,
        drop_unsupported_tools: input.drop_unsupported_tools ? 1 : 0,
        created_at: now,
        updated_at: now,
      }
      const targets = await targetRows(trx.db, row.id, input.targets, now)
      await insertModel(trx.db, row)
      await replaceTargets(trx.db, row.id, targets)
      if (input.prices) await addPriceVersion(trx, input.prices, { modelId: row.id, from: now, now, actor: actor.id })
      await trx.touch('catalog')
      return showOne(trx.db, row, now)
    },

    async list({ q, ...query }, now) {
      const place = placeOf(query, 'name', modelOrders)
      const rows = await listModels(storage.read, { q, place })
      const ids = rows.map((row) => row.id)
      const targets = Map.groupBy(await targetsOf(storage.read, ids), (target) => target.model_id)
      const prices = Map.groupBy(await priceVersions(storage.read, ids), (price) => price.model_id)
      return place.page(rows, (row) => show(row, targets.get(row.id) ?? [], prices.get(row.id) ?? [], now))
    },

    show: async (name, now) => showOne(storage.read, await needModel(storage.read, name), now),

    async update(name, changes, { trx, now, actor }) {
      const before = await needModel(trx.db, name)
      const free = changes.free ?? before.free === 1
      if (free && changes.prices) throw both()
      if (!free && !changes.prices && before.free === 1 && !versionAt(await priceVersions(trx.db, [before.id]), now))
        throw unpriced()
      if (changes.name !== undefined && changes.name !== before.name) await refuseTaken(trx.db, changes.name)
      const {
        id: _,
        created_at: __,
        ...columns
      } = {
        ...before,
        name: changes.name ?? before.name,
        free: free ? (1 as const) : (0 as const),
        strategy: changes.strategy ?? before.strategy,
        context_window: changes.context_window === undefined ? before.context_window : changes.context_window,
        max_output_tokens:
          changes.max_output_tokens === undefined ? before.max_output_tokens : changes.max_output_tokens,
        defaults: changes.defaults === undefined ? before.defaults : defaultsColumn(changes.defaults ?? {}),
        caps: changes.caps === undefined ? before.caps : capsColumn(changes.caps ?? {}),
        strict: flag(changes.strict, before.strict),
        drop_unsupported_tools: flag(changes.drop_unsupported_tools, before.drop_unsupported_tools),
        updated_at: now,
      }
      await updateModel(trx.db, before.id, columns)
      if (changes.targets)
        await replaceTargets(trx.db, before.id, await targetRows(trx.db, before.id, changes.targets, now))
      if (changes.prices)
        await addPriceVersion(trx, changes.prices, { modelId: before.id, from: now, now, actor: actor.id })
      await trx.touch('catalog')
      return showOne(trx.db, { ...before, ...columns }, now)
    },

    async setStatus(name, status, { trx, now }) {
      const row = await needModel(trx.db, name)
      const changes = { status, updated_at: now }
      await updateModel(trx.db, row.id, changes)
      await trx.touch('catalog')
      return showOne(trx.db, { ...row, ...changes }, now)
    },

    async remove(name, { trx }) {
      const row = await needModel(trx.db, name)
      await deleteModel(trx.db, row.id)
      await trx.touch('catalog')
      return { id: row.id, name: row.name, removed: true }
    },

    route: async (query, now) => planRoute(options, await needModel(storage.read, query.model), query, now),

    test: async (name) => testModel(options, await needModel(storage.read, name)),
  }
}
