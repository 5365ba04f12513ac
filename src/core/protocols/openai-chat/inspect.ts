import { refuseForbiddenFields } from '../forbidden-fields.ts'
import { inspectField, inspectModel } from '../inspect-field.ts'
import { type Field, scanObject, type ScannedObject } from '../json-scan.ts'
import type { RequestFacts } from '../protocol.ts'
import { PromptScale } from '../prompt-scale.ts'
import { isObject, refuse } from '../read.ts'

const maxChoices = 128

/** What admission needs of a Chat request: one scan of the top level, and only its small values are parsed. */
export const inspect = (body: Buffer): RequestFacts => {
  const prompt = new PromptScale()
  const scanned = scanObject(body, remote, undefined, prompt)
  refuseForbiddenFields(scanned)
  const model = inspectModel(scanned)
  const messages = requireMessages(scanned)
  const stream = readStream(scanned)
  const maxTokens = readMaxTokens(scanned)
  return {
    scanned,
    prompt,
    model,
    stream,
    includeUsage: readIncludeUsage(scanned, stream),
    choices: readWhole(scanned, 'n', maxChoices) ?? 1,
    remoteParts: countRemoteParts(scanned, messages),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

const requireMessages = ({ bytes, fields }: ScannedObject): Field => {
  const field = fields.get('messages') ?? refuse('messages', 'is required.')
  let at = field.valueStart + 1
  while (bytes[at]! <= 0x20) at++
  if (bytes[field.valueStart] !== 0x5b || bytes[at] === 0x5d)
    refuse('messages', 'must be an array with at least one message.')
  return field
}

const readStream = (scanned: ScannedObject): boolean => {
  const stream = inspectField(scanned, 'stream') ?? false
  return typeof stream === 'boolean' ? stream : refuse('stream', 'must be true or false.')
}

const readIncludeUsage = (scanned: ScannedObject, stream: boolean): boolean => {
  const options = inspectField(scanned, 'stream_options')
  if (options === undefined) return false
  if (!isObject(options)) return refuse('stream_options', 'must be an object.')
  if (!stream) refuse('stream_options', 'is only allowed when stream is true.')
  const asked = options['include_usage'] ?? false
  return typeof asked === 'boolean' ? asked : refuse('stream_options.include_usage', 'must be true or false.')
}

const readWhole = (scanned: ScannedObject, field: string, most = Number.MAX_SAFE_INTEGER): number | undefined => {
  const value = inspectField(scanned, field)
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  return refuse(field, `must be a whole number from 1 to ${most}.`)
}

const readMaxTokens = (scanned: ScannedObject): number | undefined => {
  const limit = readWhole(scanned, 'max_completion_tokens')
  const older = readWhole(scanned, 'max_tokens')
  if (limit !== undefined && older !== undefined && limit !== older)
    refuse('max_tokens', 'differs from max_completion_tokens. Send only one of them.')
  return limit ?? older
}

/** Keys of inputs that the provider fetches. */
const remote = ['image_url', 'video_url', 'file_id']
const inline = /^\s*:\s*(?:\{\s*"url"\s*:\s*)?"data:/
const longestInline = 64

/**
 * At most this many inputs are fetched by URL or id. Inline data is in the body's own bytes and not counted, unless its address cannot be told apart at a glance.
 */
const countRemoteParts = ({ bytes, found }: ScannedObject, { valueStart, valueEnd }: Field): number => {
  let count = 0
  for (const at of found) {
    if (at < valueStart || at > valueEnd) continue
    if (!inline.test(bytes.toString('latin1', at, at + longestInline))) count++
  }
  return count
}
