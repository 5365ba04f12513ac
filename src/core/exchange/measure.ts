import type { ResolvedModel } from '../catalog/resolved.ts'
import type { Place } from '../protocols/protocol.ts'
import { endpointById } from '../endpoints/index.ts'
import { applySettings, outputCap } from './model-settings.ts'
import { definesTools, usesHostedTools } from './tools.ts'

/** The size of a request as admission reads it, for a dry run: the model's defaults and caps applied. Throws what the proxy would answer. */
export const measureRequest = (endpointId: string, body: Buffer, model: ResolvedModel) => {
  const endpoint = endpointById(endpointId)
  // A dry run has no path: the model is the one that is asked about.
  const place: Place = { model: model.name, stream: false }
  const facts = endpoint.inspect(applySettings(endpoint.inspect(body, place).scanned, model, endpoint.id), place)
  const cap = outputCap(model)
  return {
    bodyBytes: facts.promptBound ?? facts.scanned.bytes.length,
    remoteParts: facts.remoteParts,
    choices: facts.choices,
    hasTools: definesTools(facts),
    hostedTools: usesHostedTools(facts),
    clientMaxTokens: facts.maxTokens,
    maxOutputTokens: Number.isFinite(cap) ? cap : null,
  }
}
