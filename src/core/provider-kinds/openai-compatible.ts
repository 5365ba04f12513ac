import { openAiLike } from './headers.ts'

/** Any server with `/chat/completions` below its base URL. Bytes pass as they are; servers that need repair have kinds of their own (vllm, mistral, ollama). */
export const openaiCompatible = openAiLike({
  id: 'openai-compatible',
  title: 'OpenAI-compatible server',
  baseUrl: null,
  keyless: true,
  chat: { maxTokensField: 'max_tokens' },
  docs: 'https://platform.openai.com/docs/api-reference/chat',
})
