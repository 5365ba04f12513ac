import type { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject } from '../neutral/index.ts'
import { renderError } from '../openai-chat/errors.ts'
import { isObject } from '../read.ts'
import { formatEvent } from '../sse.ts'

// Errors with a status are told as in Chat Completions.
export { decodeError, renderError } from '../openai-chat/errors.ts'

/** The `error` event of a stream, flat as the SDK's types have it. `sequence` is its place in the stream. */
export const errorEvent = (error: GatewayError, sequence: number): JsonObject => {
  const { error: told } = renderError(error).body
  const { code = null, message = '', param = null } = isObject(told) ? told : {}
  return { type: 'error', code, message, param, sequence_number: sequence }
}

/** For a stream in which nothing was told before. The blank line in front ends whatever frame was cut. */
export const renderStreamError = (error: GatewayError): string =>
  `\n\n${formatEvent('error', JSON.stringify(errorEvent(error, 0)))}`
