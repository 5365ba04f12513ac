import { GatewayError } from '../../kernel/errors.ts'
import { refuseForbiddenFields } from '../forbidden-fields.ts'
import { inspectField, inspectModel } from '../inspect-field.ts'
import { scanObject, type ScannedObject } from '../json-scan.ts'
import type { RequestFacts } from '../protocol.ts'
import { PromptScale } from '../prompt-scale.ts'
import { refuse } from '../read.ts'
import { firstReference } from './item-references.ts'

/** What admission needs of a Responses request: one scan of the top level, and only its small values are parsed. */
export const inspect = (body: Buffer): RequestFacts => {
  const prompt = new PromptScale()
  const scanned = scanObject(body, remote, undefined, prompt)
  refuseForbiddenFields(scanned)
  const model = inspectModel(scanned)
  refuseKeptState(scanned)
  const refersTo = readPrevious(scanned)
  requireInput(scanned)
  const stream = readStream(scanned)
  const maxTokens = readMaxTokens(scanned)
  return {
    scanned,
    prompt,
    model,
    stream,
    includeUsage: true,
    choices: 1,
    remoteParts: countRemoteParts(scanned),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(refersTo !== undefined && { refersTo }),
  }
}

const requireInput = (scanned: ScannedObject): void => {
  const { bytes, fields } = scanned
  const field = fields.get('input')
  if (!field) return refuse('input', 'is required.')
  const first = bytes[field.valueStart]
  let at = field.valueStart + 1
  while (bytes[at]! <= 0x20) at++
  if (first !== 0x22 && (first !== 0x5b || bytes[at] === 0x5d))
    refuse('input', 'must be a string or an array with at least one item.')
}

const readStream = (scanned: ScannedObject): boolean => {
  const stream = inspectField(scanned, 'stream') ?? false
  if (typeof stream !== 'boolean') return refuse('stream', 'must be true or false.')
  if (!stream && inspectField(scanned, 'stream_options') !== undefined)
    refuse('stream_options', 'is only allowed when stream is true.')
  return stream
}

const readMaxTokens = (scanned: ScannedObject): number | undefined => {
  const limit = inspectField(scanned, 'max_output_tokens')
  if (limit === undefined) return undefined
  if (typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1) return limit
  return refuse('max_output_tokens', `must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`)
}

/** Whose response it is, admission finds out. */
const readPrevious = (scanned: ScannedObject): string | undefined => {
  const id = inspectField(scanned, 'previous_response_id')
  if (id === undefined) return undefined
  return typeof id === 'string' && id !== ''
    ? id
    : refuse('previous_response_id', 'must be the id of a response: a string that is not empty.')
}

/**
 * Refuses what refers to something that the provider keeps and nothing here knows the owner of: all users share the provider's account, and the id of a conversation or an
 * item that somebody guessed or saw would open another user's. Nobody waits for the end of a background response, so that it could not be paid for.
 */
const refuseKeptState = (scanned: ScannedObject): void => {
  if (inspectField(scanned, 'conversation') !== undefined)
    notKept(
      'conversation',
      'Conversations are not kept here: go on from a response with previous_response_id, or send the whole conversation as input.',
    )
  if (inspectField(scanned, 'prompt') !== undefined)
    notKept('prompt', 'Prompts are not kept here: send the text itself as instructions or input.')
  if ((inspectField(scanned, 'background') ?? false) !== false)
    notKept(
      'background',
      'What is worked on in the background cannot be metered: ask for the answer in the foreground.',
    )
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
