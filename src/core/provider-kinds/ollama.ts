import { openAiLike } from './headers.ts'

/** Not raw: knows `max_tokens` only and sends empty content beside tool calls. Local by default, so it needs `--allow-private 127.0.0.1`. */
export const ollama = openAiLike({
  id: 'ollama',
  title: 'Ollama',
  baseUrl: 'http://127.0.0.1:11434/v1',
  keyless: true,
  raw: false,
  chat: { maxTokensField: 'max_tokens' },
  docs: 'https://docs.ollama.com/api/openai-compatibility',
})
