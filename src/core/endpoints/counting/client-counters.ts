import { readField, scanObject, setField, splice } from '../../protocols/json-scan.ts'
import type { JsonObject, JsonValue, ProtocolId } from '../../protocols/neutral/index.ts'
import { isObject } from '../../protocols/read.ts'

/** The call by which clients of a protocol have tokens counted. */
export interface ClientCounter {
  readonly id: string
  /** The body as one of the protocol's main call. */
  mainBody(body: Buffer): Buffer
  /** `onlyText`: nothing but text was counted. */
  answer(tokens: number, onlyText: boolean): JsonObject
}

const anthropic: ClientCounter = {
  id: 'anthropic-count-tokens',
  mainBody(body) {
    const scanned = scanObject(body)
    return scanned.fields.has('max_tokens') ? body : splice(body, [setField(scanned, 'max_tokens', '1')])
  },
  answer: (tokens) => ({ input_tokens: tokens }),
}

const responses: ClientCounter = {
  id: 'openai-input-tokens',
  mainBody: (body) => body,
  answer: (tokens) => ({ object: 'response.input_tokens', input_tokens: tokens }),
}

/** Contents alone, or a whole request under `generateContentRequest`. */
const gemini: ClientCounter = {
  id: 'gemini-count-tokens',
  mainBody(body) {
    const scanned = scanObject(body)
    const name = ['generateContentRequest', 'generate_content_request'].find((field) => scanned.fields.has(field))
    const inner = name === undefined ? undefined : (readField(scanned, name) as JsonValue | undefined)
    if (!isObject(inner)) return body
    const { model: _, ...request } = inner
    return Buffer.from(JSON.stringify(request))
  },
  // How much of it is whose is not known where something else was counted too.
  answer: (tokens, onlyText) => ({
    totalTokens: tokens,
    ...(onlyText && { promptTokensDetails: [{ modality: 'TEXT', tokenCount: tokens }] }),
  }),
}

export const clientCounters: { readonly [protocol in ProtocolId]?: ClientCounter } = {
  'anthropic-messages': anthropic,
  'openai-responses': responses,
  gemini,
}
