import type { GatewayError } from '../../kernel/errors.ts'
import { EventWriter, failureEvents } from './event-writer.ts'

// Errors with a status are told as in Chat Completions.
export { decodeError, renderError } from '../openai-chat/errors.ts'

/** For a stream in which nothing was told before; the encoder and the tap know how theirs went on. */
export const renderStreamError = (error: GatewayError): string => failureEvents(new EventWriter(), error, undefined)
