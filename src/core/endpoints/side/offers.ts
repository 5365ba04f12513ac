import { GatewayError } from '../../kernel/errors.ts'
import type { RoadTarget } from '../endpoint.ts'

/** What clients can call beside the main calls of the protocols. */
export type SideCall =
  | 'embeddings'
  | 'completions'
  | 'moderations'
  | 'rerank'
  | 'images'
  | 'image variations'
  | 'speech'
  | 'transcriptions'

/** Kinds that speak OpenAI's protocol and are documented without the call. Of servers that anybody can build nothing is known: they are asked. */
const lacking: Readonly<Record<SideCall, ReadonlySet<string>>> = {
  embeddings: new Set(['deepseek', 'groq']),
  completions: new Set(['groq', 'mistral', 'simulated', 'xai']),
  moderations: new Set(['deepseek', 'groq', 'ollama', 'openrouter', 'simulated', 'together', 'vllm', 'xai']),
  rerank: new Set(['deepseek', 'groq', 'mistral', 'ollama', 'openai', 'simulated', 'xai']),
  images: new Set(['deepseek', 'groq', 'mistral', 'ollama', 'simulated', 'vllm']),
  'image variations': new Set(['deepseek', 'groq', 'mistral', 'ollama', 'simulated', 'together', 'vllm', 'xai']),
  speech: new Set(['deepseek', 'ollama', 'simulated']),
  transcriptions: new Set(['deepseek', 'ollama', 'simulated']),
}

/** Whether the target has OpenAI's shape of the call. */
export const offers = ({ kind, speaks }: RoadTarget, call: SideCall): boolean =>
  (speaks.includes('openai-chat') || speaks.includes('openai-responses')) && !lacking[call].has(kind.id)

export const notOffered = ({ kind }: RoadTarget, call: string): GatewayError =>
  new GatewayError('unsupported_endpoint', `The provider behind this model (${kind.title}) does not serve ${call}.`, {
    param: 'model',
  })
