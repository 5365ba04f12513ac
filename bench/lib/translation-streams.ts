import { parseFrame, SseSplitter } from '../../src/core/protocols/sse.ts'
import type { NeutralResponse } from '../../src/core/protocols/neutral/index.ts'
import type { ProviderProtocol } from '../../src/core/protocols/protocol.ts'
import { eventBytes, recordedAnswer } from '../../test/conformance/support/answers.ts'
import { isStream, readRecordings } from '../../test/support/recordings.ts'

/** A stream of a provider, frame by frame, as it is likely to come from the network. */
export interface RecordedStream {
  readonly id: string
  readonly frames: readonly Buffer[]
  readonly answer: NeutralResponse
}

/** A text this long is an ordinary answer. */
const textFrames = 300

const framesOf = (bytes: Buffer): Buffer[] => new SseSplitter().push(bytes).map((frame) => Buffer.from(frame))

/** The longest recorded streams of a protocol: one of text alone, its pieces said again until it is long enough, and one with calls of tools. */
export const recordedStreams = (provider: ProviderProtocol): { text?: RecordedStream; tools?: RecordedStream } => {
  const streams = readRecordings(provider.id)
    .filter((recording) => isStream(recording) && recording.response.status === 200)
    .flatMap((recording) => {
      const answer = recordedAnswer(provider, recording)
      return answer ? [{ id: recording.id, frames: framesOf(eventBytes(provider, recording)), answer }] : []
    })
    .toSorted((left, right) => right.frames.length - left.frames.length)
  const kinds = ({ answer }: RecordedStream): Set<string> =>
    new Set(answer.choices.flatMap(({ blocks }) => blocks.map(({ kind }) => kind)))
  const text = streams.find(
    (one) => kinds(one).has('text') && !kinds(one).has('tool-call') && !kinds(one).has('opaque'),
  )
  const tools = streams.find((one) => kinds(one).has('tool-call') && !kinds(one).has('opaque'))
  return { ...(text && { text: lengthened(provider, text) }), ...(tools && { tools }) }
}

const lengthened = (provider: ProviderProtocol, stream: RecordedStream): RecordedStream => {
  const decoder = provider.createDecoder()
  const run: number[] = []
  for (const [index, frame] of stream.frames.entries()) {
    const events = decoder.push(parseFrame(frame))
    const told = events.every(
      (event) => event.type === 'usage' || (event.type === 'block-delta' && event.delta.kind === 'text'),
    )
    if (told && events.some(({ type }) => type === 'block-delta')) run.push(index)
  }
  const last = run.at(-1)
  if (last === undefined) return stream
  const more: Buffer[] = []
  for (let at = 0; stream.frames.length + more.length < textFrames; at++) {
    // What follows must belong to the block that is open: the end of the run is said again.
    const from = run.findLastIndex((index, place) => place === 0 || run[place - 1] !== index - 1)
    const tail = run.slice(from)
    more.push(stream.frames[tail[at % tail.length]!]!)
  }
  return { ...stream, frames: stream.frames.toSpliced(last + 1, 0, ...more) }
}
