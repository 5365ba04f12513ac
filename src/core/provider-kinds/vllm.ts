import { openAiLike } from './headers.ts'

/** Not raw: first chunks may lack `role`, text chunks carry empty `tool_calls`. */
export const vllm = openAiLike({
  id: 'vllm',
  title: 'vLLM',
  baseUrl: null,
  keyless: true,
  raw: false,
  chat: { maxTokensField: 'max_tokens' },
  docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
})
