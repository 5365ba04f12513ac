import { awsEventStream } from './aws-event-stream.ts'
import { readAwsSecret, signAws } from './aws-signature.ts'
import { forwarded } from './headers.ts'
import { cloudBetasOf, cloudBody } from './hosted-claude.ts'
import type { ProviderKind } from './provider-kind.ts'

const isClaude = (model: string): boolean => /(?:^|\.|\/)anthropic\.claude/.test(model)

/**
 * Amazon Bedrock. Claude is called by its own protocol (InvokeModel), every other model by Converse. Secrets: `ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`, with which
 * each request is signed, or a Bedrock API key, which has no colon.
 */
export const bedrock: ProviderKind = {
  id: 'bedrock',
  title: 'Amazon Bedrock',
  speaks: ['bedrock-converse', 'anthropic-messages'],
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  settings: [{ name: 'region', title: 'AWS region, such as us-east-1' }],
  keyless: false,
  auth: 'AWS signature (KEY_ID:SECRET[:TOKEN]) or Authorization: Bearer',
  readSecret: readAwsSecret,
  headers: ({ secret, stream, client }) => ({
    ...forwarded(['x-client-request-id'], client),
    accept: stream ? 'application/vnd.amazon.eventstream' : 'application/json',
    ...(secret !== null && !secret.includes(':') && { authorization: `Bearer ${secret}` }),
  }),
  forwardHeaders: ['x-client-request-id', 'anthropic-beta'],
  modelList: null,
  protocolFor: (model) => (isClaude(model) ? 'anthropic-messages' : 'bedrock-converse'),
  path: ({ protocol, model, stream }) =>
    protocol === 'anthropic-messages'
      ? `/model/${encodeURIComponent(model)}/${stream ? 'invoke-with-response-stream' : 'invoke'}`
      : undefined,
  adaptBody: (body, { protocol, client }) =>
    protocol === 'anthropic-messages'
      ? cloudBody(body, { version: 'bedrock-2023-05-31', betas: cloudBetasOf(client['anthropic-beta']) })
      : body,
  unframe: ({ protocol, stream }) =>
    stream ? awsEventStream(protocol === 'bedrock-converse' ? 'events' : 'chunks') : undefined,
  sign: signAws('bedrock'),
  docs: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html',
}
