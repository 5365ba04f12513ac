import { allDocumentsTokens, recordingTokens, unseenImageTokens } from '../endpoints/counting/media-tokens.ts'
import { estimateTokens } from '../pricing/estimate.ts'
import type { ProtocolId } from '../protocols/neutral/index.ts'
import type { PromptWeight } from '../protocols/prompt-scale.ts'

/** What frames each message, and what opens the answer, as where the gateway counts tokens itself (endpoints/counting). */
const messageTokens = 3
const answerTokens = 3
const toolsTokens = 16
/** Bytes of a JSON schema in a token: more than of other text, as its words are common ones. */
const definitionBytes = 4.5

/** Tokens of a prompt that no provider counted, by the rules of the counting endpoints, but for its texts, which are taken by their length. `provider`: whose rule images follow. */
export const promptEstimate = (prompt: PromptWeight, provider: ProtocolId): number =>
  estimateTokens(prompt.text) +
  Math.ceil(prompt.definitions / definitionBytes) +
  (prompt.hasTools ? toolsTokens : 0) +
  prompt.messages * messageTokens +
  answerTokens +
  (prompt.images > 0 ? prompt.images * unseenImageTokens(provider) : 0) +
  allDocumentsTokens(prompt.documents, prompt.documentBytes) +
  recordingTokens(prompt.audioBytes)
