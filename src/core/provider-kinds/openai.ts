import { openAiLike } from './headers.ts'

export const openai = openAiLike({
  id: 'openai',
  title: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  speaks: ['openai-chat', 'openai-responses'],
  docs: 'https://platform.openai.com/docs/api-reference/chat',
})
