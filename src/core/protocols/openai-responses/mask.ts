import type { JsonObject } from '../neutral/index.ts'
import { anyValues, type Cut, readField, scanObject, type ScannedObject, splice } from '../json-scan.ts'
import { isObject } from '../read.ts'
import { formatEvent, parseFrame } from '../sse.ts'

const OPEN_BRACE = 0x7b
const COLON = 0x3a
const LF = 0x0a
const dataField = Buffer.from('data:')

/** Undefined for what is no JSON object, or one that says a thing twice: which of them a client would read is unknown. */
export const tryScan = (bytes: Buffer): ScannedObject | undefined => {
  try {
    return scanObject(bytes, [], anyValues)
  } catch {
    return undefined
  }
}

/** The cut that puts `model` in the place of the name in a response object; undefined when it names none, or this one already. */
export const modelCut = (response: ScannedObject, model: string): Cut | undefined => {
  const named = response.fields.get('model')
  if (!named || readField(response, 'model') === null) return undefined
  const text = JSON.stringify(model)
  const same = response.bytes.toString('utf8', named.valueStart, named.valueEnd) === text
  return same ? undefined : { start: named.valueStart, end: named.valueEnd, text }
}

/** The response object in an event, with its place in the frame. Undefined when the data is not one line of JSON. */
export const scanEvent = (frame: Buffer): { readonly response: ScannedObject; readonly offset: number } | undefined => {
  const line = frame.indexOf(dataField)
  if (line === -1) return undefined
  const start = frame.indexOf(OPEN_BRACE, line)
  if (start === -1 || frame.subarray(line + dataField.length, start).includes(COLON)) return undefined
  // Amazon writes the name of the event behind its data.
  const end = frame.indexOf(LF, start)
  if (end === -1 || frame.includes(dataField, end)) return undefined
  const event = tryScan(frame.subarray(start, end))
  const field = event?.fields.get('response')
  if (!field) return undefined
  const offset = start + field.valueStart
  const response = tryScan(frame.subarray(offset, start + field.valueEnd))
  return response && { response, offset }
}

/** A frame that carries a whole response, without the provider's name of the model: cut out of the bytes, or, when the layout is odd, written anew as a client reads it. */
export const maskFrame = (frame: Buffer, event: () => JsonObject | undefined, model: string): Buffer => {
  const scanned = scanEvent(frame)
  if (scanned) {
    const cut = modelCut(scanned.response, model)
    if (!cut) return frame
    return splice(frame, [{ ...cut, start: cut.start + scanned.offset, end: cut.end + scanned.offset }])
  }
  const told = event()
  const response = told?.['response']
  if (!told || !isObject(response) || (response['model'] ?? null) === null) return frame
  const renamed = { ...told, response: { ...response, model } }
  return Buffer.from(formatEvent(parseFrame(frame).event, JSON.stringify(renamed)))
}
