import { openAiLike } from './headers.ts'

export const together = openAiLike({
  id: 'together',
  title: 'Together AI',
  baseUrl: 'https://api.together.xyz/v1',
  quirks: ['max-tokens-only'],
  docs: 'https://docs.together.ai/reference/chat-completions-1',
})
