import type { ProviderProtocol } from '../protocol.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeRequest } from './encode-request.ts'
import { toolName } from './encode-tools.ts'
import { decodeError } from './errors.ts'

/**
 * Amazon Bedrock's Converse API, which no client speaks to us. Streams are read as server-sent events whose names are the event types: what unframes AWS's binary
 * stream is in provider-kinds/aws-event-stream.ts.
 */
export const bedrockConverse: ProviderProtocol = {
  id: 'bedrock-converse',
  upstreamPath: (model, stream) => `/model/${encodeURIComponent(model)}/${stream ? 'converse-stream' : 'converse'}`,
  toolName,
  encodeRequest,
  decodeResponse,
  createDecoder: () => new Decoder(),
  decodeError,
}
