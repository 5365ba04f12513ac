import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import { parseTime } from '../kernel/time-range.ts'
import type { PricesTable } from '../storage/schema.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { explainCharge } from './charge.ts'
import { freezePrice, parsePrices, showPrice } from './parse.ts'
import {
  findPricedModel,
  insertPrice,
  listPricedModels,
  pricedModelOrders,
  priceOrders,
  priceHistory,
  priceVersions,
  type PricedModel,
} from './repository.ts'
import type { EstimateView, ModelPrices, PricesInput, PriceVersion } from './schemas.ts'

type Context = OperationContext<WriteTransaction>

/** Prices of shadow models: versions that are added and never changed. */
export interface Prices {
  list(query: PlaceQuery & { readonly q?: string | undefined }, now: number): Promise<Page<ModelPrices>>
  show(model: string, now: number): Promise<ModelPrices>
  /** Adds a version in force from now or from `from`, which may not lie in the past: what was served keeps its price. */
  set(model: string, given: PricesInput, from: string | undefined, context: Context): Promise<PriceVersion>
  history(query: PlaceQuery & { readonly model: string }, now: number): Promise<Page<PriceVersion>>
  estimate(
    query: {
      readonly model: string
      readonly input_tokens: number
      readonly output_tokens: number
      readonly cached_input_tokens: number
    },
    now: number,
  ): Promise<EstimateView>
}

/** The version in force at a time, of versions in ascending order. */
export const versionAt = (versions: readonly PricesTable[], now: number): PricesTable | undefined =>
  versions.findLast((version) => version.effective_from <= now)

/** Adds a price version inside a transaction: with a new model, or on its own. */
export const addPriceVersion = async (
  trx: WriteTransaction,
  given: PricesInput,
  at: { readonly modelId: string; readonly from: number; readonly now: number; readonly actor: string },
): Promise<PricesTable> => {
  // Of two versions for the same moment the later one counts, also when both were made within one millisecond.
  const before = await priceVersions(trx.db, [at.modelId])
  const createdAt = before.reduce((latest, version) => Math.max(latest, version.created_at + 1), at.now)
  const row: PricesTable = {
    id: newId('price', at.now),
    model_id: at.modelId,
    effective_from: at.from,
    ...parsePrices(given),
    created_at: createdAt,
    actor: at.actor,
  }
  await insertPrice(trx.db, row)
  return row
}

const showVersion = (row: PricesTable, model: string, current: PricesTable | undefined, now: number): PriceVersion => ({
  id: row.id,
  model,
  ...showPrice(freezePrice(row)),
  effective_from: toTimestamp(row.effective_from),
  state: row.effective_from > now ? 'future' : row.id === current?.id ? 'current' : 'past',
  created_at: toTimestamp(row.created_at),
  actor: row.actor,
})

const showModel = (model: PricedModel, versions: readonly PricesTable[], now: number): ModelPrices => {
  const current = versionAt(versions, now)
  const next = versions.find((version) => version.effective_from > now)
  return {
    model: model.name,
    free: model.free === 1,
    prices: current && model.free === 0 ? showVersion(current, model.name, current, now) : null,
    next: next ? showVersion(next, model.name, current, now) : null,
  }
}

export const createPrices = ({ storage }: { readonly storage: Storage }): Prices => {
  const need = async (db: Storage['read'], name: string): Promise<PricedModel> => {
    const model = await findPricedModel(db, name)
    if (!model)
      throw new GatewayError('not_found', `There is no shadow model "${name}".`, {
        param: 'model',
        hint: 'See: gateway models list',
      })
    return model
  }
  return {
    async list({ q, ...query }, now) {
      const place = placeOf(query, 'name', pricedModelOrders)
      const models = await listPricedModels(storage.read, { q, place })
      const versions = Map.groupBy(
        await priceVersions(
          storage.read,
          models.map((model) => model.id),
        ),
        (version) => version.model_id,
      )
      return place.page(models, (model) => showModel(model, versions.get(model.id) ?? [], now))
    },

    async show(name, now) {
      const model = await need(storage.read, name)
      return showModel(model, await priceVersions(storage.read, [model.id]), now)
    },

    async set(name, given, from, { trx, now, actor }) {
      const model = await need(trx.db, name)
      if (model.free === 1) {
        throw new GatewayError(
          'conflict',
          `${model.name} is free on purpose. Give it prices and end that in one step: models.update with prices and free: false.`,
          {
            hint: `gateway models update ${model.name} --no-free --input-price … --output-price …`,
          },
        )
      }
      const effective = from === undefined ? now : parseTime(from, 'from', now)
      if (effective < now) {
        throw new GatewayError(
          'invalid_request',
          'from: a price cannot begin in the past, because what was served keeps its price.',
          { param: 'from' },
        )
      }
      const row = await addPriceVersion(trx, given, { modelId: model.id, from: effective, now, actor: actor.id })
      await trx.touch('catalog')
      return showVersion(row, model.name, versionAt(await priceVersions(trx.db, [model.id]), now), now)
    },

    async history({ model: name, ...query }, now) {
      const model = await need(storage.read, name)
      const place = placeOf(query, '-from', priceOrders)
      const current = versionAt(await priceVersions(storage.read, [model.id]), now)
      const rows = await priceHistory(storage.read, model.id, place)
      return place.page(rows, (row) => showVersion(row, model.name, current, now))
    },

    async estimate(query, now) {
      const cached = query.cached_input_tokens
      if (cached > query.input_tokens) {
        throw new GatewayError(
          'invalid_request',
          'cached_input_tokens: cannot be more than input_tokens, of which they are a part.',
          { param: 'cached_input_tokens' },
        )
      }
      const model = await need(storage.read, query.model)
      if (model.free === 1) return { model: model.name, free: true, price_id: null, lines: [], exact: '0', total: '0' }
      const version = versionAt(await priceVersions(storage.read, [model.id]), now)
      if (!version)
        throw new GatewayError('model_unpriced', `${model.name} has no price. Set one first.`, {
          hint: `gateway prices set ${model.name} …`,
        })
      const usage = {
        input: { uncached: query.input_tokens - cached, cacheRead: cached, cacheWrite5m: 0, cacheWrite1h: 0 },
        output: { visible: query.output_tokens, reasoning: 0 },
      }
      return { model: model.name, free: false, price_id: version.id, ...explainCharge(freezePrice(version), usage) }
    },
  }
}
