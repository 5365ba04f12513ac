import type { Protocol } from '../protocol.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { toolName } from './encode-tools.ts'
import { Encoder } from './encoder.ts'
import { decodeError, renderError, renderStreamError } from './errors.ts'
import { inspect } from './inspect.ts'
import { raw } from './raw.ts'

/** OpenAI's Responses API (`POST /v1/responses`), without the state that it can keep between requests. */
export const openaiResponses: Protocol = {
  id: 'openai-responses',
  upstreamPath: () => '/responses',
  toolName,
  customTools: true,
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  createDecoder: () => new Decoder(),
  createEncoder: (options) => new Encoder(options),
  raw,
  decodeError,
  renderError,
  renderStreamError,
}
