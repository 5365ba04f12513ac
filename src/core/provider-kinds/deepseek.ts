import { openAiLike } from './headers.ts'

export const deepseek = openAiLike({
  id: 'deepseek',
  title: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com/v1',
  quirks: ['max-tokens-only', 'reasoning-content-back'],
  docs: 'https://api-docs.deepseek.com/',
})
