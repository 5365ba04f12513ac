import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { type Cut, readField, scanObject, type ScannedObject, setField, splice } from '../json-scan.ts'
import type { Observed, RawEdits, RawRoad } from '../protocol.ts'
import type { ChatDialect } from './dialect.ts'
import { ChunkScan } from './chunk-scan.ts'
import { decodeStreamError } from './errors.ts'
import { Tap } from './tap.ts'
import { decodeUsage } from './usage.ts'

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
  if (edits.forceUsage) cuts.push(...askUsage(scanned))
  return splice(scanned.bytes, cuts)
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
  const scan = new ChunkScan('answer')
  const start = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
  if (!scan.read(body, start, body.length)) return { body, observed }
  const value = (place: { start: number; end: number }): JsonValue | undefined => parse(body, place.start, place.end)
  if (scan.error.start !== -1 && (scan.highest === -1 || scan.noChoices)) {
    observed.failure = decodeStreamError(parse(body, start, body.length) as JsonObject)
    return { body, observed }
  }
  const usage = decodeUsage(value(scan.usage))
  const id = value(scan.id)
  const finish = scan.finishes[0]?.reason
  if (usage) observed.usage = usage
  if (typeof id === 'string') observed.upstreamId = id
  if (finish !== undefined) observed.finish = finish
  observed.deliveredChars = scan.chars
  observed.complete = true
  if (scan.model.start === -1) return { body, observed }
  const cut: Cut = { start: scan.model.start, end: scan.model.end, text: JSON.stringify(model) }
  const same = body.toString('utf8', cut.start, cut.end) === cut.text
  return { body: same ? body : splice(body, [cut]), observed }
}

const parse = (body: Buffer, start: number, end: number): JsonValue | undefined => {
  if (start === -1) return undefined
  try {
    return JSON.parse(body.toString('utf8', start, end)) as JsonValue
  } catch {
    return undefined
  }
}

export const raw: RawRoad = { request, response, createTap: (edits) => new Tap(edits) }
