import { openAiLike } from './headers.ts'

/** Local by default, so it needs `--allow-private 127.0.0.1`. */
export const lmStudio = openAiLike({
  id: 'lmstudio',
  title: 'LM Studio',
  baseUrl: 'http://127.0.0.1:1234/v1',
  keyless: true,
  quirks: ['max-tokens-only', 'missing-first-role'],
  docs: 'https://lmstudio.ai/docs/developer/openai-compat',
})
