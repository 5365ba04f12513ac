import type { RequestsTable } from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { findResponse } from './repository.ts'

/**
 * An answer of the Responses API that its provider keeps. All users share the provider's account: only who asked for it may refer to it, and only the provider and the
 * key that made it know it.
 */
export interface KeptResponse {
  /** The shadow model it was asked of. */
  readonly model: string
  readonly modelId: string | null
  readonly providerId: string
  /** Null when the provider had no key. */
  readonly providerKeyId: string | null
  /** The real model. */
  readonly targetModel: string
  /** Of its prompt and its output together: what a request that goes on from it begins with. */
  readonly tokens: number
}

/** Whose answers providers keep: in the request log, and for as long as a row takes to get there, in memory. */
export interface KeptResponses {
  /** A row that is about to be in the log. Cheap for rows of anything else. */
  note(row: RequestsTable): void
  /** The answer that the provider calls `id`, if this user asked for it. Whether the provider still has it only the provider knows. */
  find(userId: string, id: string): Promise<KeptResponse | undefined>
}

/** What can stand in a path. Ids of providers are letters, digits, dashes and underscores. */
const idForm = /^[\w-][\w.:~-]{0,255}$/

/** `most` answers are remembered, far more than are given while a row is written. */
export const createKeptResponses = (
  { usage }: Pick<Storage, 'usage'>,
  { most = 10_000 }: { readonly most?: number } = {},
): KeptResponses => {
  const recent = new Map<string, KeptResponse>()
  return {
    note(row) {
      if (row.client_protocol !== 'openai-responses' || row.upstream_id === null) return
      if (row.provider_protocol !== 'openai-responses' || (row.status !== 200 && row.quality !== 'exact')) return
      const kept = fromRow(row)
      if (!kept) return
      recent.set(nameOf(row.user_id, row.upstream_id), kept)
      if (recent.size > most) recent.delete(recent.keys().next().value!)
    },
    async find(userId, id) {
      if (!idForm.test(id)) return undefined
      const known = recent.get(nameOf(userId, id))
      if (known) return known
      const row = await findResponse(usage, userId, id)
      return row && fromRow(row)
    },
  }
}

/** Two providers may give the same id to answers of two users. */
const nameOf = (userId: string, id: string): string => `${userId}/${id}`

const fromRow = (row: RequestsTable): KeptResponse | undefined =>
  row.provider_id === null || row.target_model === null
    ? undefined
    : {
        model: row.model,
        modelId: row.model_id,
        providerId: row.provider_id,
        providerKeyId: row.provider_key_id,
        targetModel: row.target_model,
        tokens:
          row.input_uncached +
          row.input_cache_read +
          row.input_cache_write_5m +
          row.input_cache_write_1h +
          row.output_visible +
          row.output_reasoning,
      }
