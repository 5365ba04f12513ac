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
import { rawRequest } from './raw-request.ts'
import { createTap, rawResponse } from './tap.ts'

/** `publishers/google/models/…`, `tunedModels/…`: a name that says itself where it stands. */
const placed = /^(?:models|tunedModels|publishers|projects|endpoints)\//

/** Slashes part the steps of a path; everything else of a name that could is written so that it does not. */
const upstreamPath = (model: string, stream: boolean): string => {
  const name = (placed.test(model) ? model : `models/${model}`).split('/').map(encodeURIComponent).join('/')
  return stream ? `/${name}:streamGenerateContent?alt=sse` : `/${name}:generateContent`
}

/** Google's Gemini API (`generateContent`, `streamGenerateContent`), of AI Studio and of Vertex. */
export const gemini: Protocol = {
  id: 'gemini',
  upstreamPath,
  toolName,
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  createDecoder: () => new Decoder(),
  createEncoder: (options) => new Encoder(options),
  raw: { request: rawRequest, response: rawResponse, createTap },
  decodeError,
  renderError,
  renderStreamError,
  breaksAfterStreamError: true,
}
