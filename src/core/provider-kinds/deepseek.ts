import { openAiLike } from './headers.ts'

export const deepseek = openAiLike({
  id: 'deepseek',
  title: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com/v1',
  chat: { maxTokensField: 'max_tokens', reasoningField: 'reasoning_content' },
  docs: 'https://api-docs.deepseek.com/',
})
