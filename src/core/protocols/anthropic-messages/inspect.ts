import { GatewayError } from '../../kernel/errors.ts'
import { refuseForbiddenFields } from '../forbidden-fields.ts'
import { readField, scanObject, type ScannedObject } from '../json-scan.ts'
import { PromptScale } from '../prompt-scale.ts'
import type { RequestFacts } from '../protocol.ts'

const maxModelLength = 256
const isControl = /\p{Cc}/u

/** What admission needs of a Messages request: one scan of the top level, and only its small values are parsed. */
export const inspect = (body: Buffer): RequestFacts => {
  const prompt = new PromptScale()
  const scanned = scanObject(body, remote, undefined, prompt)
  refuseForbiddenFields(scanned)
  requireMessages(scanned)
  return {
    scanned,
    prompt,
    model: readModel(scanned),
    stream: readStream(scanned),
    maxTokens: readMaxTokens(scanned),
    includeUsage: true,
    choices: 1,
    remoteParts: countRemoteParts(scanned),
  }
}

const wrong = (param: string, why: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${why}`, { param })

const readModel = (scanned: ScannedObject): string => {
  const model = readField(scanned, 'model')
  if (model === undefined) throw wrong('model', 'is required.')
  if (typeof model !== 'string' || model === '' || model.length > maxModelLength || isControl.test(model)) {
    throw wrong('model', `must be a name of 1 to ${maxModelLength} characters without control characters.`)
  }
  return model
}

const readStream = (scanned: ScannedObject): boolean => {
  const stream = readField(scanned, 'stream')
  if (stream === undefined || typeof stream === 'boolean') return stream ?? false
  throw wrong('stream', 'must be true or false.')
}

/** 0 is allowed: it warms the provider's cache and answers nothing. */
const readMaxTokens = (scanned: ScannedObject): number => {
  const limit = readField(scanned, 'max_tokens')
  if (limit === undefined) throw wrong('max_tokens', 'is required: the most tokens the answer may have.')
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 0)
    throw wrong('max_tokens', `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`)
  return limit
}

const requireMessages = ({ fields, bytes }: ScannedObject): void => {
  const field = fields.get('messages')
  if (!field) throw wrong('messages', 'is required.')
  const isArray = bytes[field.valueStart] === 0x5b
  const inside = isArray
    ? bytes.toString('latin1', field.valueStart + 1, Math.min(field.valueEnd, field.valueStart + 65))
    : ''
  if (!isArray || /^\s*\]/.test(inside)) throw wrong('messages', 'must be an array with at least one message.')
}

/** Keys of inputs that the provider fetches. */
const remote = ['url', 'file_id']
const noText = /^\s*:\s*[{[]/
const glance = 64

/** At most this many images and documents are fetched by URL or file id. In the schema of a tool such a name stands for an object. */
const countRemoteParts = ({ bytes, found }: ScannedObject): number => {
  let count = 0
  for (const at of found) if (!noText.test(bytes.toString('latin1', at, at + glance))) count++
  return count
}
