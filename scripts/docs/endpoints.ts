import { endpoints } from '../../src/core/endpoints/index.ts'
import { proxyRoutes } from '../../src/daemon/proxy/routes.ts'
import { code, type Page, table } from './page.ts'

const generated = 'what the provider reports; else what was delivered, as an estimate'
const anyProvider = 'providers of every protocol'
const openaiLike = 'providers with OpenAI’s protocol that have it'

const maker = 'the provider that made the response'

/** Where each endpoint leads and what it costs. One without a line here cannot be documented. */
const about: Readonly<Record<string, { readonly reaches: string; readonly costs: string }>> = {
  'openai-chat': { reaches: anyProvider, costs: generated },
  'openai-responses': { reaches: anyProvider, costs: generated },
  'response-retrieve': { reaches: maker, costs: 'nothing' },
  'response-delete': { reaches: maker, costs: 'nothing' },
  'response-cancel': { reaches: maker, costs: 'nothing' },
  'response-input-items': { reaches: maker, costs: 'nothing' },
  'anthropic-messages': { reaches: anyProvider, costs: generated },
  gemini: { reaches: anyProvider, costs: generated },
  embeddings: { reaches: `${openaiLike}, and Gemini`, costs: 'tokens of the input; estimated if none are told' },
  'gemini-embed': { reaches: `Gemini, and ${openaiLike}`, costs: 'tokens of the input; estimated if none are told' },
  'gemini-batch-embed': {
    reaches: `Gemini, and ${openaiLike}`,
    costs: 'tokens of the input; estimated if none are told',
  },
  completions: { reaches: openaiLike, costs: `${generated}; \`max_tokens\` is 16 unless it is given` },
  moderations: { reaches: openaiLike, costs: 'tokens of the input, estimated' },
  rerank: {
    reaches: 'Cohere (its own API), vLLM, Together and servers with `/rerank`',
    costs: 'tokens that are told; else the query counted with each document, estimated',
  },
  'image-generations': {
    reaches: openaiLike,
    costs: 'tokens that are told; else 1056 output tokens an image, estimated',
  },
  'image-edits': { reaches: openaiLike, costs: 'as image-generations; JSON or an upload' },
  'image-variations': { reaches: openaiLike, costs: 'as image-generations; an upload' },
  'audio-speech': {
    reaches: openaiLike,
    costs: 'tokens that events tell; else 20 output tokens for each second at 15 characters a second, estimated',
  },
  'audio-transcriptions': {
    reaches: openaiLike,
    costs:
      'tokens that are told, or 10 input tokens for each second that is told; else for the length that the transcript shows, estimated',
  },
  'audio-translations': { reaches: openaiLike, costs: 'as audio-transcriptions' },
  'anthropic-count-tokens': { reaches: 'the provider’s counter, else the gateway’s own', costs: 'nothing' },
  'openai-input-tokens': { reaches: 'the provider’s counter, else the gateway’s own', costs: 'nothing' },
  'gemini-count-tokens': { reaches: 'the provider’s counter, else the gateway’s own', costs: 'nothing' },
}

const mostPaths = 4

const rowOf = (id: string): string[] => {
  const served = proxyRoutes.filter(({ route }) => route.kind === 'exchange' && route.endpoint.id === id)
  const paths = served.map(({ method, path }) => (method === 'POST' ? path : `${method} ${path}`))
  const told = about[id]
  if (!told) throw new Error(`scripts/docs/endpoints.ts says nothing of the endpoint "${id}"`)
  const shown = paths.slice(0, mostPaths).map(code).join(' ')
  const more = paths.length > mostPaths ? ` and ${paths.length - mostPaths} more` : ''
  return [code(id), `${shown}${more}`, told.reaches, told.costs]
}

export const endpointsPage: Page = {
  file: 'endpoints.md',
  async render() {
    return `# Endpoints

What clients can call with an API key. Each request passes the same gates, whichever the endpoint: the key, its limits, a hold of the most it can cost, the provider, the
settlement, one record (\`client_protocol\` is the name in the first column). \`POST\` unless another method stands in front. A model whose provider has nothing like the endpoint is refused with 400
\`unsupported_endpoint\`.

${table(
  ['endpoint', 'paths', 'reaches', 'costs'],
  endpoints.map(({ id }) => rowOf(id)),
)}

\`GET /v1/models\` (and below Gemini's versions) lists the models of the key, free of charge.

## Tokens of what is no text

Prices are of tokens, so recordings are counted in them: 10 for each second that is heard, 20 for each that is spoken, as OpenAI counts its own. A vendor's price of 0.006 a minute for
transcripts is a price of 10 per million input tokens. An estimate never costs more than what was held; \`usage_quality\` of the request says which it was.

A price for each request (\`--request-price\`) comes on top, whatever the endpoint; counting is free of that too.

## Counting

\`/v1/messages/count_tokens\` and Gemini's \`:countTokens\` ask the provider where it can count (Anthropic, OpenAI, Gemini, Vertex), in its own protocol whatever the client's. Where it cannot, or its
counter fails, the gateway counts: with OpenAI's o200k_base for texts and definitions of tools, and for images by the rule of the provider's vendor. Such an answer has the header
\`x-gateway-estimated: true\`. Another vendor's counter is never asked.

## Uploads

Recordings and images (\`multipart/form-data\`) pass to the provider while they come, with their names and types, when the field \`model\` stands in front of the file. When it stands behind, as most
SDKs write it, the upload lies in the data directory until the model is known, in a file without a name that nobody else can open and that does not outlive the process. At most 100 parts, and
[\`GATEWAY_MAX_UPLOAD\`](configuration.md) bytes. Defaults and caps of a shadow model do not reach into uploads.

## Vectors

Clients get vectors in the format they asked for (\`float\` or \`base64\`), whichever the provider answers with: OpenAI's SDKs ask for base64 on their own and would misread numbers.
`
  },
}
