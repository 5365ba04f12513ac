import { GatewayError } from '../../../src/core/kernel/errors.ts'
import type { JsonObject, NeutralResponse } from '../../../src/core/protocols/neutral/index.ts'
import type { Protocol, ProviderProtocol } from '../../../src/core/protocols/protocol.ts'
import { fold, unfold } from '../../../src/core/protocols/fold.ts'
import type { Recording } from '../../support/recordings.ts'
import { answerOf, brokenLaws, decodeStream, isStream, recut, streamBytes } from '../../support/recordings.ts'
import { type Asked, asks, nextTurn } from './asked.ts'
import { keptMessage } from './chat-client.ts'
import { lost } from './essence.ts'
import { carry, crossingRoad, dialectOf, kindFor, realRoad, type To } from './roads.ts'

/** One recording of one provider's protocol on its way to a client of one protocol. */
export interface Crossing {
  readonly client: Protocol
  readonly provider: ProviderProtocol
  readonly recording: Recording
}

/** What is not to be told as a finished answer in another protocol. */
const unusual: readonly string[] = ['other', 'pause', 'malformed-tool-call']

/** A recorded stream as server-sent events. */
export const eventBytes = (provider: ProviderProtocol, recording: Recording): Buffer => {
  const bytes = streamBytes(recording)
  const call = { protocol: provider.id, model: 'real', stream: true, baseUrl: 'https://example.com', client: {} }
  const unframer = kindFor(recording.provider, provider).unframe?.(call)
  return unframer ? Buffer.concat([unframer.push(bytes), unframer.finish()]) : bytes
}

/** The answer that was recorded, as the provider's own codec reads it; undefined when it is a failure or no answer of the main call. */
export const recordedAnswer = (provider: ProviderProtocol, recording: Recording): NeutralResponse | undefined => {
  const dialect = dialectOf(recording.provider, provider)
  if (isStream(recording)) {
    const folded = fold(decodeStream(provider, [eventBytes(provider, recording)], dialect))
    return 'class' in folded ? undefined : folded
  }
  const { status, json } = recording.response
  if (status !== 200 || !json) return undefined
  try {
    return provider.decodeResponse(json, dialect)
  } catch {
    return undefined
  }
}

export const endsUnusually = ({ choices }: NeutralResponse): boolean =>
  choices.some(({ finish }) => unusual.includes(finish.reason))

const to = ({ provider, recording }: Crossing, answer: NeutralResponse): To => ({
  provider,
  model: answer.model || 'real',
  kind: kindFor(recording.provider, provider),
})

const modelsIn = (bytes: string): string[] =>
  Array.from(bytes.matchAll(/"model(?:Version)?":"([^"]*)"/g), ([, model]) => model!)

const unlessError = <Result>(run: () => Result): Result | GatewayError => {
  try {
    return run()
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}

/** The client's answer, and what of the recorded one did not arrive. Undefined when such a client cannot ask for it. */
export interface Arrived {
  readonly problems: readonly string[]
  readonly after?: NeutralResponse
  /** What the client got. */
  readonly bytes?: Buffer
}

export const answerArrives = (crossed: Crossing, seed = 7): Arrived | undefined => {
  const { client, provider, recording } = crossed
  const before = recordedAnswer(provider, recording)
  if (!before) throw new Error(`${recording.id} holds no answer`)
  const stream = isStream(recording)
  const asked = asks(client, before, stream)
  if (!asked) return undefined
  const road = crossingRoad(client, asked, to(crossed, before))
  if (!stream) {
    const given = Buffer.from(JSON.stringify(recording.response.json))
    const body = unlessError(() => road.unary(given).body)
    if (body instanceof GatewayError)
      return { problems: endsUnusually(before) ? [] : [`it became an error: ${body.message}`] }
    return arrivedAs(before, client.decodeResponse(JSON.parse(body.toString())), body)
  }
  const whole = carry(client, road.stream(), [streamBytes(recording)])
  const cut = carry(client, road.stream(), recut(streamBytes(recording), seed))
  if (whole.failed) return { problems: endsUnusually(before) ? [] : ['it became an error'] }
  const events = decodeStream(client, recut(cut.bytes, seed + 1))
  const told = arrivedAs(before, answerOf(events), cut.bytes)
  const laws = brokenLaws(events)
  const steady = lost(answerOf(decodeStream(client, [whole.bytes])), answerOf(events))
  return { ...told, problems: [...told.problems, ...laws, ...steady.map((problem) => `cut elsewhere: ${problem}`)] }
}

const arrivedAs = (before: NeutralResponse, after: NeutralResponse, bytes: Buffer): Arrived => {
  const problems = lost(before, after)
  const foreign = modelsIn(bytes.toString()).filter((model) => model !== 'shadow')
  if (before.model.length > 4 && foreign.length > 0) problems.push(`the client sees the models ${foreign.join(', ')}`)
  if (after.model !== 'shadow') problems.push(`the client sees the model ${after.model}`)
  return { problems, after, bytes }
}

/** A whole answer is the same as the stream that would tell it. */
export const wholeIsStream = ({ client, provider, recording }: Crossing): string[] => {
  const before = recordedAnswer(provider, recording)!
  const asked = asks(client, before, true)
  if (!asked || endsUnusually(before)) return []
  const request = client.decodeRequest(asked.body, asked.place)
  const options = {
    model: 'shadow',
    includeUsage: true,
    created: 1,
    estimatedInputTokens: 7,
    request,
    asked: asked.body,
  }
  const encoder = client.createEncoder(options)
  const bytes = unfold(before).map((event) => encoder.push(event))
  if (encoder.failure !== undefined) return [`the stream fails: ${encoder.failure}`]
  const streamed = answerOf(decodeStream(client, [Buffer.from(bytes.join(''))]))
  const whole = client.decodeResponse(client.encodeResponse(before, options))
  return lost(whole, streamed)
}

/** Reasoning state that an answer holds, in the words of the provider. */
export const statesIn = ({ choices }: NeutralResponse): string[] =>
  choices.flatMap(({ blocks }) =>
    blocks.flatMap((block) =>
      block.kind === 'thinking' ? [block.signature ?? block.redacted ?? ''].filter((state) => state !== '') : [],
    ),
  )

const withMessage = ({ body, place }: Asked, message: JsonObject): Asked => {
  const { messages } = body as { messages: JsonObject[] }
  return { place, body: { ...body, messages: messages.map((one) => (one['role'] === 'assistant' ? message : one)) } }
}

/** The client sends the answer back in its next turn: the provider must get its reasoning state unchanged and in order. */
export const stateReturns = (crossed: Crossing): string[] | undefined => {
  const { client, provider, recording } = crossed
  const before = recordedAnswer(provider, recording)!
  const { after, problems, bytes } = answerArrives(crossed) ?? {}
  if (!after || !bytes) return problems === undefined ? undefined : [...problems]
  const asked = asks(client, before, false, nextTurn(after))
  if (!asked) return ['the client cannot send the answer back']
  const kept = client.id === 'openai-chat' ? withMessage(asked, keptMessage(bytes, isStream(recording))) : asked
  const body = crossingRoad(client, kept, to(crossed, before)).request(undefined).toString()
  let at = 0
  for (const state of statesIn(before)) {
    const found = body.indexOf(JSON.stringify(state).slice(1, -1), at)
    if (found === -1) return [`the state ${state.slice(0, 20)}… does not return in its place`]
    at = found
  }
  return []
}

/** The same protocol on both sides: no byte changes when the model is called what the provider calls it. */
export const bytesStay = (client: Protocol, recording: Recording): string[] => {
  const before = recordedAnswer(client, recording)
  if (isStream(recording)) {
    const bytes = streamBytes(recording)
    const problems: string[] = []
    for (const pieces of [[bytes], recut(bytes, 3), recut(bytes, 4)]) {
      const tap = client.raw.createTap({
        model: before?.model ?? '',
        includeUsage: true,
        choices: before?.choices.length ?? 1,
      })
      const out = Buffer.concat([...pieces.map((piece) => tap.push(piece)), tap.finish()])
      if (before && !out.equals(bytes)) problems.push(firstDifference(bytes.toString(), out.toString()))
      if (before && !tap.observed.complete) problems.push('the tap does not see its end')
      if (!before && tap.observed.complete && !tap.observed.failure)
        problems.push('the tap takes it for a whole answer')
    }
    return problems
  }
  if (!before) return []
  const body = Buffer.from(JSON.stringify(recording.response.json, null, 1))
  const { body: out, observed } = client.raw.response(body, { model: before.model })
  return [
    ...(out.equals(body) ? [] : [firstDifference(body.toString(), out.toString())]),
    ...(observed.complete ? [] : ['it is not taken for an answer']),
  ]
}

const firstDifference = (left: string, right: string): string => {
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  return `from character ${at}: ${JSON.stringify(left.slice(at, at + 80))} became ${JSON.stringify(right.slice(at, at + 80))}`
}

/** The provider dies in the middle: the client hears of it, in its own protocol, and what it was told until then is the beginning of the answer. */
export const cutIsError = (crossed: Crossing): string[] => {
  const { client, provider, recording } = crossed
  const before = recordedAnswer(provider, recording)!
  const asked = asks(client, before, true)
  if (!asked) return []
  const bytes = streamBytes(recording)
  const problems: string[] = []
  for (const part of [0.2, 0.5, 0.8]) {
    const road = realRoad(client, asked, to(crossed, before)).stream()
    const { bytes: told, failed } = carry(client, road, [bytes.subarray(0, Math.floor(bytes.length * part))])
    if (!failed) {
      // The finish may have been told before the cut; then it must be the whole answer.
      const after = fold(decodeStream(client, [told]))
      if ('class' in after || lost(withoutUsage(before), after).length > 0)
        problems.push(`cut at ${part} it looks finished`)
      continue
    }
    const events = decodeStream(client, [told])
    if (!events.some(({ type }) => type === 'error')) problems.push(`cut at ${part} it shows no error`)
    if (events.some(({ type }) => type === 'finish')) problems.push(`cut at ${part} it shows a finish`)
  }
  return problems
}

const withoutUsage = (answer: NeutralResponse): NeutralResponse => {
  const { usage: _, ...rest } = answer
  return rest
}
