import { openAiLike } from './headers.ts'

/** Repaired: first chunks may lack `role`, text chunks carry empty `tool_calls`. */
export const vllm = openAiLike({
  id: 'vllm',
  title: 'vLLM',
  baseUrl: null,
  keyless: true,
  quirks: ['max-tokens-first', 'missing-first-role'],
  docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
})
