import { toGatewayError } from '../kernel/errors.ts'
import type { Vault } from '../kernel/secrets.ts'
import type { ModelsTable } from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { showProbe, type Probe, type ProbeResult } from './probe.ts'
import { findProvider, providerKeysOf, targetsOf } from './repository.ts'
import type { ModelTestView } from './schemas.ts'
import { openKey, resolveProvider } from './snapshot.ts'

export interface ModelTestOptions {
  readonly storage: Storage
  readonly vault: Vault
  readonly resolveSimulatedUrl: () => string | null
  readonly probe: Probe
}

/** Asks the provider of each target, once per provider and all at the same time, whether it answers and lists the model. Sends no prompt and costs nothing. */
export const testModel = async (options: ModelTestOptions, model: ModelsTable): Promise<ModelTestView> => {
  const rows = await targetsOf(options.storage.read, [model.id])
  const answers = new Map<string, Promise<ProbeResult>>()
  for (const { provider_id: id } of rows) if (!answers.has(id)) answers.set(id, ask(options, id))
  const targets = await Promise.all(
    rows.map(async (row) => {
      const answer = await answers.get(row.provider_id)!
      const listed = answer.models?.includes(row.model) ?? null
      const view = showProbe(answer)
      return {
        provider: row.provider_name,
        model: row.model,
        listed,
        ...view,
        ok: view.ok && listed !== false,
        message: listed === false ? 'The provider answers, but does not list this model.' : view.message,
      }
    }),
  )
  return { model: model.name, ok: targets.length > 0 && targets.every((target) => target.ok), targets }
}

const ask = async (
  { storage, vault, resolveSimulatedUrl, probe }: ModelTestOptions,
  providerId: string,
): Promise<ProbeResult> => {
  try {
    const row = await findProvider(storage.read, providerId)
    if (!row) throw new Error(`provider ${providerId} is gone`)
    const keys = (await providerKeysOf(storage.read, [providerId])).flatMap((key) => openKey(key, vault))
    const provider = resolveProvider(row, keys, { resolveSimulatedUrl })
    return await probe(provider, keys[0] ?? null)
  } catch (error) {
    return { status: null, latencyMs: 0, models: null, failure: toGatewayError(error).message }
  }
}
