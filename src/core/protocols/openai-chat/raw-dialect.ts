import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { type Cut, readField, removeFields, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import { parseJson } from '../parse-json.ts'
import { isObject } from '../read.ts'
import type { ChatDialect } from './dialect.ts'
import { callId } from './ids.ts'

/**
 * A client's body as a server with quirks takes it, on the straight road. Bytes change only where a quirk asks for it; messages are written anew only when one of
 * them must change.
 */
export const applyDialect = (body: Buffer, dialect: ChatDialect): Buffer => {
  if (!changesBody(dialect)) return body
  const scanned = scanObject(body)
  const cuts: Cut[] = []
  if (dialect.noStreamOptions) cuts.push(...removeFields(scanned, ['stream_options']))
  if (dialect.renamesLimit) cuts.push(...renameLimit(scanned))
  if (dialect.toolChoiceAny && readField(scanned, 'tool_choice') === 'required')
    cuts.push(setField(scanned, 'tool_choice', '"any"'))
  const messages = rewriteMessages(scanned, dialect)
  if (messages !== undefined) cuts.push(setField(scanned, 'messages', messages))
  return splice(
    body,
    cuts.toSorted((left, right) => left.start - right.start),
  )
}

const changesBody = (dialect: ChatDialect): boolean =>
  changesMessages(dialect) || Boolean(dialect.noStreamOptions || dialect.renamesLimit || dialect.toolChoiceAny)

const changesMessages = (dialect: ChatDialect): boolean =>
  Boolean(dialect.systemNotDeveloper || dialect.nineCharCallIds || dialect.reasoningWithCalls)

const renameLimit = (scanned: ScannedObject): Cut[] => {
  const field = scanned.fields.get('max_completion_tokens')
  if (!field) return []
  // Both say the same limit, or the request was refused before.
  if (scanned.fields.has('max_tokens')) return removeFields(scanned, ['max_completion_tokens'])
  return [{ start: field.keyStart, end: field.valueStart, text: '"max_tokens":' }]
}

/** Undefined when no message must change. */
const rewriteMessages = (scanned: ScannedObject, dialect: ChatDialect): string | undefined => {
  // Most conversations have nothing to change, and are not worth a parse.
  const calls = (dialect.nineCharCallIds || dialect.reasoningWithCalls) && scanned.bytes.includes('"tool_call')
  if (!calls && !(dialect.systemNotDeveloper && scanned.bytes.includes('"developer"'))) return undefined
  const messages = readField(scanned, 'messages', parseJson) as JsonValue | undefined
  if (!Array.isArray(messages)) return undefined
  let changed = false
  for (const message of messages) if (isObject(message) && rewrite(message, dialect)) changed = true
  return changed ? JSON.stringify(messages) : undefined
}

/** Whether the message was changed, in place. */
const rewrite = (message: JsonObject, dialect: ChatDialect): boolean => {
  let changed = false
  if (dialect.systemNotDeveloper && message['role'] === 'developer') {
    message['role'] = 'system'
    changed = true
  }
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : []
  if (dialect.nineCharCallIds) {
    for (const call of calls) changed = shortenId(call, 'id', dialect) || changed
    changed = shortenId(message, 'tool_call_id', dialect) || changed
  }
  const field = dialect.reasoningField
  if (dialect.reasoningWithCalls && field && calls.length > 0 && typeof message[field] !== 'string') {
    message[field] = ''
    changed = true
  }
  return changed
}

const shortenId = (holder: JsonObject, key: string, dialect: ChatDialect): boolean => {
  const id = holder[key]
  if (typeof id !== 'string') return false
  const short = callId(id, dialect)
  holder[key] = short
  return short !== id
}
