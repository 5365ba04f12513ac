import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject, NeutralEvent, NeutralResponse, ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import { fold } from '../../src/core/protocols/fold.ts'
import type { DecodeOptions, Place, ProviderProtocol } from '../../src/core/protocols/protocol.ts'
import { parseFrame, SseSplitter } from '../../src/core/protocols/sse.ts'

/**
 * Exchanges recorded with real providers, and requests that real clients send. They lie beside the repository, not in it: tests that read them are skipped where they
 * are absent (`describe.skipIf(!recordingsPresent)`).
 */
const folder = join(import.meta.dirname, '../../../shared/fixtures')

export const recordingsPresent = existsSync(folder)

export interface Recording {
  readonly id: string
  readonly provider: string
  readonly request: { readonly path?: string; readonly json?: JsonObject } | null
  readonly response: {
    readonly status: number
    readonly json?: JsonObject
    readonly headers?: Readonly<Record<string, string>>
    readonly text?: string
    /** The frames of a stream; joined they are its bytes. */
    readonly chunks?: readonly string[]
    /** The same where the frames are no text. */
    readonly base64chunks?: readonly string[]
  }
}

export interface ClientRequest {
  readonly id: string
  readonly client: string
  readonly protocol: string
  readonly request: { readonly path: string; readonly json?: JsonObject }
}

const read = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T

/** Protocols whose whole answers and streams lie apart, because they have a path each. */
const folders: Readonly<Partial<Record<ProtocolId, readonly string[]>>> = {
  gemini: ['gemini-generate', 'gemini-stream'],
  'bedrock-converse': ['bedrock-converse', 'bedrock-converse-stream'],
}

/** In the order of their names. Nothing when the recordings are absent. */
export const readRecordings = (protocol: ProtocolId): Recording[] =>
  readRecordingsIn(...(folders[protocol] ?? [protocol]))

/** Those in folders by name: of endpoints that are no protocol's main call. */
export const readRecordingsIn = (...names: readonly string[]): Recording[] =>
  names.flatMap((name) => {
    const path = join(folder, name)
    if (!existsSync(path)) return []
    return readdirSync(path)
      .toSorted()
      .map((file) => read<Recording>(join(path, file)))
  })

export const readClientRequests = (protocol: ProtocolId): ClientRequest[] => {
  const path = join(folder, 'client-requests')
  if (!existsSync(path)) return []
  const names = folders[protocol] ?? [protocol]
  return readdirSync(path)
    .toSorted()
    .flatMap((client) =>
      readdirSync(join(path, client))
        .toSorted()
        .map((name) => read<ClientRequest>(join(path, client, name))),
    )
    .filter((recorded) => names.includes(recorded.protocol) && recorded.request.json !== undefined)
}

/** What the path of a request to Gemini tells; nothing for other paths. */
export const placeOf = (path: string | undefined): Place => {
  const [, model, method] = /\/models\/([^:?]+):(\w+)/.exec(path ?? '') ?? []
  return model === undefined ? {} : { model: decodeURIComponent(model), stream: method === 'streamGenerateContent' }
}

export const isStream = ({ response }: Recording): boolean =>
  response.chunks !== undefined || response.base64chunks !== undefined

export const streamBytes = ({ response }: Recording): Buffer =>
  Buffer.concat([
    ...(response.chunks ?? []).map((chunk) => Buffer.from(chunk)),
    ...(response.base64chunks ?? []).map((chunk) => Buffer.from(chunk, 'base64')),
  ])

/** The same bytes in pieces of 1 to 40, cut anywhere (inside characters and line ends too), by a seeded generator. */
export const recut = (bytes: Buffer, seed: number): Buffer[] => {
  const pieces: Buffer[] = []
  let state = seed
  for (let at = 0; at < bytes.length;) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    const end = at + 1 + ((state >>> 8) % 40)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

/** A provider's stream as the relay reads it. */
export const decodeStream = (
  protocol: Pick<ProviderProtocol, 'createDecoder'>,
  pieces: readonly Buffer[],
  options: DecodeOptions = {},
): NeutralEvent[] => {
  const splitter = new SseSplitter()
  const decoder = protocol.createDecoder(options)
  const events: NeutralEvent[] = []
  for (const piece of pieces) {
    for (const frame of splitter.push(piece)) events.push(...decoder.push(parseFrame(frame)))
  }
  const rest = splitter.finish()
  if (rest.length > 0) events.push(...decoder.push(parseFrame(rest)))
  return [...events, ...decoder.finish()]
}

/** The answer a stream tells. Throws the provider's message when it tells a failure. */
export const answerOf = (events: Iterable<NeutralEvent>): NeutralResponse => {
  const folded = fold(events)
  if ('class' in folded) throw new Error(folded.message)
  return folded
}

/** Every law of the neutral stream (event.ts) that `events` breaks, in words; empty when it keeps them all. */
export const brokenLaws = (events: readonly NeutralEvent[]): string[] => {
  const broken: string[] = []
  const choices = new Map<number, { next: number; open: number | undefined; finished: boolean }>()
  const choiceOf = (index: number) => {
    const known = choices.get(index) ?? { next: 0, open: undefined, finished: false }
    choices.set(index, known)
    return known
  }
  let failed = false
  for (const [at, event] of events.entries()) {
    if ((event.type === 'start') !== (at === 0)) broken.push(`event ${at} is ${event.type}: start comes first and once`)
    if ((event.type === 'end') !== (at === events.length - 1))
      broken.push(`event ${at} is ${event.type}: end comes last`)
    if (failed && event.type !== 'end') broken.push(`event ${at} is ${event.type}, behind an error`)
    switch (event.type) {
      case 'block-start': {
        const choice = choiceOf(event.choice)
        if (choice.finished) broken.push(`event ${at} starts a block of a finished choice`)
        if (choice.open !== undefined) broken.push(`event ${at} starts a block while ${choice.open} is open`)
        if (event.index !== choice.next)
          broken.push(`event ${at} starts block ${event.index} instead of ${choice.next}`)
        choice.next = event.index + 1
        choice.open = event.index
        break
      }
      case 'block-delta':
        if (choiceOf(event.choice).open !== event.index)
          broken.push(`event ${at} is a delta of a block that is not open`)
        break
      case 'block-stop':
        if (choiceOf(event.choice).open !== event.index) broken.push(`event ${at} stops a block that is not open`)
        choiceOf(event.choice).open = undefined
        break
      case 'finish':
        if (choiceOf(event.choice).finished) broken.push(`event ${at} finishes a choice twice`)
        if (choiceOf(event.choice).open !== undefined) broken.push(`event ${at} finishes a choice with an open block`)
        choiceOf(event.choice).finished = true
        break
      case 'error':
        failed = true
        break
      case 'start':
      case 'usage':
      case 'end':
        break
    }
  }
  if (events.length === 0) broken.push('there are no events')
  for (const [index, choice] of choices) {
    if (choice.open !== undefined) broken.push(`block ${choice.open} of choice ${index} never stops`)
    if (!failed && !choice.finished) broken.push(`choice ${index} never finishes`)
  }
  if (!failed && choices.size === 0) broken.push('neither a finish nor an error')
  return broken
}
