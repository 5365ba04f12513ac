import { GatewayError } from '../../kernel/errors.ts'
import {
  anyValues,
  type Cut,
  readField,
  scanObject,
  type ScannedObject,
  setField,
  splice,
} from '../../protocols/json-scan.ts'
import type { JsonObject, JsonValue, ProviderFailure } from '../../protocols/neutral/index.ts'
import { decodeStreamError } from '../../protocols/openai-chat/errors.ts'
import { openaiChat } from '../../protocols/openai-chat/index.ts'
import type { HeaderLookup, Observed } from '../../protocols/protocol.ts'
import { isObject } from '../../protocols/read.ts'
import { type Road, type RoadOptions, type UnaryAnswer, UnreadableAnswer } from '../endpoint.ts'

/** A JSON answer as it came, scanned. */
export interface Answer {
  readonly scanned: ScannedObject
  /** The parsed top-level value. */
  read(field: string): JsonValue | undefined
}

/**
 * The road of a side endpoint to a provider that has OpenAI's shape of it: the request's bytes with the real model, the answer's bytes with the shadow model. `observe`
 * says what the answer cost; it throws UnreadableAnswer when the answer is none.
 */
export const passRoad = (
  { facts, target, shadowModel }: RoadOptions,
  path: string,
  observe: (answer: Answer) => Observed,
  edits: readonly Cut[] = [],
): Road => ({
  protocol: 'openai-chat',
  path,
  straight: true,
  warnings: [],
  request: () =>
    splice(facts.scanned.bytes, [setField(facts.scanned, 'model', JSON.stringify(target.model)), ...edits]),
  unary: (body) => {
    const answer = readAnswer(body)
    const failure = failureIn(answer)
    const observed = failure ? { deliveredChars: 0, complete: false, failure } : observe(answer)
    return { body: maskModel(answer, shadowModel), observed } satisfies UnaryAnswer
  },
  stream: () => {
    throw new GatewayError('internal_error', 'This endpoint has no streams.')
  },
  decodeError: (status, headers, body) => sideError(status, headers, body, target.model),
})

/** Throws UnreadableAnswer for what is no JSON object. */
export const readAnswer = (body: Buffer): Answer => {
  try {
    const scanned = scanObject(body, [], anyValues)
    return { scanned, read: (field) => readField(scanned, field) as JsonValue | undefined }
  } catch (cause) {
    throw new UnreadableAnswer('the answer is no JSON object', { cause })
  }
}

/** An error in place of an answer, in a 200. */
const failureIn = ({ scanned, read }: Answer): ProviderFailure | undefined => {
  if (!scanned.fields.has('error')) return undefined
  const error = read('error')
  return isObject(error) || (typeof error === 'string' && error !== '') ? decodeStreamError({ error }) : undefined
}

/** The bytes with the shadow model's name where the real one stood. */
export const maskModel = ({ scanned }: Answer, model: string): Buffer =>
  scanned.fields.has('model')
    ? splice(scanned.bytes, [setField(scanned, 'model', JSON.stringify(model))])
    : scanned.bytes

/** As OpenAI's chat tells errors; a path that the server does not have is told as such and not as a missing model. */
export const sideError = (status: number, headers: HeaderLookup, body: Buffer, model: string): ProviderFailure => {
  const failure = openaiChat.decodeError(status, headers, body)
  const namesModel = /model/i.test(`${failure.code ?? ''} ${failure.message}`) || failure.message.includes(model)
  if ((status !== 404 && status !== 405 && status !== 501) || namesModel) return failure
  return { class: 'client', status, message: 'The provider behind this model has no such endpoint.' }
}

export const asObject = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})
