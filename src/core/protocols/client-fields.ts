import type { NeutralRequest, ProtocolId } from './neutral/index.ts'

type Field =
  | 'choices'
  | 'format'
  | 'logitBias'
  | 'logprobs'
  | 'maxTokens'
  | 'metadata'
  | 'parallelToolCalls'
  | 'reasoning'
  | 'seed'
  | 'serviceTier'
  | 'stop'
  | 'toolChoice'
  | 'topK'
  | 'user'
  | 'verbosity'

/** What the fields of a request are called in each protocol, for paths of errors and warnings. Chat's name where a protocol has none of its own. */
const names: Readonly<Record<Field, { readonly chat: string } & { readonly [protocol in ProtocolId]?: string }>> = {
  choices: { chat: 'n', gemini: 'generationConfig.candidateCount' },
  format: {
    chat: 'response_format',
    'openai-responses': 'text.format',
    'anthropic-messages': 'output_config.format',
    gemini: 'generationConfig.responseMimeType',
  },
  logitBias: { chat: 'logit_bias' },
  logprobs: { chat: 'logprobs', 'openai-responses': 'top_logprobs', gemini: 'generationConfig.responseLogprobs' },
  maxTokens: {
    chat: 'max_completion_tokens',
    'openai-responses': 'max_output_tokens',
    'anthropic-messages': 'max_tokens',
    gemini: 'generationConfig.maxOutputTokens',
  },
  metadata: { chat: 'metadata' },
  parallelToolCalls: { chat: 'parallel_tool_calls', 'anthropic-messages': 'tool_choice.disable_parallel_tool_use' },
  reasoning: {
    chat: 'reasoning_effort',
    'openai-responses': 'reasoning.effort',
    'anthropic-messages': 'thinking',
    gemini: 'generationConfig.thinkingConfig',
  },
  seed: { chat: 'seed', gemini: 'generationConfig.seed' },
  serviceTier: { chat: 'service_tier', gemini: 'serviceTier' },
  stop: { chat: 'stop', 'anthropic-messages': 'stop_sequences', gemini: 'generationConfig.stopSequences' },
  toolChoice: { chat: 'tool_choice', gemini: 'toolConfig.functionCallingConfig' },
  topK: { chat: 'top_k', gemini: 'generationConfig.topK' },
  user: { chat: 'user', 'anthropic-messages': 'metadata.user_id' },
  verbosity: { chat: 'verbosity', 'openai-responses': 'text.verbosity' },
}

/** The path of a field in the body that the client sent. */
export const fieldName = ({ protocol }: NeutralRequest, field: Field): string =>
  names[field][protocol] ?? names[field].chat
