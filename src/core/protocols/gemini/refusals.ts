import { fieldName } from '../client-fields.ts'
import { meaningfulFields } from '../meaningful-fields.ts'
import type { Extensions, JsonValue, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { CrossingWarnings, refusalsFor, saysNothing } from '../warnings.ts'

/** Refuses what Gemini cannot say and what would change the answer's meaning if it were left out. */
export const unsupported: (path: string, why: string) => never = refusalsFor('the Gemini API')

/** Collects what is dropped or changed on purpose. */
export class Warnings extends CrossingWarnings {
  constructor(client: ProtocolId) {
    super('gemini', 'the Gemini API', client)
  }

  override extensions(path: string, extensions: Extensions | undefined): void {
    for (const [protocol, fields] of Object.entries(extensions ?? {})) {
      if (protocol === 'gemini') continue
      const { citations, defer_loading: deferred } = fields
      if (isObject(citations) && citations['enabled'] === true)
        unsupported(`${path}.citations`, 'documents cannot be cited')
      if (deferred === true) unsupported(`${path}.defer_loading`, 'there is no search for tools')
    }
    super.extensions(path, extensions)
  }
}

/** Whether leaving the field out changes nothing. */
const idle = (field: string, value: JsonValue): boolean =>
  saysNothing(value) || (field === 'modalities' && Array.isArray(value) && value.every((name) => name === 'text'))

export const refuseForeign = (request: NeutralRequest, warnings: Warnings): void => {
  const named = (field: Parameters<typeof fieldName>[1]): string => fieldName(request, field)
  if (request.logitBias && Object.keys(request.logitBias).length > 0)
    unsupported(named('logitBias'), 'tokens cannot be biased')
  // The neutral form of an answer has no place for them: they would be paid for and lost.
  if (request.logprobs) unsupported(named('logprobs'), 'log probabilities cannot be passed on from this provider')
  if (request.maxTokens === 0) unsupported(named('maxTokens'), 'an answer of no tokens cannot be asked for')
  for (const [protocol, fields] of Object.entries(request.extensions ?? {})) {
    if (protocol === 'gemini') continue
    for (const [field, value] of Object.entries(fields)) {
      if (idle(field, value)) continue
      if (meaningfulFields.has(field) || field === 'modalities') unsupported(field, 'it has no counterpart')
      warnings.dropped(field, 'unknown to the Gemini API')
    }
  }
  if (request.parallelToolCalls === false)
    warnings.dropped(named('parallelToolCalls'), 'the Gemini API cannot be kept from calling several tools at once')
  if (request.verbosity) warnings.dropped(named('verbosity'), 'the Gemini API has no verbosity')
  if (request.user !== undefined) warnings.dropped(named('user'), 'the Gemini API takes no id of a user')
  if (request.metadata && Object.keys(request.metadata).length > 0)
    warnings.dropped(named('metadata'), 'the Gemini API takes no metadata')
}
