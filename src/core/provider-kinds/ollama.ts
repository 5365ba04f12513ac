import { openAiLike } from './headers.ts'

/** Local by default, so it needs `--allow-private 127.0.0.1`. */
export const ollama = openAiLike({
  id: 'ollama',
  title: 'Ollama',
  baseUrl: 'http://127.0.0.1:11434/v1',
  keyless: true,
  quirks: ['max-tokens-only', 'empty-content-with-calls'],
  docs: 'https://docs.ollama.com/api/openai-compatibility',
})
