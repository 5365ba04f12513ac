import { openAiLike } from './headers.ts'

export const cerebras = openAiLike({
  id: 'cerebras',
  title: 'Cerebras',
  baseUrl: 'https://api.cerebras.ai/v1',
  docs: 'https://inference-docs.cerebras.ai/api-reference/chat-completions',
})
