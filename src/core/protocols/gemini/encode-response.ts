import { GatewayError } from '../../kernel/errors.ts'
import { unfold } from '../fold.ts'
import type { JsonObject, NeutralEvent, NeutralResponse } from '../neutral/index.ts'
import type { EncodeOptions } from '../protocol.ts'
import { CandidateEncoder } from './encoder-candidate.ts'
import { responseId } from './ids.ts'
import { showsThoughts } from './shows-thoughts.ts'
import { encodeUsage } from './usage.ts'

/** The answer as a whole. Throws `upstream_error` for an end that must not look like one. */
export const encodeResponse = (response: NeutralResponse, options: EncodeOptions): JsonObject => {
  const shows = showsThoughts(options)
  const candidates = response.choices.map((choice, index) => {
    const encoder = new CandidateEncoder(shows)
    const parts: JsonObject[] = []
    for (const event of unfold({ ...response, choices: [choice] })) parts.push(...step(encoder, event))
    if (encoder.failure !== undefined) throw new GatewayError('upstream_error', encoder.failure)
    return encoder.close(parts, index)
  })
  return {
    candidates,
    ...(response.usage && { usageMetadata: encodeUsage(response.usage) }),
    modelVersion: options.model,
    responseId: responseId(response.id),
  }
}

const step = (encoder: CandidateEncoder, event: NeutralEvent): JsonObject[] => {
  switch (event.type) {
    case 'block-start':
      return encoder.start(event.block)
    case 'block-delta': {
      const part = encoder.delta(event.delta)
      return part ? [part] : []
    }
    case 'block-stop':
      return encoder.stop()
    case 'finish':
      encoder.end(event.finish)
      return []
    case 'start':
    case 'usage':
    case 'error':
    case 'end':
      return []
  }
}
