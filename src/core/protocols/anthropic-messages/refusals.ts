import { fieldName } from '../client-fields.ts'
import { meaningfulFields } from '../meaningful-fields.ts'
import type { JsonValue, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { CrossingWarnings, refusalsFor, saysNothing } from '../warnings.ts'

/** Refuses what this protocol cannot say and what would change the answer's meaning if it were left out. */
export const unsupported: (path: string, why: string) => never = refusalsFor("Anthropic's Messages API")

/** Collects what is dropped or changed on purpose. */
export class Warnings extends CrossingWarnings {
  constructor(client: ProtocolId) {
    super('anthropic-messages', 'the Messages API', client)
  }
}

/** Whether leaving the field out changes nothing: `modalities: ["text"]` is the default said aloud. */
const idle = (field: string, value: JsonValue): boolean =>
  field === 'modalities' && Array.isArray(value) && value.every((modality) => modality === 'text')

export const refuseForeign = (request: NeutralRequest, warnings: Warnings): void => {
  if ((request.choices ?? 1) > 1) unsupported(fieldName(request, 'choices'), 'only one answer can be given')
  if (request.logprobs) unsupported(fieldName(request, 'logprobs'), 'log probabilities are not available')
  if (request.logitBias && Object.keys(request.logitBias).length > 0)
    unsupported(fieldName(request, 'logitBias'), 'tokens cannot be biased')
  if (request.format?.type === 'json') {
    unsupported(fieldName(request, 'format'), 'there is no JSON mode without a schema; use json_schema')
  }
  for (const [protocol, fields] of Object.entries(request.extensions ?? {})) {
    if (protocol === 'anthropic-messages') continue
    for (const [field, value] of Object.entries(fields)) {
      if (saysNothing(value) || idle(field, value)) continue
      // Sent as the id of the user.
      if (field === 'safety_identifier' && typeof value === 'string') continue
      if (meaningfulFields.has(field) || field === 'modalities') unsupported(field, 'it has no counterpart')
      warnings.dropped(field, 'unknown to the Messages API')
    }
  }
  if (request.seed !== undefined) warnings.dropped(fieldName(request, 'seed'), 'the Messages API has no seed')
  if (request.presencePenalty)
    warnings.dropped(fieldName(request, 'presencePenalty'), 'the Messages API has no penalties')
  if (request.frequencyPenalty)
    warnings.dropped(fieldName(request, 'frequencyPenalty'), 'the Messages API has no penalties')
  if (request.verbosity) warnings.dropped(fieldName(request, 'verbosity'), 'the Messages API has no verbosity')
  if (request.metadata && Object.keys(request.metadata).length > 0) {
    warnings.dropped(fieldName(request, 'metadata'), 'the Messages API takes a user id only')
  }
}
