import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { anyValues, type Cut, readField, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import type { Observed, RawEdits, RawRoad } from '../protocol.ts'
import type { ChatDialect } from './dialect.ts'
import { ChunkScan } from './chunk-scan.ts'
import { decodeStreamError } from './errors.ts'
import { applyDialect } from './raw-dialect.ts'
import { Tap } from './tap.ts'
import { decodeUsage } from './usage.ts'

const OPEN_BRACKET = 0x5b

/** Two names of one limit: whichever is there says it. */
const limitFields = ['max_completion_tokens', 'max_tokens']

const request = (scanned: ScannedObject, edits: RawEdits): Buffer => {
  const cuts = [setField(scanned, 'model', JSON.stringify(edits.model))]
  const limited = edits.maxTokens !== undefined || limitFields.some((field) => scanned.fields.has(field))
  for (const [field, value] of Object.entries(edits.defaults ?? {})) {
    if (scanned.fields.has(field) || (limited && limitFields.includes(field))) continue
    cuts.push(setField(scanned, field, JSON.stringify(value)))
  }
  if (edits.maxTokens !== undefined) cuts.push(...lowerLimit(scanned, edits.maxTokens, edits.chat))
  if (edits.forceUsage && !edits.chat?.noStreamOptions) cuts.push(...askUsage(scanned))
  const edited = splice(scanned.bytes, cuts)
  return edits.chat ? applyDialect(edited, edits.chat) : edited
}

const lowerLimit = (scanned: ScannedObject, most: number, dialect: ChatDialect = {}): Cut[] => {
  const given = limitFields.filter((field) => readField(scanned, field) != null)
  if (given.length === 0) return [setField(scanned, dialect.maxTokensField ?? 'max_completion_tokens', String(most))]
  return given
    .filter((field) => (readField(scanned, field) as number) > most)
    .map((field) => setField(scanned, field, String(most)))
}

/** Asks for usage in a stream; the client's other options stay as they are. */
const askUsage = (scanned: ScannedObject): Cut[] => {
  if (readField(scanned, 'stream') !== true) return []
  const options = scanned.fields.get('stream_options')
  if (!options || readField(scanned, 'stream_options') === null)
    return [setField(scanned, 'stream_options', '{"include_usage":true}')]
  const inner = scanObject(scanned.bytes.subarray(options.valueStart, options.valueEnd))
  if (readField(inner, 'include_usage') === true) return []
  const { start, end, text } = setField(inner, 'include_usage', 'true')
  return [{ start: options.valueStart + start, end: options.valueStart + end, text }]
}

const response = (
  body: Buffer,
  { model }: { readonly model: string },
): { readonly body: Buffer; readonly observed: Observed } => {
  const observed: Observed = { deliveredChars: 0, complete: false }
  const scanned = readAnswer(body)
  const scan = new ChunkScan('answer')
  if (!scanned || !scan.read(body, scanned.open, body.length)) return { body, observed }
  if (scan.error.start !== -1 && (scan.highest === -1 || scan.noChoices)) {
    observed.failure = decodeStreamError(JSON.parse(body.toString('utf8', scanned.open)) as JsonObject)
    return { body, observed }
  }
  const choices = scanned.fields.get('choices')
  if (!choices || body[choices.valueStart] !== OPEN_BRACKET) return { body, observed }
  const usage = decodeUsage(readField(scanned, 'usage') as JsonValue | undefined)
  const id = readField(scanned, 'id')
  const finish = scan.finishes[0]?.reason
  if (usage) observed.usage = usage
  if (typeof id === 'string') observed.upstreamId = id
  if (finish !== undefined) observed.finish = finish
  observed.deliveredChars = scan.chars
  observed.complete = true
  const named = scanned.fields.get('model')
  if (!named) return { body, observed }
  const cut: Cut = { start: named.valueStart, end: named.valueEnd, text: JSON.stringify(model) }
  const same = body.toString('utf8', cut.start, cut.end) === cut.text
  return { body: same ? body : splice(body, [cut]), observed }
}

/** Undefined for what is no JSON object, or one that says a thing twice: which of them a client would read is unknown. */
const readAnswer = (body: Buffer): ScannedObject | undefined => {
  try {
    return scanObject(body, [], anyValues)
  } catch {
    return undefined
  }
}

export const raw: RawRoad = { request, response, createTap: (edits) => new Tap(edits) }
