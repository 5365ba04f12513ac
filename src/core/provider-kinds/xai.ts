import { openAiLike } from './headers.ts'

export const xai = openAiLike({
  id: 'xai',
  title: 'xAI',
  baseUrl: 'https://api.x.ai/v1',
  speaks: ['openai-chat', 'openai-responses'],
  docs: 'https://docs.x.ai/docs/api-reference',
})
