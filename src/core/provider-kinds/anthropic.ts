import { anthropicClientHeaders, anthropicHeaders } from './anthropic-headers.ts'
import type { ProviderKind } from './provider-kind.ts'

export const anthropic: ProviderKind = {
  id: 'anthropic',
  title: 'Anthropic',
  speaks: ['anthropic-messages'],
  baseUrl: 'https://api.anthropic.com/v1',
  keyless: false,
  headers: anthropicHeaders('by-version'),
  forwardHeaders: anthropicClientHeaders,
  raw: true,
  docs: 'https://docs.anthropic.com/en/api/messages',
}
