import type { GatewayError } from '../../kernel/errors.ts'
import type { JsonObject } from '../neutral/index.ts'

/** Events of one stream with their numbers: 0, 1, 2, … without gaps. */
export class EventWriter {
  #next: number

  constructor(next = 0) {
    this.#next = next
  }

  event(type: string, fields: JsonObject): string {
    return this.raw(type, JSON.stringify(fields).slice(1, -1))
  }

  /** `fields` is the inside of the event's JSON, at least one field; for what is written once per token. */
  raw(type: string, fields: string): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#next++},${fields}}\n\n`
  }
}

/**
 * Our error as the end of a stream: an `error` event with flat keys, as the types have it, and, when a response was begun, `response.failed` with what there is of it. The
 * blank line in front ends whatever frame was cut before.
 */
export const failureEvents = (writer: EventWriter, error: GatewayError, begun: JsonObject | undefined): string => {
  const { message, code, kind, details } = error
  const told = `\n\n${writer.event('error', { code, message, param: details.param ?? null })}`
  if (!begun) return told
  // The types list the codes that a response may have; the finer one is in the event.
  const response = {
    ...begun,
    status: 'failed',
    error: { code: kind === 'rate_limited' ? 'rate_limit_exceeded' : 'server_error', message },
  }
  return told + writer.event('response.failed', { response })
}
