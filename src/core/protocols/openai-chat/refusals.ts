import { fieldName } from '../client-fields.ts'
import { meaningfulFields } from '../meaningful-fields.ts'
import type { Extensions, NeutralRequest, ProtocolId } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { CrossingWarnings, refusalsFor, saysNothing } from '../warnings.ts'

/** Refuses what this protocol cannot say and what would change the answer's meaning if it were left out. */
export const unsupported: (path: string, why: string) => never = refusalsFor('the Chat Completions API')

/** Collects what is dropped or changed on purpose. */
export class Warnings extends CrossingWarnings {
  constructor(client: ProtocolId) {
    super('openai-chat', 'the Chat Completions API', client)
  }

  /** Fields only another protocol knows, on a part, message or tool. */
  override extensions(path: string, extensions: Extensions | undefined): void {
    for (const [protocol, fields] of Object.entries(extensions ?? {})) {
      if (protocol === 'openai-chat') continue
      for (const [field, value] of Object.entries(fields)) {
        if (field === 'citations' && isObject(value) && value['enabled'] === true)
          unsupported(`${path}.citations`, 'documents cannot be cited')
        if (field === 'defer_loading' && value === true)
          unsupported(`${path}.defer_loading`, 'there is no search for tools')
      }
    }
    super.extensions(path, extensions)
  }
}

export const refuseForeign = (request: NeutralRequest, warnings: Warnings): void => {
  for (const [protocol, fields] of Object.entries(request.extensions ?? {})) {
    if (protocol === 'openai-chat') continue
    for (const [field, value] of Object.entries(fields)) {
      if (saysNothing(value)) continue
      if (meaningfulFields.has(field)) unsupported(field, 'it has no counterpart')
      warnings.dropped(field, 'unknown to the Chat Completions API')
    }
  }
  if (request.protocol === 'openai-chat') return
  if (request.maxTokens === 0)
    unsupported(fieldName(request, 'maxTokens'), 'an answer of no tokens cannot be asked for')
  if (request.topK !== undefined) warnings.dropped(fieldName(request, 'topK'), 'the Chat Completions API has no top_k')
}
