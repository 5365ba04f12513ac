import { forwarded, openAiClientHeaders } from './headers.ts'
import type { ProviderKind } from './provider-kind.ts'

/**
 * Azure OpenAI. The model's name is that of a deployment. Its v1 API has OpenAI's own paths. A base URL that ends in `/openai` with an `api-version` is the API before it:
 * `https://{resource}.openai.azure.com/openai?api-version=2024-10-21`.
 */
export const azureOpenai: ProviderKind = {
  id: 'azure-openai',
  title: 'Azure OpenAI',
  speaks: ['openai-chat', 'openai-responses'],
  baseUrl: 'https://{resource}.openai.azure.com/openai/v1',
  settings: [{ name: 'resource', title: 'name of the Azure OpenAI resource' }],
  query: ['api-version'],
  keyless: false,
  auth: 'api-key',
  headers: ({ secret, client }) => ({
    ...forwarded(openAiClientHeaders, client),
    ...(secret !== null && { 'api-key': secret }),
  }),
  forwardHeaders: openAiClientHeaders,
  // Models that deployments can be made of.
  modelList: { names: false },
  path({ protocol, model, baseUrl }) {
    const byDeployment = new URL(baseUrl).pathname.endsWith('/openai')
    return byDeployment && protocol === 'openai-chat'
      ? `/deployments/${encodeURIComponent(model)}/chat/completions`
      : undefined
  },
  docs: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle',
}
