import type { JsonObject, JsonValue, ProtocolId } from '../../protocols/neutral/index.ts'
import type { RoadTarget } from '../endpoint.ts'
import { googleName, googlePath } from '../side/google.ts'

/** How a provider counts the tokens of a request in its own protocol. */
export interface ProviderCounter {
  readonly protocol: ProtocolId
  path(target: RoadTarget): string
  /** The counter's body, of a body for the provider's main call. */
  body(main: JsonObject, model: string): JsonObject
  /** Undefined when the answer has no count. */
  tokens(answer: (field: string) => JsonValue | undefined): JsonValue | undefined
}

const only = (body: JsonObject, fields: ReadonlySet<string>): JsonObject =>
  Object.fromEntries(Object.entries(body).filter(([name]) => fields.has(name)))

/** https://docs.anthropic.com/en/api/messages-count-tokens; further fields are refused there. */
const anthropicFields = new Set(
  'model messages system tools tool_choice thinking output_config output_format cache_control context_management mcp_servers speed'.split(
    ' ',
  ),
)
const anthropicCounter: ProviderCounter = {
  protocol: 'anthropic-messages',
  path: () => '/messages/count_tokens',
  body: (main, model) => ({ ...only(main, anthropicFields), model }),
  tokens: (answer) => answer('input_tokens'),
}

/** https://platform.openai.com/docs/api-reference/responses/input-tokens */
const responsesFields = new Set(
  'model input instructions tools tool_choice parallel_tool_calls text reasoning truncation conversation previous_response_id'.split(
    ' ',
  ),
)
const responsesCounter: ProviderCounter = {
  protocol: 'openai-responses',
  path: () => '/responses/input_tokens',
  body: (main, model) => ({ ...only(main, responsesFields), model }),
  tokens: (answer) => answer('input_tokens'),
}

/** https://ai.google.dev/api/tokens: with instructions and tools only inside of `generateContentRequest`. */
const geminiCounter: ProviderCounter = {
  protocol: 'gemini',
  path: (target) => googlePath(target, 'countTokens'),
  body: (main, model) => ({ generateContentRequest: { ...main, model: googleName(model) } }),
  tokens: (answer) => answer('totalTokens'),
}

/** https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens: the request itself. Claude there is not counted this way. */
const vertexFields = new Set(['contents', 'systemInstruction', 'tools', 'generationConfig'])
const vertexCounter: ProviderCounter = { ...geminiCounter, body: (main) => only(main, vertexFields) }

/** Kinds whose servers are known to count, or that imitate one that does; those that do not are found out by asking. */
const byKind: Readonly<Record<string, ProviderCounter>> = {
  anthropic: anthropicCounter,
  'anthropic-compatible': anthropicCounter,
  simulated: anthropicCounter,
  openai: responsesCounter,
  gemini: geminiCounter,
  vertex: vertexCounter,
}

/** The provider's own counter. Undefined where it has none: another vendor's would count another vendor's tokens. */
export const counterOf = ({ kind, speaks, model }: RoadTarget): ProviderCounter | undefined => {
  const counter = byKind[kind.id]
  const fixed = kind.protocolFor?.(model)
  if (!counter || (fixed && fixed !== counter.protocol)) return undefined
  return speaks.includes(counter.protocol) ? counter : undefined
}
