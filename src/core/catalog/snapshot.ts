import { allPriceVersions } from '../pricing/repository.ts'
import { freezePrice } from '../pricing/parse.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { JsonObject, ProtocolId } from '../protocols/neutral/index.ts'
import { type Quirks, type QuirkSwitches, switchQuirks } from '../protocols/openai-chat/quirks.ts'
import { providerKindById } from '../provider-kinds/index.ts'
import type { ProviderKind, Settings } from '../provider-kinds/provider-kind.ts'
import type {
  ModelsTable,
  ModelTargetsTable,
  PricesTable,
  ProviderKeysTable,
  ProvidersTable,
} from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { allModels, allProviderKeys, allProviders, allTargets, catalogRevision } from './repository.ts'
import type { ResolvedModel, ResolvedProvider, Target } from './resolved.ts'

/** All rows of the catalogue at one revision. */
export interface CatalogRows {
  readonly providers: readonly ProvidersTable[]
  readonly keys: readonly ProviderKeysTable[]
  readonly models: readonly ModelsTable[]
  readonly targets: readonly ModelTargetsTable[]
  readonly prices: readonly PricesTable[]
}

export interface ResolveOptions {
  readonly vault: Vault
  /** Where the simulated provider of this process listens; null when it has none. */
  readonly resolveSimulatedUrl: () => string | null
}

/** Why a row takes no part: the row, and a sentence for the operator. Never holds a secret. */
export interface CatalogProblem {
  readonly id: string
  readonly reason: string
}

export interface Snapshot {
  readonly models: ReadonlyMap<string, ResolvedModel>
  readonly providers: ReadonlyMap<string, ResolvedProvider>
  readonly problems: readonly CatalogProblem[]
}

const attempts = 5

/** Reads the catalogue. Five queries are not one moment: they are repeated when the revision moved meanwhile (the watcher comes again if it moves for ever). */
export const readCatalogRows = async (db: Storage['read']): Promise<CatalogRows> => {
  for (let attempt = 1; ; attempt++) {
    const before = await catalogRevision(db)
    const [providers, keys, models, targets, prices] = await Promise.all([
      allProviders(db),
      allProviderKeys(db),
      allModels(db),
      allTargets(db),
      allPriceVersions(db),
    ])
    if (attempt === attempts || (await catalogRevision(db)) === before)
      return { providers, keys, models, targets, prices }
  }
}

/** Rows → what the path of a request needs. A row that cannot be used is left out with a reason and takes nothing else down. */
export const resolveCatalog = (rows: CatalogRows, options: ResolveOptions): Snapshot => {
  const problems: CatalogProblem[] = []
  const guarded = <T>(id: string, work: () => T | undefined): T | undefined => {
    try {
      return work()
    } catch (error) {
      problems.push({ id, reason: error instanceof Error ? error.message : 'cannot be read' })
      return undefined
    }
  }

  const keysByProvider = Map.groupBy(rows.keys, (key) => key.provider_id)
  const providers = new Map<string, ResolvedProvider>()
  for (const row of rows.providers) {
    if (row.status !== 'active') continue
    const stored = keysByProvider.get(row.id) ?? []
    const keys = stored.flatMap((key) => guarded(key.id, () => openKey(key, options.vault)) ?? [])
    const provider = guarded(row.id, () => {
      // Kinds that work without a key are never called without one that was given to them.
      if (stored.length > 0 && keys.length === 0) throw noUsableKey(row)
      return resolveProvider(row, keys, options)
    })
    if (provider) providers.set(row.id, provider)
  }

  const targetsByModel = Map.groupBy(rows.targets, (target) => target.model_id)
  const pricesByModel = Map.groupBy(rows.prices, (price) => price.model_id)
  const models = new Map<string, ResolvedModel>()
  for (const row of rows.models) {
    if (row.status !== 'active') continue
    const targets = (targetsByModel.get(row.id) ?? []).flatMap((target): Target | [] => {
      const provider = providers.get(target.provider_id)
      return provider
        ? Object.freeze({
            id: target.id,
            provider,
            model: target.model,
            weight: target.weight,
            priority: target.priority,
          })
        : []
    })
    const model = guarded(row.id, () => resolveModel(row, targets, pricesByModel.get(row.id) ?? []))
    if (model) models.set(row.name, model)
  }
  return { models, providers, problems }
}

/** The key ready for use, or nothing when it is disabled. Throws when it was sealed under another master key or for another row. */
export const openKey = (key: ProviderKeysTable, vault: Vault) =>
  key.status === 'active' ? [{ id: key.id, secret: vault.open(key.sealed, key.id), weight: key.weight }] : []

const noUsableKey = ({ name }: ProvidersTable): GatewayError =>
  new GatewayError('conflict', `The provider ${name} has no key that can be used.`, {
    hint: `gateway provider-keys add ${name}`,
  })

/** One provider with its opened keys. Throws `conflict` with a sentence for the operator when it cannot be called. */
export const resolveProvider = (
  row: ProvidersTable,
  keys: ResolvedProvider['keys'],
  options: Pick<ResolveOptions, 'resolveSimulatedUrl'>,
): ResolvedProvider => {
  const kind = providerKindById(row.kind)
  if (!kind) throw new GatewayError('conflict', `This version does not know providers of kind "${row.kind}".`)
  if (keys.length === 0 && !kind.keyless) throw noUsableKey(row)
  const simulated = row.base_url === simulatedUrl ? options.resolveSimulatedUrl() : null
  const allowPrivate = row.allow_private === null ? [] : (JSON.parse(row.allow_private) as string[])
  return Object.freeze({
    id: row.id,
    name: row.name,
    kind,
    baseUrl: simulated ?? row.base_url,
    quirks: resolveQuirks(kind, row.quirks),
    settings: Object.freeze(row.settings === null ? {} : (JSON.parse(row.settings) as Settings)),
    speaks: Object.freeze(row.speaks === null ? [...kind.speaks] : (JSON.parse(row.speaks) as ProtocolId[])),
    allowPrivate: Object.freeze(simulated === null ? allowPrivate : [...allowPrivate, new URL(simulated).hostname]),
    timeoutMs: row.timeout_ms,
    keys: Object.freeze(keys),
  })
}

/** The kind's quirks as they were switched. A name that this version does not know is passed over. */
export const resolveQuirks = (kind: ProviderKind, switched: string | null): Quirks =>
  switchQuirks(kind.quirks ?? [], switched === null ? {} : (JSON.parse(switched) as QuirkSwitches))

/** Stands for the address of the simulated provider, which every process finds out for itself. */
export const simulatedUrl = 'simulated:'

const resolveModel = (row: ModelsTable, targets: readonly Target[], prices: readonly PricesTable[]): ResolvedModel => {
  const versions = prices.map((price) => ({
    from: price.effective_from,
    id: price.id,
    price: Object.freeze(freezePrice(price)),
  }))
  return Object.freeze({
    id: row.id,
    name: row.name,
    free: row.free === 1,
    contextWindow: row.context_window,
    maxOutputTokens: row.max_output_tokens,
    defaults: Object.freeze(JSON.parse(row.defaults) as JsonObject),
    caps: Object.freeze(JSON.parse(row.caps) as JsonObject),
    crossing: Object.freeze({ strict: row.strict === 1, dropUnsupportedTools: row.drop_unsupported_tools === 1 }),
    createdAt: row.created_at,
    strategy: row.strategy,
    priceAt: (now: number) => (row.free === 1 ? null : (versions.findLast((version) => version.from <= now) ?? null)),
    targets: Object.freeze(targets),
  })
}
