import { crc32 } from 'node:zlib'
import type { Unframer } from './provider-kind.ts'

const preludeBytes = 12
const crcBytes = 4
/** AWS sends at most 16 MiB in a message; no event of a model is near that. */
const maxMessageBytes = 16 * 1024 * 1024
const STRING = 7
const empty: Buffer = Buffer.alloc(0)

/**
 * AWS's binary event stream (`application/vnd.amazon.eventstream`) as server-sent events. Each message is checked by both of its checksums before it is read.
 * - `events`: every message is an event of its own, by its `:event-type`.
 * - `chunks`: the messages are wrappers (InvokeModelWithResponseStream) of the model's own events, in base64.
 * Exceptions become `event: error` with `{"type":"error","error":{"type","message"}}`.
 */
export const awsEventStream = (content: 'events' | 'chunks'): Unframer => {
  let pieces: Buffer[] = []
  let size = 0
  /** How many bytes must be there before it is worth looking. */
  let needed = preludeBytes
  return {
    push(chunk) {
      pieces.push(chunk)
      size += chunk.length
      if (size < needed) return empty
      let bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces)
      const events: string[] = []
      for (;;) {
        needed = messageLength(bytes) ?? preludeBytes
        if (bytes.length < needed || bytes.length < preludeBytes) break
        events.push(toEvent(readMessage(bytes.subarray(0, needed)), content))
        bytes = bytes.subarray(needed)
      }
      pieces = bytes.length > 0 ? [bytes] : []
      size = bytes.length
      return Buffer.from(events.join(''))
    },
    finish: () => empty,
  }
}

/** The length of the message that begins here; undefined when too little is known. Checked before anything is waited for: a broken length would wait for ever. */
const messageLength = (bytes: Buffer): number | undefined => {
  if (bytes.length < preludeBytes) return undefined
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) throw new Error('the event stream is damaged')
  const length = bytes.readUInt32BE(0)
  if (length > maxMessageBytes || length < preludeBytes + bytes.readUInt32BE(4) + crcBytes)
    throw new Error('the event stream has a message of an impossible length')
  return length
}

interface Message {
  readonly headers: ReadonlyMap<string, string>
  readonly payload: Buffer
}

const readMessage = (bytes: Buffer): Message => {
  const end = bytes.length - crcBytes
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) throw new Error('the event stream is damaged')
  const payloadAt = preludeBytes + bytes.readUInt32BE(4)
  return { headers: readHeaders(bytes.subarray(preludeBytes, payloadAt)), payload: bytes.subarray(payloadAt, end) }
}

/** Bytes of values of a fixed length, by type: true, false, byte, short, integer, long, bytes, string, timestamp, UUID. */
const valueBytes = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16]

/** Those that are strings; only they tell what a message is. */
const readHeaders = (bytes: Buffer): ReadonlyMap<string, string> => {
  const headers = new Map<string, string>()
  let at = 0
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const type = bytes.readUInt8(nameEnd)
    if (type >= valueBytes.length) throw new Error('the event stream has a header of an unknown type')
    const fixed = valueBytes[type]
    const valueAt = nameEnd + (fixed === undefined ? 3 : 1)
    const valueEnd = valueAt + (fixed ?? bytes.readUInt16BE(nameEnd + 1))
    if (valueEnd > bytes.length) throw new Error('the event stream has a torn header')
    if (type === STRING) headers.set(name, bytes.toString('utf8', valueAt, valueEnd))
    at = valueEnd
  }
  return headers
}

const toEvent = ({ headers, payload }: Message, content: 'events' | 'chunks'): string => {
  const kind = headers.get(':message-type')
  if (kind === 'exception') return exception(headers.get(':exception-type') ?? '', payload)
  if (kind === 'error') return failure(headers.get(':error-code') ?? '', headers.get(':error-message') ?? '')
  const text = payload.toString('utf8')
  if (content === 'events') return frame(headers.get(':event-type') ?? '', text)
  const wrapped = /"bytes"\s*:\s*"([A-Za-z0-9+/=]*)"/.exec(text)?.[1]
  return wrapped === undefined ? '' : modelEvent(Buffer.from(wrapped, 'base64').toString('utf8'))
}

const exception = (type: string, payload: Buffer): string => {
  try {
    const { message } = JSON.parse(payload.toString('utf8')) as { readonly message?: unknown }
    return failure(type, typeof message === 'string' ? message : '')
  } catch {
    return failure(type, '')
  }
}

/** AWS's exceptions in the words of Anthropic's API, whose clients read the same events. */
const errorTypes: Readonly<Record<string, string>> = {
  throttlingException: 'rate_limit_error',
  serviceUnavailableException: 'overloaded_error',
  modelTimeoutException: 'timeout_error',
  validationException: 'invalid_request_error',
  accessDeniedException: 'permission_error',
}

const failure = (code: string, message: string): string =>
  frame(
    'error',
    JSON.stringify({
      type: 'error',
      error: { type: errorTypes[code] ?? 'api_error', message: message || `the model ended with ${code}`, code },
    }),
  )

/** AWS's own measurements, on a model's last event: not for clients. */
const metrics = /,\s*"amazon-bedrock-invocationMetrics"\s*:\s*\{[^{}]*\}/

const modelEvent = (json: string): string => {
  const type = /^\s*\{\s*"type"\s*:\s*"([a-z_]+)"/.exec(json)?.[1] ?? ''
  return frame(type, type === 'message_stop' ? json.replace(metrics, '') : json)
}

/** A line end inside the JSON would end the field. Between its tokens it means nothing, inside its texts it is written as an escape. */
const frame = (event: string, json: string): string =>
  `${event === '' ? '' : `event: ${event.replaceAll(/[\r\n]/g, '')}\n`}data: ${json.replaceAll(/[\r\n]+/g, ' ')}\n\n`
