import { anthropicClientHeaders, anthropicHeaders } from './anthropic-headers.ts'
import type { ProviderKind } from './provider-kind.ts'

export const anthropic: ProviderKind = {
  id: 'anthropic',
  title: 'Anthropic',
  speaks: ['anthropic-messages'],
  baseUrl: 'https://api.anthropic.com/v1',
  keyless: false,
  auth: 'x-api-key',
  headers: anthropicHeaders('by-version'),
  forwardHeaders: anthropicClientHeaders,
  docs: 'https://docs.anthropic.com/en/api/messages',
}
