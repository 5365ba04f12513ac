import { providerProtocolById, protocolById } from '../../src/core/protocols/index.ts'
import type { ProtocolId } from '../../src/core/protocols/neutral/index.ts'
import { crossing } from '../../src/core/endpoints/crossing.ts'
import { straight } from '../../src/core/endpoints/straight.ts'
import type { StreamRoad } from '../../src/core/endpoints/endpoint.ts'
import { asks } from '../../test/conformance/support/asked.ts'
import { optionsFor } from '../../test/conformance/support/roads.ts'
import { agentRequest } from '../lib/translation-request.ts'
import { recordedStreams, type RecordedStream } from '../lib/translation-streams.ts'

/** What one pair of protocols costs, in microseconds. */
export interface TranslationCost {
  readonly textEvent: number | null
  readonly toolEvent: number | null
  readonly events: { readonly text: number; readonly tools: number }
  /** A request of an agent on the whole road: scanned, decoded, encoded. */
  readonly request: number
  readonly requestBytes: number
  /** More than the straight road of the client's own protocol takes until the first byte. */
  readonly firstByte: number | null
}

const [clientId, providerId] = process.argv.slice(2) as [ProtocolId, ProtocolId]
const client = protocolById(clientId)
const provider = providerProtocolById(providerId)

/** Median time of one run, after warming up. Slices are short so that a disturbed one does not count. */
const microseconds = (run: () => void): number => {
  const sliceMs = 12
  const until = (ms: number): number => {
    const begin = performance.now()
    let runs = 0
    let now = begin
    for (; now - begin < ms; now = performance.now()) {
      run()
      runs++
    }
    return ((now - begin) / runs) * 1000
  }
  until(1000)
  const slices = Array.from({ length: 25 }, () => until(sliceMs)).toSorted((left, right) => left - right)
  return slices[slices.length >> 1]!
}

const play = (way: StreamRoad, frames: readonly Buffer[]): number => {
  let bytes = 0
  for (const frame of frames) bytes += way.push(frame).length
  bytes += way.finish().length
  if (way.observed.failure) throw new Error(way.observed.failure.message)
  return bytes
}

const roadFor = (stream: RecordedStream) => {
  const asked = asks(client, stream.answer, true)
  if (!asked) throw new Error(`${clientId} cannot ask for ${stream.id}`)
  return crossing(client, provider, optionsFor(client, asked, { provider }))
}

const eventCost = (stream: RecordedStream | undefined): number | null => {
  if (!stream) return null
  const road = roadFor(stream)
  return microseconds(() => play(road.stream(), stream.frames)) / stream.frames.length
}

/** Until something of the answer has come through. */
const firstByteOf = (open: () => StreamRoad, frames: readonly Buffer[]): number =>
  microseconds(() => {
    const way = open()
    for (const frame of frames) {
      if (way.push(frame).length > 0 && way.observed.deliveredChars > 0) return
    }
  })

const request = agentRequest(client)
const bytes = Buffer.from(JSON.stringify(request.body))
const cross = (): void => {
  crossing(client, provider, optionsFor(client, request, { provider }, bytes)).request(undefined)
}
const pass = (): void => {
  straight(client, optionsFor(client, request, { provider: client }, bytes)).request(undefined)
}

const streams = recordedStreams(provider)
const own = recordedStreams(client)
const requestCost = microseconds(cross)
const firstByte = (): number | null => {
  if (!streams.text || !own.text) return null
  const there = roadFor(streams.text)
  const here = straight(client, optionsFor(client, asks(client, own.text.answer, true)!, { provider: client }))
  const crossed = firstByteOf(() => there.stream(), streams.text.frames)
  const passed = firstByteOf(() => here.stream(), own.text.frames)
  return requestCost - microseconds(pass) + crossed - passed
}

const cost: TranslationCost = {
  textEvent: eventCost(streams.text),
  toolEvent: eventCost(streams.tools),
  events: { text: streams.text?.frames.length ?? 0, tools: streams.tools?.frames.length ?? 0 },
  request: requestCost,
  requestBytes: bytes.length,
  firstByte: firstByte(),
}
process.stdout.write(JSON.stringify(cost))
