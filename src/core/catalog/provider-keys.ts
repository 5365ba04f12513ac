import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { PlaceQuery } from '../kernel/list-order.ts'
import type { OperationContext, Page } from '../kernel/operation.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { ProviderKeysTable } from '../storage/schema.ts'
import type { Storage, WriteTransaction } from '../storage/storage.ts'
import type { KeyFault } from '../routing/verdict.ts'
import type { Routing } from '../routing/routing.ts'
import { showProbe, type Probe } from './probe.ts'
import { needProvider } from './providers.ts'
import {
  deleteProviderKey,
  findProviderKeys,
  insertProviderKey,
  listProviderKeys,
  providerKeyOrders,
  providerKeysById,
  providerKeysOf,
  updateProviderKey,
  type KeyWithProvider,
} from './repository.ts'
import type { ClearedView, CooldownsView, ProviderKeyView, ProviderTestView } from './schemas.ts'
import { sealedRow } from './sealed-key.ts'
import { resolveProvider } from './snapshot.ts'

type Context = OperationContext<WriteTransaction>

/** Our credentials at providers. A secret goes in, is sealed under the master key and its row's id, and never comes out again but towards its provider. */
export interface ProviderKeys {
  add(
    input: {
      readonly provider: string
      readonly secret: string
      readonly label?: string | undefined
      readonly weight: number
    },
    context: Context,
  ): Promise<ProviderKeyView>
  list(query: PlaceQuery & { readonly provider?: string | undefined }): Promise<Page<ProviderKeyView>>
  setStatus(key: string, status: 'active' | 'disabled', context: Context): Promise<ProviderKeyView>
  remove(key: string, context: Context): Promise<{ id: string; name: string; removed: true }>
  test(key: string): Promise<ProviderTestView>
  /** Keys that rest since they failed. Of the process that is asked: the daemon's. */
  cooldowns(): Promise<CooldownsView>
  /** Lets one key, or all, be used again at once. */
  clearCooldowns(key: string | undefined): Promise<ClearedView>
}

export interface ProviderKeysOptions {
  readonly storage: Storage
  readonly vault: Vault
  readonly routing: Routing
  readonly resolveSimulatedUrl: () => string | null
  readonly probe: Probe
}

export const createProviderKeys = ({
  storage,
  vault,
  routing,
  resolveSimulatedUrl,
  probe,
}: ProviderKeysOptions): ProviderKeys => {
  const need = async (db: Storage['read'], name: string): Promise<KeyWithProvider> => {
    const [key, another] = await findProviderKeys(db, name)
    if (!key)
      throw new GatewayError('not_found', `There is no provider key "${name}".`, {
        param: 'key',
        hint: 'See: gateway provider-keys list',
      })
    if (another) {
      throw new GatewayError(
        'conflict',
        `Several providers have a key "${name}". Write ${key.provider_name}/${name} or the id.`,
        { param: 'key' },
      )
    }
    return key
  }

  const reason = (row: ProviderKeysTable): string | null => {
    if (row.status !== 'active') return row.status_reason
    try {
      vault.open(row.sealed, row.id)
      return null
    } catch {
      return 'Cannot be opened with the master key of this gateway. Remove it and add it again.'
    }
  }

  const show = (row: KeyWithProvider): ProviderKeyView => ({
    id: row.id,
    provider: { id: row.provider_id, name: row.provider_name },
    label: row.label,
    hint: row.hint,
    weight: row.weight,
    status: row.status,
    status_reason: reason(row),
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
  })

  return {
    async add({ provider: name, secret, label, weight }, { trx, now }) {
      const provider = await needProvider(trx.db, name)
      const taken = new Set((await providerKeysOf(trx.db, [provider.id])).map((key) => key.label))
      if (label !== undefined && taken.has(label)) {
        throw new GatewayError('already_exists', `${provider.name} already has a key "${label}".`, { param: 'label' })
      }
      const row = sealedRow(vault, {
        providerId: provider.id,
        kind: provider.kind,
        secret,
        label: label ?? freeLabel(taken),
        weight,
        now,
      })
      await insertProviderKey(trx.db, row)
      await trx.touch('catalog')
      return show({ ...row, provider_name: provider.name })
    },

    async list({ provider, ...query }) {
      const providerId = provider === undefined ? undefined : (await needProvider(storage.read, provider)).id
      const place = placeOf(query, 'provider', providerKeyOrders)
      return place.page(await listProviderKeys(storage.read, { providerId, place }), show)
    },

    async setStatus(name, status, { trx, now }) {
      const row = await need(trx.db, name)
      const changes = {
        status,
        status_reason: status === 'active' ? null : 'Disabled by an administrator.',
        updated_at: now,
      }
      await updateProviderKey(trx.db, row.id, changes)
      if (status === 'active') routing.clear(new Set([row.id]))
      await trx.touch('catalog')
      return show({ ...row, ...changes })
    },

    async remove(name, { trx }) {
      const row = await need(trx.db, name)
      await deleteProviderKey(trx.db, row.id)
      await trx.touch('catalog')
      return { id: row.id, name: `${row.provider_name}/${row.label}`, removed: true }
    },

    async test(name) {
      const row = await need(storage.read, name)
      const key = { id: row.id, secret: vault.open(row.sealed, row.id), weight: row.weight }
      const provider = resolveProvider(await needProvider(storage.read, row.provider_id), [key], {
        resolveSimulatedUrl,
      })
      return { provider: row.provider_name, key: row.label, ...showProbe(await probe(provider, key)) }
    },

    async cooldowns() {
      const resting = new Map(routing.resting().map((key) => [key.id, key]))
      const rows = resting.size === 0 ? [] : await providerKeysById(storage.read, [...resting.keys()])
      return {
        keys: rows.map((row) => {
          const { fault, waitMs } = resting.get(row.id)!
          return {
            id: row.id,
            provider: row.provider_name,
            label: row.label,
            reason: faultReasons[fault],
            seconds_left: Math.ceil(waitMs / 1000),
          }
        }),
      }
    },

    async clearCooldowns(name) {
      if (name === undefined) return { cleared: routing.clear().length }
      return { cleared: routing.clear(new Set([(await need(storage.read, name)).id])).length }
    },
  }
}

/** What a provider said of the key. */
const faultReasons: Readonly<Record<KeyFault, string>> = {
  'rate-limited': 'rate-limited by the provider (429)',
  rejected: 'not accepted by the provider (401 or 403)',
  exhausted: 'no credit or quota left at the provider',
}

const freeLabel = (taken: ReadonlySet<string>): string => {
  let label = 'default'
  for (let number = 2; taken.has(label); number++) label = `key-${number}`
  return label
}
