import { GatewayError } from '../../kernel/errors.ts'
import { refuseForbiddenFields } from '../forbidden-fields.ts'
import { readField, scanObject, type ScannedObject } from '../json-scan.ts'
import type { JsonValue } from '../neutral/index.ts'
import type { RequestFacts } from '../protocol.ts'
import { refuse } from '../read.ts'
import { firstReference } from './item-references.ts'

const maxModelLength = 256
const isControl = /\p{Cc}/u

/** What admission needs of a Responses request: one scan of the top level, and only its small values are parsed. */
export const inspect = (body: Buffer): RequestFacts => {
  const scanned = scanObject(body, remote)
  refuseForbiddenFields(scanned)
  const model = readModel(scanned)
  refuseKeptState(scanned)
  requireInput(scanned)
  const stream = readStream(scanned)
  const maxTokens = readMaxTokens(scanned)
  return {
    scanned,
    model,
    stream,
    includeUsage: true,
    choices: 1,
    remoteParts: countRemoteParts(scanned),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

/** A top-level value; null counts as absent. */
const read = (scanned: ScannedObject, field: string): JsonValue | undefined =>
  (readField(scanned, field) as JsonValue | undefined) ?? undefined

const readModel = (scanned: ScannedObject): string => {
  const model = read(scanned, 'model')
  if (model === undefined) return refuse('model', 'is required.')
  if (typeof model !== 'string' || model === '' || model.length > maxModelLength || isControl.test(model)) {
    return refuse('model', `must be a name of 1 to ${maxModelLength} characters without control characters.`)
  }
  return model
}

/** `prompt` brings an input of its own. */
const requireInput = (scanned: ScannedObject): void => {
  const { bytes, fields } = scanned
  const field = fields.get('input')
  if (!field) {
    if (read(scanned, 'prompt') === undefined) refuse('input', 'is required.')
    return
  }
  const first = bytes[field.valueStart]
  let at = field.valueStart + 1
  while (bytes[at]! <= 0x20) at++
  if (first !== 0x22 && (first !== 0x5b || bytes[at] === 0x5d))
    refuse('input', 'must be a string or an array with at least one item.')
}

const readStream = (scanned: ScannedObject): boolean => {
  const stream = read(scanned, 'stream') ?? false
  if (typeof stream !== 'boolean') return refuse('stream', 'must be true or false.')
  if (!stream && read(scanned, 'stream_options') !== undefined)
    refuse('stream_options', 'is only allowed when stream is true.')
  return stream
}

const readMaxTokens = (scanned: ScannedObject): number | undefined => {
  const limit = read(scanned, 'max_output_tokens')
  if (limit === undefined) return undefined
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1) return limit
  return refuse('max_output_tokens', `must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`)
}

/**
 * Refuses what refers to something that the provider keeps. All users share the provider's account, and nothing here knows yet whose a response, a conversation or an
 * item is: an id that somebody guessed or saw would open another user's conversation. A background response could neither be fetched nor paid for.
 */
const refuseKeptState = (scanned: ScannedObject): void => {
  for (const field of ['previous_response_id', 'conversation']) {
    if (read(scanned, field) !== undefined)
      notKept(field, 'Responses are not kept here: send the whole conversation as input.')
  }
  if ((read(scanned, 'background') ?? false) !== false)
    notKept('background', 'Responses are not kept here: ask for the answer in the foreground.')
  const input = scanned.fields.get('input')
  if (!input || scanned.bytes[input.valueStart] !== 0x5b) return
  const index = firstReference(scanned.bytes, input.valueStart, input.valueEnd)
  if (index !== -1) notKept(`input[${index}]`, 'Items are not kept here: send the item itself instead of a reference.')
}

const notKept = (param: string, why: string): never => {
  throw new GatewayError('unsupported_parameter', `${param}: ${why}`, { param })
}

/** Keys of inputs that the provider fetches. */
const remote = ['image_url', 'file_url', 'file_id']
const inline = /^\s*:\s*(?:"data:|null|[{[])/
const glance = 64

/** At most this many inputs are fetched by URL or id. Inline data is in the body's own bytes; in the schema of a tool such a name stands for an object. */
const countRemoteParts = ({ bytes, found }: ScannedObject): number => {
  let count = 0
  for (const at of found) if (!inline.test(bytes.toString('latin1', at, at + glance))) count++
  return count
}
