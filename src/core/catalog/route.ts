import { formatCredits } from '../kernel/money.ts'
import { holdBounds } from '../pricing/estimate.ts'
import { showPrice } from '../pricing/parse.ts'
import type { Routing } from '../routing/routing.ts'
import type { JsonObject, ProtocolId } from '../protocols/neutral/index.ts'
import type { ModelsTable } from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { targetsOf } from './repository.ts'
import type { ResolvedModel } from './resolved.ts'
import type { RouteView } from './schemas.ts'
import { healthOf } from './target-health.ts'
import { readCatalogRows, resolveCatalog, type ResolveOptions } from './snapshot.ts'

/** What a body asks for once the model's defaults and caps are applied, as the exchange reads it. */
export interface RequestSize {
  readonly bodyBytes: number
  readonly remoteParts: number
  readonly hasTools: boolean
  /** The provider runs tools for it, such as web search. */
  readonly hostedTools: boolean
  readonly choices: number
  readonly clientMaxTokens: number | undefined
  /** The model's own limit on output with its caps; null when nobody sets one. */
  readonly maxOutputTokens: number | null
}

export interface RouteOptions extends ResolveOptions {
  readonly storage: Storage
  readonly routing: Routing
  readonly defaultReserveTokens: number
  /** Reads a client's body. Throws what the proxy would answer. */
  readonly measure: (protocol: ProtocolId, body: Buffer, model: ResolvedModel) => RequestSize
}

/** The dry run: the same catalogue, the same bounds and the same order as a request would meet, on the rows of this moment, without calling or holding anything. */
export const planRoute = async (
  options: RouteOptions,
  row: ModelsTable,
  query: { readonly body?: JsonObject | undefined; readonly protocol: ProtocolId },
  now: number,
): Promise<RouteView> => {
  const rows = await readCatalogRows(options.storage.read)
  // A disabled model is planned as if it were enabled, and that is said.
  const snapshot = resolveCatalog({ ...rows, models: [{ ...row, status: 'active' }] }, options)
  const model = snapshot.models.get(row.name)
  const reasons = new Map(snapshot.problems.map((problem) => [problem.id, problem.reason]))
  const inactive = new Set(
    rows.providers.filter((provider) => provider.status !== 'active').map((provider) => provider.id),
  )
  const price = model?.priceAt(now) ?? null

  const targets = (await targetsOf(options.storage.read, [row.id])).map((target) => {
    const provider = snapshot.providers.get(target.provider_id)
    const health = provider && healthOf(options.routing, provider, target.model)
    return {
      provider: target.provider_name,
      model: target.model,
      protocol: provider ? protocolTowards(provider.speaks, query.protocol) : query.protocol,
      weight: target.weight,
      priority: target.priority,
      keys: provider?.keys.length ?? 0,
      keys_ready: health?.keysReady ?? 0,
      usable: provider !== undefined,
      reason: provider
        ? null
        : inactive.has(target.provider_id)
          ? 'The provider is disabled.'
          : (reasons.get(target.provider_id) ?? 'The provider cannot be used.'),
      healthy: health?.healthy ?? false,
      health: health?.told ?? null,
    }
  })
  // What fails is asked last, and then rather than none.
  const first = targets.find((target) => target.healthy) ?? targets.find((target) => target.usable)

  return {
    model: row.name,
    client_protocol: query.protocol,
    strategy: row.strategy,
    targets,
    target: first ? { provider: first.provider, model: first.model, protocol: first.protocol } : null,
    free: row.free === 1,
    price: price ? { id: price.id, ...showPrice(price.price) } : null,
    hold: model && (price || row.free === 1) ? planHold(options, model, price?.price ?? null, query) : null,
    problems: [
      ...(row.status === 'active' ? [] : ['The model is disabled: clients get 404 model_not_found.']),
      ...(row.free === 1 || price ? [] : ['The model has no price in force: clients get 503 model_unpriced.']),
      ...(first ? [] : ['No target can be used: clients get 503 upstream_unavailable.']),
      ...(model ? [] : [reasons.get(row.id) ?? 'The model cannot be read.']),
    ],
  }
}

const protocolTowards = (speaks: readonly ProtocolId[], client: ProtocolId): ProtocolId =>
  speaks.includes(client) ? client : (speaks[0] ?? client)

const planHold = (
  { measure, defaultReserveTokens }: RouteOptions,
  model: ResolvedModel,
  price: NonNullable<ReturnType<ResolvedModel['priceAt']>>['price'] | null,
  { body, protocol }: { readonly body?: JsonObject | undefined; readonly protocol: ProtocolId },
): RouteView['hold'] => {
  const sample: JsonObject = body ?? sampleOf(protocol)
  const size = measure(protocol, Buffer.from(JSON.stringify({ ...sample, model: model.name })), model)
  const bounds = holdBounds({ ...size, price, contextWindow: model.contextWindow, defaultReserveTokens })
  return {
    prompt_tokens: bounds.promptTokens,
    output_tokens: bounds.outputTokens * bounds.choices,
    output_limit: bounds.outputLimit,
    min: formatCredits(bounds.min),
    max: formatCredits(bounds.max),
  }
}

/** The least that a client of the protocol can say. */
const sampleOf = (protocol: ProtocolId): JsonObject => {
  if (protocol === 'openai-responses') return { input: 'Hello' }
  if (protocol === 'gemini') return { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }
  const messages = [{ role: 'user', content: 'Hello' }]
  return { messages, ...(protocol === 'anthropic-messages' && { max_tokens: 1024 }) }
}
