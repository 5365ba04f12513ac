import type { Protocol } from '../protocol.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeResponse } from './decode-response.ts'
import { Decoder } from './decoder.ts'
import { encodeRequest } from './encode-request.ts'
import { encodeResponse } from './encode-response.ts'
import { Encoder } from './encoder.ts'
import { toolName } from './encode-tools.ts'
import { decodeError, renderError, renderStreamError } from './errors.ts'
import { inspect } from './inspect.ts'
import { raw } from './raw.ts'

/** OpenAI's Chat Completions API (`POST /v1/chat/completions`), as OpenAI and the many servers that imitate it speak it. */
export const openaiChat: Protocol = {
  id: 'openai-chat',
  upstreamPath: () => '/chat/completions',
  toolName,
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  createDecoder: (options) => new Decoder(options),
  createEncoder: (options) => new Encoder(options),
  raw,
  decodeError,
  renderError,
  renderStreamError,
}
