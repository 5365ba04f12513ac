import { openAiLike } from './headers.ts'

/** Any server with `/chat/completions` below its base URL. Bytes pass as they are; what it does otherwise is switched on by name (`--quirk`). */
export const openaiCompatible = openAiLike({
  id: 'openai-compatible',
  title: 'OpenAI-compatible server',
  baseUrl: null,
  keyless: true,
  quirks: ['max-tokens-first'],
  docs: 'https://platform.openai.com/docs/api-reference/chat',
})
