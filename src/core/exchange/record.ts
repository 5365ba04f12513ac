import type { RequestsTable } from '../storage/schema.ts'
import { emptyUsage } from '../protocols/neutral/index.ts'
import type { GatewayError } from '../kernel/errors.ts'
import type { Admission, Sighting } from './admit.ts'
import type { Call } from './call.ts'
import type { Outcome } from './relay.ts'
import type { Settlement } from './settle.ts'

/** The status logged for a client that left before its answer was complete (nginx's number). */
const clientClosedRequest = 499

/** The row of the request log for an exchange that was admitted. The ledger fills in `cost` and `written_off`. */
export const recordOf = (
  call: Call,
  admission: Admission,
  outcome: Outcome,
  settlement: Settlement,
  nowMonotonic: number,
): RequestsTable => {
  const { input, output } = settlement.usage
  const { error, observed } = outcome
  const { target, key } = admission.leg
  return {
    id: call.id,
    at: call.receivedAt,
    user_id: call.principal.userId,
    key_id: call.principal.keyId,
    client_protocol: call.endpoint.id,
    client_request_id: call.clientRequestId,
    hold_id: admission.holdId,
    model: admission.model.name,
    model_id: admission.model.id,
    provider_id: target.provider.id,
    provider_key_id: key?.id ?? null,
    target_model: target.model,
    provider_protocol: admission.road.protocol,
    stream: admission.facts.stream ? 1 : 0,
    status: error ? error.status : outcome.clientGone ? clientClosedRequest : 200,
    error_code: error ? error.code : outcome.clientGone ? 'client_closed' : null,
    finish: observed.finish ?? null,
    duration_ms: Math.round(nowMonotonic - call.startedAt),
    first_byte_ms: outcome.firstByteAt === null ? null : Math.round(outcome.firstByteAt - call.startedAt),
    input_uncached: input.uncached,
    input_cache_read: input.cacheRead,
    input_cache_write_5m: input.cacheWrite5m,
    input_cache_write_1h: input.cacheWrite1h,
    output_visible: output.visible,
    output_reasoning: output.reasoning,
    cost: 0,
    written_off: 0,
    held: admission.held,
    price_id: admission.price?.id ?? null,
    quality: settlement.quality,
    upstream_id: observed.upstreamId ?? null,
    attempts: JSON.stringify(outcome.attempts),
    warnings: admission.road.warnings.length === 0 ? '[]' : JSON.stringify(admission.road.warnings),
  }
}

/** The row for a request that was refused before anything was held. */
export const refusalOf = (
  call: Call,
  sighting: Sighting,
  error: GatewayError,
  nowMonotonic: number,
): RequestsTable => ({
  id: call.id,
  at: call.receivedAt,
  user_id: call.principal.userId,
  key_id: call.principal.keyId,
  client_protocol: call.endpoint.id,
  client_request_id: call.clientRequestId,
  hold_id: null,
  model: sighting.model ?? '',
  model_id: sighting.modelId ?? null,
  provider_id: null,
  provider_key_id: null,
  target_model: null,
  provider_protocol: null,
  stream: sighting.stream ? 1 : 0,
  status: error.status,
  error_code: error.code,
  finish: null,
  duration_ms: Math.round(nowMonotonic - call.startedAt),
  first_byte_ms: null,
  input_uncached: emptyUsage.input.uncached,
  input_cache_read: 0,
  input_cache_write_5m: 0,
  input_cache_write_1h: 0,
  output_visible: 0,
  output_reasoning: 0,
  cost: 0,
  written_off: 0,
  held: 0,
  price_id: null,
  quality: 'none',
  upstream_id: null,
  attempts: '[]',
  warnings: '[]',
})
