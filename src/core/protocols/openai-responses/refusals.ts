import { fieldName } from '../client-fields.ts'
import { meaningfulFields } from '../meaningful-fields.ts'
import type { Extensions, JsonValue, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { CrossingWarnings, refusalsFor, saysNothing } from '../warnings.ts'

/** Refuses what the Responses API cannot say and what would change the answer's meaning if it were left out. */
export const unsupported: (path: string, why: string) => never = refusalsFor('the Responses API')

/** Collects what is dropped or changed on purpose. */
export class Warnings extends CrossingWarnings {
  constructor(client: ProtocolId) {
    super('openai-responses', 'the Responses API', client)
  }

  override extensions(path: string, extensions: Extensions | undefined): void {
    for (const [protocol, fields] of Object.entries(extensions ?? {})) {
      if (protocol === 'openai-responses') continue
      const { citations, defer_loading: deferred } = fields
      if (isObject(citations) && citations['enabled'] === true)
        unsupported(`${path}.citations`, 'documents cannot be cited')
      if (deferred === true) unsupported(`${path}.defer_loading`, 'there is no search for tools')
    }
    super.extensions(path, extensions)
  }
}

/** Top-level fields that Chat Completions has under the same name and with the same meaning. */
const chatFields = new Set([
  'moderation',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
])

/** What a Chat client sent that this API knows as well. */
export const sharedFields = ({ extensions }: NeutralRequest): { [field: string]: JsonValue } =>
  Object.fromEntries(Object.entries(extensions?.['openai-chat'] ?? {}).filter(([field]) => chatFields.has(field)))

/** Whether leaving the field out changes nothing. */
const idle = (field: string, value: JsonValue): boolean =>
  saysNothing(value) || (field === 'modalities' && Array.isArray(value) && value.every((name) => name === 'text'))

export const refuseForeign = (request: NeutralRequest, warnings: Warnings): void => {
  const named = (field: Parameters<typeof fieldName>[1]): string => fieldName(request, field)
  if (request.stop && request.stop.length > 0) unsupported(named('stop'), 'there are no stop sequences')
  if ((request.choices ?? 1) > 1) unsupported(named('choices'), 'only one answer can be given')
  if (request.logitBias && Object.keys(request.logitBias).length > 0)
    unsupported(named('logitBias'), 'tokens cannot be biased')
  // The neutral form of an answer has no place for them: they would be paid for and lost.
  if (request.logprobs) unsupported(named('logprobs'), 'log probabilities cannot be passed on from this provider')
  if (request.maxTokens === 0) unsupported(named('maxTokens'), 'an answer of no tokens cannot be asked for')
  for (const [protocol, fields] of Object.entries(request.extensions ?? {})) {
    if (protocol === 'openai-responses') continue
    for (const [field, value] of Object.entries(fields)) {
      if (idle(field, value) || (protocol === 'openai-chat' && chatFields.has(field))) continue
      if (meaningfulFields.has(field) || field === 'modalities') unsupported(field, 'it has no counterpart')
      warnings.dropped(field, 'unknown to the Responses API')
    }
  }
  if (request.seed !== undefined) warnings.dropped(named('seed'), 'the Responses API has no seed')
  if (request.topK !== undefined) warnings.dropped(named('topK'), 'the Responses API has no top_k')
  if (request.presencePenalty) warnings.dropped(named('presencePenalty'), 'the Responses API has no penalties')
  if (request.frequencyPenalty) warnings.dropped(named('frequencyPenalty'), 'the Responses API has no penalties')
}
