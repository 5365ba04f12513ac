import { openAiLike } from './headers.ts'

/** Raw although some answers are odd: `reasoning_details` must come back unchanged in the next turn, and only bytes are unchanged for sure. */
export const openrouter = openAiLike({
  id: 'openrouter',
  title: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  chat: { reasoningField: 'reasoning' },
  docs: 'https://openrouter.ai/docs/api-reference/overview',
})
