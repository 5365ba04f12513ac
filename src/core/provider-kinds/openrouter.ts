import { openAiLike } from './headers.ts'

/** No repair although some answers are odd: `reasoning_details` must come back unchanged in the next turn, and only bytes are unchanged for sure. */
export const openrouter = openAiLike({
  id: 'openrouter',
  title: 'OpenRouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  quirks: ['reasoning-back'],
  docs: 'https://openrouter.ai/docs/api-reference/overview',
})
