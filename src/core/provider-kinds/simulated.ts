import { anthropicClientHeaders } from './anthropic-headers.ts'
import { forwarded } from './headers.ts'
import type { ProviderKind } from './provider-kind.ts'

/** The provider inside the program (src/core/simulated). Its base URL is known when it has started. */
export const simulated: ProviderKind = {
  id: 'simulated',
  title: 'Simulated provider',
  speaks: ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'],
  baseUrl: null,
  keyless: true,
  auth: 'none',
  headers: ({ client }) => forwarded(anthropicClientHeaders, client),
  forwardHeaders: anthropicClientHeaders,
  docs: 'docs/providers.md',
}
