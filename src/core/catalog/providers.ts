import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { isId, newId } from '../kernel/ids.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'
import { providerKindById, providerKinds } from '../provider-kinds/index.ts'
import { quirkIds, type QuirkSwitches } from '../protocols/openai-chat/quirks.ts'
import type { ProviderKind, Settings } from '../provider-kinds/provider-kind.ts'
import type { ProvidersTable } from '../storage/schema.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import { checkSettings, filledBaseUrl } from './provider-address.ts'
import { showProbe, type Probe } from './probe.ts'
import {
  deleteProvider,
  findProvider,
  insertProvider,
  insertProviderKey,
  listProviders,
  modelsUsing,
  providerOrders,
  providerKeysOf,
  updateProvider,
} from './repository.ts'
import type { KindView, ProviderTestView, ProviderView } from './schemas.ts'
import { sealedRow } from './sealed-key.ts'
import { resolveProvider, resolveQuirks, simulatedUrl } from './snapshot.ts'

type Context = OperationContext<WriteTransaction>
type Reader = Storage['read']

export interface ProviderSettings {
  readonly base_url?: string | null | undefined
  readonly speaks?: readonly ProtocolId[] | null | undefined
  readonly settings?: Settings | null | undefined
  readonly quirks?: QuirkSwitches | null | undefined
  readonly timeout_ms?: number | null | undefined
  readonly allow_private?: boolean | readonly string[] | null | undefined
}
export interface NewProvider extends ProviderSettings {
  readonly name: string
  readonly kind: string
  readonly secret?: string | undefined
}
export interface ProviderChanges extends ProviderSettings {
  readonly name?: string | undefined
  readonly status?: 'active' | 'disabled' | undefined
}

/** Vendors and servers that the gateway calls. Only their settings; their keys are in provider-keys.ts. */
export interface Providers {
  add(input: NewProvider, context: Context): Promise<ProviderView>
  list(query: PlaceQuery & { readonly q?: string | undefined }): Promise<Page<ProviderView>>
  kinds(): Promise<Page<KindView>>
  show(provider: string): Promise<ProviderView>
  update(provider: string, changes: ProviderChanges, context: Context): Promise<ProviderView>
  remove(provider: string, context: Context): Promise<{ id: string; name: string; removed: true }>
  /** Calls the provider once with its first usable key. */
  test(provider: string): Promise<ProviderTestView>
}

export interface ProvidersOptions {
  readonly storage: Storage
  readonly vault: Vault
  /** Returns the normal form of a base URL or throws `invalid_request`; `allow` are hosts and networks that may be private for this provider, `query` what its query may have. */
  readonly checkBaseUrl: (url: string, allow: readonly string[], query: readonly string[]) => string
  readonly resolveSimulatedUrl: () => string | null
  readonly probe: Probe
}

export const needProvider = async (db: Reader, name: string): Promise<ProvidersTable> => {
  const row = await findProvider(db, name)
  if (!row)
    throw new GatewayError('not_found', `There is no provider "${name}".`, {
      param: 'provider',
      hint: 'See: gateway providers list',
    })
  return row
}

const needKind = (id: string): ProviderKind => {
  const kind = providerKindById(id)
  if (kind) return kind
  throw new GatewayError(
    'invalid_request',
    `kind: "${id}" is not a kind of provider. Known: ${providerKinds.map((one) => one.id).join(', ')}.`,
    { param: 'kind' },
  )
}

const show = (row: ProvidersTable, keys: number): ProviderView => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  base_url: row.base_url,
  speaks:
    row.speaks === null ? [...(providerKindById(row.kind)?.speaks ?? [])] : (JSON.parse(row.speaks) as ProtocolId[]),
  settings: parseSettings(row.settings),
  quirks: quirksInForce(row),
  timeout_ms: row.timeout_ms,
  allow_private: row.allow_private === null ? [] : (JSON.parse(row.allow_private) as string[]),
  status: row.status,
  keys,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})

export const createProviders = ({
  storage,
  vault,
  checkBaseUrl,
  resolveSimulatedUrl,
  probe,
}: ProvidersOptions): Providers => {
  const showOne = async (db: Reader, row: ProvidersTable): Promise<ProviderView> =>
    show(row, (await providerKeysOf(db, [row.id])).length)

  const refuseTaken = async (db: Reader, name: string): Promise<void> => {
    if (isId('provider', name))
      throw new GatewayError('invalid_request', 'name: this is the form of an id. Choose another name.', {
        param: 'name',
      })
    if (await findProvider(db, name))
      throw new GatewayError('already_exists', `A provider "${name}" already exists.`, { param: 'name' })
  }

  /** Columns of the settings, checked together: whether a base URL is allowed depends on what may be private. */
  const settle = (kind: ProviderKind, given: ProviderSettings, before?: ProvidersTable) => {
    const stored = parseSettings(before?.settings ?? null)
    const settings =
      given.settings === undefined ? stored : checkSettings(kind, { ...(given.settings && stored), ...given.settings })
    // An address that was filled follows its settings; one that was given stays.
    const filled = before !== undefined && before.base_url === filledOrNull(kind, stored)
    const keeps = before !== undefined && given.base_url === undefined && !(filled && given.settings !== undefined)
    const url = keeps
      ? before.base_url
      : (given.base_url ?? filledBaseUrl(kind, settings) ?? (kind.id === 'simulated' ? simulatedUrl : null))
    if (url === null) {
      throw new GatewayError(
        'invalid_request',
        `base_url: providers of kind "${kind.id}" need one, with its version segment, for example http://host:8000/v1.`,
        {
          param: 'base_url',
        },
      )
    }
    const allow =
      given.allow_private === undefined ? parseList(before?.allow_private ?? null) : allowed(given.allow_private, url)
    const speaks = given.speaks === undefined ? parseList(before?.speaks ?? null) : (given.speaks ?? [])
    for (const protocol of speaks) {
      if (!kind.speaks.some((one) => one === protocol)) {
        throw new GatewayError(
          'invalid_request',
          `speaks: providers of kind "${kind.id}" speak ${kind.speaks.join(', ')}, not ${protocol}.`,
          { param: 'speaks' },
        )
      }
    }
    return {
      base_url: url === simulatedUrl && kind.id === 'simulated' ? url : checkBaseUrl(url, allow, kind.query ?? []),
      settings: Object.keys(settings).length > 0 ? JSON.stringify(settings) : null,
      quirks: settleQuirks(kind, given.quirks, before?.quirks ?? null),
      allow_private: allow.length > 0 ? JSON.stringify(allow) : null,
      speaks: speaks.length > 0 ? JSON.stringify([...new Set(speaks)]) : null,
      timeout_ms: given.timeout_ms === undefined ? (before?.timeout_ms ?? null) : given.timeout_ms,
    }
  }

  return {
    async add({ name, kind: kindId, secret, ...settings }, { trx, now }) {
      const kind = needKind(kindId)
      const columns = settle(kind, settings)
      await refuseTaken(trx.db, name)
      const row: ProvidersTable = {
        id: newId('provider', now),
        name,
        kind: kind.id,
        ...columns,
        status: 'active',
        created_at: now,
        updated_at: now,
      }
      await insertProvider(trx.db, row)
      if (secret !== undefined)
        await insertProviderKey(
          trx.db,
          sealedRow(vault, { providerId: row.id, kind: row.kind, secret, label: 'default', weight: 1, now }),
        )
      await trx.touch('catalog')
      return show(row, secret === undefined ? 0 : 1)
    },

    async list({ q, ...query }) {
      const place = placeOf(query, 'name', providerOrders)
      const rows = await listProviders(storage.read, { q, place })
      const keys = Map.groupBy(
        await providerKeysOf(
          storage.read,
          rows.map((row) => row.id),
        ),
        (key) => key.provider_id,
      )
      return place.page(rows, (row) => show(row, keys.get(row.id)?.length ?? 0))
    },

    async kinds() {
      const data = providerKinds.map((kind) => ({
        id: kind.id,
        title: kind.title,
        speaks: [...kind.speaks],
        auth: kind.auth,
        base_url: kind.baseUrl,
        settings: [...(kind.settings ?? [])],
        quirks: [...(kind.quirks ?? [])],
        keyless: kind.keyless,
        docs: kind.docs,
      }))
      return { data, next_cursor: null }
    },

    show: async (name) => showOne(storage.read, await needProvider(storage.read, name)),

    async update(name, { name: newName, status, ...settings }, { trx, now }) {
      const before = await needProvider(trx.db, name)
      const columns = settle(needKind(before.kind), settings, before)
      if (newName !== undefined && newName !== before.name) await refuseTaken(trx.db, newName)
      const changes = { ...columns, name: newName ?? before.name, status: status ?? before.status, updated_at: now }
      await updateProvider(trx.db, before.id, changes)
      await trx.touch('catalog')
      return showOne(trx.db, { ...before, ...changes })
    },

    async remove(name, { trx }) {
      const row = await needProvider(trx.db, name)
      const models = await modelsUsing(trx.db, row.id)
      if (models.length > 0) {
        throw new GatewayError(
          'conflict',
          `The provider ${row.name} is a target of ${models.join(', ')}. Change or delete these models first.`,
          {
            hint: `To stop using it at once: gateway providers update ${row.name} --status disabled`,
          },
        )
      }
      await deleteProvider(trx.db, row.id)
      await trx.touch('catalog')
      return { id: row.id, name: row.name, removed: true }
    },

    async test(name) {
      const row = await needProvider(storage.read, name)
      const key = (await providerKeysOf(storage.read, [row.id])).find((one) => one.status === 'active')
      const secret = key ? { id: key.id, secret: vault.open(key.sealed, key.id), weight: key.weight } : null
      const provider = resolveProvider(row, secret ? [secret] : [], { resolveSimulatedUrl })
      return { provider: row.name, key: key?.label ?? null, ...showProbe(await probe(provider, secret)) }
    },
  }
}

const quirksInForce = ({ kind, quirks }: ProvidersTable): string[] => {
  const known = providerKindById(kind)
  return known ? [...resolveQuirks(known, quirks).ids] : []
}

const parseSettings = (json: string | null): Settings => (json === null ? {} : (JSON.parse(json) as Settings))

const filledOrNull = (kind: ProviderKind, settings: Settings): string | null => {
  try {
    return filledBaseUrl(kind, settings)
  } catch {
    return null
  }
}

/** What was switched, without what the kind says anyway; null when nothing is left. */
const settleQuirks = (
  kind: ProviderKind,
  given: QuirkSwitches | null | undefined,
  before: string | null,
): string | null => {
  if (given === undefined) return before
  if (given === null) return null
  const all: QuirkSwitches = { ...(before !== null && (JSON.parse(before) as QuirkSwitches)), ...given }
  const different = quirkIds.filter((id) => all[id] !== undefined && all[id] !== (kind.quirks ?? []).includes(id))
  return different.length > 0 ? JSON.stringify(Object.fromEntries(different.map((id) => [id, all[id]]))) : null
}

const parseList = (json: string | null): string[] => (json === null ? [] : (JSON.parse(json) as string[]))

/** `true` names the host of the base URL and nothing else. */
const allowed = (given: boolean | readonly string[] | null, url: string): string[] => {
  if (given === null || given === false) return []
  if (given !== true) return [...new Set(given)]
  const host = URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, '$1')
  return host ? [host] : []
}
