import type { ResolvedModel } from '../catalog/resolved.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'
import { protocolById } from '../protocols/index.ts'
import { applySettings, outputCap } from './model-settings.ts'
import { definesTools, usesHostedTools } from './tools.ts'

/** The size of a request as admission reads it, for a dry run: the model's defaults and caps applied. Throws what the proxy would answer. */
export const measureRequest = (protocolId: ProtocolId, body: Buffer, model: ResolvedModel) => {
  const protocol = protocolById(protocolId)
  const facts = protocol.inspect(applySettings(protocol.inspect(body).scanned, model))
  const cap = outputCap(model)
  return {
    bodyBytes: facts.scanned.bytes.length,
    remoteParts: facts.remoteParts,
    choices: facts.choices,
    hasTools: definesTools(facts),
    hostedTools: usesHostedTools(facts),
    clientMaxTokens: facts.maxTokens,
    maxOutputTokens: Number.isFinite(cap) ? cap : null,
  }
}
