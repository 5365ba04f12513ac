import { anthropicClientHeaders, anthropicHeaders } from './anthropic-headers.ts'
import type { ProviderKind } from './provider-kind.ts'

/** Any server with `/messages` below its base URL. */
export const anthropicCompatible: ProviderKind = {
  id: 'anthropic-compatible',
  title: 'Anthropic-compatible server',
  speaks: ['anthropic-messages'],
  baseUrl: null,
  keyless: true,
  auth: 'x-api-key',
  headers: anthropicHeaders('x-api-key'),
  forwardHeaders: anthropicClientHeaders,
  docs: 'https://docs.anthropic.com/en/api/messages',
}
