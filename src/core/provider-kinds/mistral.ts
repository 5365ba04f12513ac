import { openAiLike } from './headers.ts'

/** Not raw: streamed tool calls come without `index`, first chunks without `role`, unary content as a list; strict clients fail on each. */
export const mistral = openAiLike({
  id: 'mistral',
  title: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  raw: false,
  chat: { maxTokensField: 'max_tokens', nineCharCallIds: true },
  docs: 'https://docs.mistral.ai/api/',
})
