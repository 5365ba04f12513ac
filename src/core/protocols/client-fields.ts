import type { NeutralRequest, ProtocolId } from './neutral/index.ts'

type Field =
  | 'choices'
  | 'format'
  | 'frequencyPenalty'
  | 'logitBias'
  | 'logprobs'
  | 'maxTokens'
  | 'metadata'
  | 'parallelToolCalls'
  | 'presencePenalty'
  | 'reasoning'
  | 'seed'
  | 'serviceTier'
  | 'stop'
  | 'temperature'
  | 'toolChoice'
  | 'topK'
  | 'topP'
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
  frequencyPenalty: { chat: 'frequency_penalty', gemini: 'generationConfig.frequencyPenalty' },
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
  presencePenalty: { chat: 'presence_penalty', gemini: 'generationConfig.presencePenalty' },
  reasoning: {
    chat: 'reasoning_effort',
    'openai-responses': 'reasoning.effort',
    'anthropic-messages': 'thinking',
    gemini: 'generationConfig.thinkingConfig',
  },
  seed: { chat: 'seed', gemini: 'generationConfig.seed' },
  serviceTier: { chat: 'service_tier', gemini: 'serviceTier' },
  stop: { chat: 'stop', 'anthropic-messages': 'stop_sequences', gemini: 'generationConfig.stopSequences' },
  temperature: { chat: 'temperature', gemini: 'generationConfig.temperature' },
  toolChoice: { chat: 'tool_choice', gemini: 'toolConfig.functionCallingConfig' },
  topK: { chat: 'top_k', gemini: 'generationConfig.topK' },
  topP: { chat: 'top_p', gemini: 'generationConfig.topP' },
  user: { chat: 'user', 'anthropic-messages': 'metadata.user_id' },
  verbosity: { chat: 'verbosity', 'openai-responses': 'text.verbosity' },
}

type PartField = 'cache' | 'detail' | 'isError' | 'title'

/** What fields of a part are called in each protocol that has them. */
const partNames: Readonly<
  Record<PartField, { readonly else: string } & { readonly [protocol in ProtocolId]?: string }>
> = {
  cache: { else: 'cache_control', 'openai-responses': 'prompt_cache_breakpoint' },
  detail: { else: 'detail', 'openai-chat': 'image_url.detail', gemini: 'mediaResolution' },
  isError: { else: 'is_error', gemini: 'functionResponse.response.error' },
  title: {
    else: 'title',
    'openai-chat': 'file.filename',
    'openai-responses': 'filename',
    gemini: 'inlineData.displayName',
  },
}

/** The path of a field inside a part that a client of this protocol sent. */
export const partFieldName = (client: ProtocolId, field: PartField): string =>
  partNames[field][client] ?? partNames[field].else

/** The path of a field in the body that the client sent. */
export const fieldName = ({ protocol }: NeutralRequest, field: Field): string =>
  names[field][protocol] ?? names[field].chat
