import { openAiLike } from './headers.ts'

export const mistral = openAiLike({
  id: 'mistral',
  title: 'Mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  quirks: ['max-tokens-only', 'nine-char-call-ids', 'missing-tool-index', 'missing-first-role', 'content-as-parts'],
  docs: 'https://docs.mistral.ai/api/',
})
