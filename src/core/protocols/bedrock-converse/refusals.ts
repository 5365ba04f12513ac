import type { Extensions, JsonValue, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { fieldName } from '../client-fields.ts'
import { meaningfulFields } from '../meaningful-fields.ts'
import { isObject } from '../read.ts'
import { CrossingWarnings, refusalsFor, saysNothing } from '../warnings.ts'

/** Refuses what this protocol cannot say and what would change the answer's meaning if it were left out. */
export const unsupported: (path: string, why: string) => never = refusalsFor("Amazon's Converse API")

/** Collects what is dropped or changed on purpose. */
export class Warnings extends CrossingWarnings {
  constructor(client: ProtocolId) {
    super('bedrock-converse', 'the Converse API', client)
  }

  override extensions(path: string, extensions: Extensions | undefined): void {
    const citations = extensions?.['anthropic-messages']?.['citations']
    if (isObject(citations) && citations['enabled'] === true)
      unsupported(`${path}.citations`, 'documents cannot be cited')
    super.extensions(path, extensions)
  }
}

/** Whether leaving the field out changes nothing: absent by another name, or the default said aloud. */
const idle = (field: string, value: JsonValue): boolean =>
  saysNothing(value) ||
  (field === 'modalities' && Array.isArray(value) && value.every((modality) => modality === 'text'))

export const refuseForeign = (request: NeutralRequest, warnings: Warnings): void => {
  const name = (field: Parameters<typeof fieldName>[1]): string => fieldName(request, field)
  if ((request.choices ?? 1) > 1) unsupported(name('choices'), 'only one answer can be given')
  if (request.logprobs) unsupported(name('logprobs'), 'log probabilities are not available')
  if (request.logitBias && Object.keys(request.logitBias).length > 0)
    unsupported(name('logitBias'), 'tokens cannot be biased')
  if (request.format?.type === 'json')
    unsupported(name('format'), 'there is no JSON mode without a schema; use a JSON schema')
  if (request.maxTokens === 0) unsupported(name('maxTokens'), 'an answer of no tokens cannot be asked for')
  for (const [from, fields] of Object.entries(request.extensions ?? {})) {
    if (from === 'bedrock-converse') continue
    for (const [field, value] of Object.entries(fields)) {
      if (idle(field, value)) continue
      if (meaningfulFields.has(field) || field === 'modalities') unsupported(field, 'it has no counterpart')
      warnings.dropped(field, 'unknown to the Converse API')
    }
  }
  if (request.topK !== undefined) warnings.dropped(name('topK'), 'the Converse API has no top_k')
  if (request.seed !== undefined) warnings.dropped(name('seed'), 'the Converse API has no seed')
  if (request.presencePenalty) warnings.dropped(name('presencePenalty'), 'the Converse API has no penalties')
  if (request.frequencyPenalty) warnings.dropped(name('frequencyPenalty'), 'the Converse API has no penalties')
  if (request.verbosity) warnings.dropped(name('verbosity'), 'the Converse API has no verbosity')
  if (request.user !== undefined) warnings.dropped(name('user'), 'the Converse API has no users')
  if (request.metadata && Object.keys(request.metadata).length > 0)
    warnings.dropped(name('metadata'), 'metadata is not sent on')
}
