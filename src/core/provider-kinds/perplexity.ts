import { openAiLike } from './headers.ts'

/** Clients that add up the usage of every chunk count it many times. Its own lists of sources are lost with the repair: `--no-quirk usage-on-every-chunk --no-quirk no-done` keeps them. */
export const perplexity = openAiLike({
  id: 'perplexity',
  title: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  quirks: ['max-tokens-only', 'usage-on-every-chunk', 'no-done'],
  modelList: null,
  docs: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
})
