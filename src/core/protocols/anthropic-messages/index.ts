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

/** Anthropic's Messages API (`POST /v1/messages`), in the versions 2023-06-01 and 2026-10-21. */
export const anthropicMessages: Protocol = {
  id: 'anthropic-messages',
  upstreamPath: () => '/messages',
  toolName,
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
