import type { Usage } from '../protocols/neutral/usage.ts'
import type { RequestsTable } from '../storage/schema.ts'
import type { HoldContext } from './commands.ts'
import { unpackContext } from './hold-context.ts'
import type { StoredHold } from './repository.ts'

export const noTokens: Usage = {
  input: { uncached: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 0, reasoning: 0 },
}

const unknown: HoldContext = {
  userId: '',
  keyId: '',
  model: '',
  modelId: '',
  priceId: null,
  price: null,
  clientProtocol: '',
  clientRequestId: null,
  stream: false,
  estimatedInputTokens: 0,
}

/** What a hold remembers. Whatever was written there, a start must come to an end: what cannot be read counts as unknown, and unknown costs nothing. */
export const contextOf = (hold: StoredHold): HoldContext => {
  try {
    return unpackContext(hold.context)
  } catch {
    return unknown
  }
}

/** How an exchange ended whose own process could not log it. */
export interface Ending {
  readonly usage: Usage
  readonly quality: 'exact' | 'estimated' | 'none'
  /** Status the client saw, as far as anybody knows. */
  readonly status: number
  readonly errorCode: string | null
  readonly at: number
}

/** The row of the request log for a hold, from what the hold remembers. Timings and attempts of the exchange are lost; its money is not. */
export const rebuildRecord = (hold: StoredHold, context: HoldContext, ending: Ending): RequestsTable => {
  const { input, output } = ending.usage
  return {
    id: hold.request_id,
    hold_id: hold.id,
    at: hold.created_at,
    user_id: context.userId,
    key_id: context.keyId,
    model: context.model,
    model_id: context.modelId,
    provider_id: null,
    provider_key_id: null,
    target_model: null,
    client_protocol: context.clientProtocol,
    provider_protocol: null,
    stream: context.stream ? 1 : 0,
    status: ending.status,
    error_code: ending.errorCode,
    finish: null,
    duration_ms: Math.max(0, ending.at - hold.created_at),
    first_byte_ms: null,
    input_uncached: input.uncached,
    input_cache_read: input.cacheRead,
    input_cache_write_5m: input.cacheWrite5m,
    input_cache_write_1h: input.cacheWrite1h,
    output_visible: output.visible,
    output_reasoning: output.reasoning,
    cost: hold.posted,
    written_off: hold.written_off,
    held: hold.amount,
    price_id: context.priceId,
    quality: ending.quality,
    upstream_id: null,
    client_request_id: context.clientRequestId,
    attempts: '[]',
    warnings: '[]',
  }
}

/** The ending of a resolved hold, from its own row. */
export const endingOf = (hold: StoredHold): Ending => ({
  usage: usageOf(hold),
  quality: hold.quality ?? 'none',
  status: hold.state === 'posted' ? 200 : 502,
  errorCode: hold.state === 'posted' ? null : 'upstream_error',
  at: hold.resolved_at ?? hold.created_at,
})

const usageOf = ({ usage }: StoredHold): Usage => {
  if (usage === null) return noTokens
  try {
    const { input, output } = JSON.parse(usage) as Partial<Usage>
    return { input: { ...noTokens.input, ...input }, output: { ...noTokens.output, ...output } }
  } catch {
    return noTokens
  }
}
