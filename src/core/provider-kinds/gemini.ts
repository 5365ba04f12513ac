import { forwarded } from './headers.ts'
import type { ProviderKind } from './provider-kind.ts'

const clientHeaders = ['x-client-request-id'] as const

/** Google's Gemini API. */
export const gemini: ProviderKind = {
  id: 'gemini',
  title: 'Google Gemini',
  speaks: ['gemini'],
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  keyless: false,
  auth: 'x-goog-api-key',
  headers: ({ secret, client }) => ({
    ...forwarded(clientHeaders, client),
    ...(secret !== null && { 'x-goog-api-key': secret }),
  }),
  forwardHeaders: clientHeaders,
  modelList: { path: '/models?pageSize=1000' },
  docs: 'https://ai.google.dev/api',
}
