import { googleToken, readServiceAccount } from './google-token.ts'
import { forwarded } from './headers.ts'
import { cloudBetasOf, cloudBody } from './hosted-claude.ts'
import type { ProviderKind } from './provider-kind.ts'

const isClaude = (model: string): boolean => model.startsWith('claude')

/** Google Vertex AI: Gemini by its own protocol, Claude by Anthropic's. The secret is the JSON of a service account; access tokens are bought with it. */
export const vertex: ProviderKind = {
  id: 'vertex',
  title: 'Google Vertex AI',
  speaks: ['gemini', 'anthropic-messages'],
  baseUrl: 'https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}',
  settings: [
    { name: 'project', title: 'id of the Google Cloud project' },
    { name: 'location', title: 'region, such as us-central1, or global' },
  ],
  addressFor: ({ project, location }) =>
    location === 'global' ? `https://aiplatform.googleapis.com/v1/projects/${project}/locations/global` : undefined,
  keyless: false,
  auth: 'service account JSON (OAuth 2.0)',
  readSecret: readServiceAccount,
  headers: ({ protocol, secret, client }) => {
    const betas = protocol === 'anthropic-messages' ? cloudBetasOf(client['anthropic-beta']) : []
    return {
      ...forwarded(['x-client-request-id'], client),
      ...(betas.length > 0 && { 'anthropic-beta': betas.join(',') }),
      ...(secret !== null && { authorization: `Bearer ${secret}` }),
    }
  },
  forwardHeaders: ['x-client-request-id', 'anthropic-beta'],
  modelList: null,
  protocolFor: (model) => (isClaude(model) ? 'anthropic-messages' : 'gemini'),
  path({ protocol, model, stream }) {
    const name = encodeURIComponent(model).replaceAll('%40', '@')
    if (protocol === 'anthropic-messages')
      return `/publishers/anthropic/models/${name}:${stream ? 'streamRawPredict' : 'rawPredict'}`
    return `/publishers/google/models/${name}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
  },
  adaptBody: (body, { protocol }) =>
    protocol === 'anthropic-messages' ? cloudBody(body, { version: 'vertex-2023-10-16', keepsStream: true }) : body,
  token: googleToken('https://www.googleapis.com/auth/cloud-platform'),
  docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest',
}
