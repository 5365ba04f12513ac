import { openAiLike } from './headers.ts'

export const groq = openAiLike({
  id: 'groq',
  title: 'Groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  docs: 'https://console.groq.com/docs/api-reference',
})
