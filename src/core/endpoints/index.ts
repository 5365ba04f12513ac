import { protocols } from '../protocols/index.ts'
import { speech } from './audio/speech.ts'
import { transcriptions, translations } from './audio/transcriptions.ts'
import { completions } from './completions.ts'
import { countingEndpoints } from './counting/counting.ts'
import { embeddings } from './embeddings/embeddings.ts'
import { geminiBatchEmbed, geminiEmbed } from './embeddings/gemini-client.ts'
import type { Endpoint } from './endpoint.ts'
import { generate } from './generate.ts'
import { imageEdits, imageGenerations, imageVariations } from './images.ts'
import { keptResponseEndpoints } from './kept/kept-responses.ts'
import { moderations } from './moderations.ts'
import { rerank } from './rerank.ts'

/** Everything clients can call that is metered. A new side endpoint is a file and a line here (and a line in daemon/proxy/routes.ts). */
export const endpoints: readonly Endpoint[] = [
  ...protocols.map(generate),
  embeddings,
  geminiEmbed,
  geminiBatchEmbed,
  completions,
  moderations,
  rerank,
  imageGenerations,
  imageEdits,
  imageVariations,
  speech,
  transcriptions,
  translations,
  ...countingEndpoints,
  ...keptResponseEndpoints,
]

const byId = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]))

/** Throws for an id that is none. */
export const endpointById = (id: string): Endpoint => {
  const found = byId.get(id)
  if (!found) throw new Error(`there is no endpoint "${id}"`)
  return found
}
