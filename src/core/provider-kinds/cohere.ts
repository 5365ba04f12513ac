import { openAiLike } from './headers.ts'

/** By its endpoint for clients of OpenAI. */
export const cohere = openAiLike({
  id: 'cohere',
  title: 'Cohere',
  baseUrl: 'https://api.cohere.ai/compatibility/v1',
  quirks: ['max-tokens-only', 'no-stream-options'],
  modelList: null,
  docs: 'https://docs.cohere.com/docs/compatibility-api',
})
