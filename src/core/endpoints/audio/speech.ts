import { estimateTokens } from '../../pricing/estimate.ts'
import type { Usage } from '../../protocols/neutral/index.ts'
import { openaiChat } from '../../protocols/openai-chat/index.ts'
import type { ScannedObject } from '../../protocols/json-scan.ts'
import type { Observed } from '../../protocols/protocol.ts'
import { type Endpoint, type StreamRoad, UnreadableAnswer } from '../endpoint.ts'
import { scanBody, sideFacts, textOf, valueOf } from '../side/facts.ts'
import { notOffered, offers } from '../side/offers.ts'
import { passRoad } from '../side/pass.ts'
import { SideTap } from '../side/tap.ts'
import { finished, usageOf } from '../side/usage.ts'
import { readAudioUsage, spokenTokens } from './seconds.ts'

/** Recordings; parameters tell how raw samples are to be played. */
const audioType = /^(?:audio\/[\w.+-]+(?:; *(?:rate|channels|codecs?)=[\w.",-]+)*|application\/octet-stream)$/i
const isAudio = (type: string | undefined): type is string => type !== undefined && audioType.test(type)
const isEvents = (type: string | undefined): boolean => type?.startsWith('text/event-stream') ?? false

/** Slow speech has more tokens than usual. */
const margin = 4

/** OpenAI's `POST /v1/audio/speech`: text goes in, a recording comes out as it is made, as bytes or as events. */
export const speech: Endpoint = {
  id: 'audio-speech',
  errors: openaiChat,
  inspect(body, place) {
    const scanned = scanBody(body)
    const chars = textOf(scanned, 'input').length
    return sideFacts(scanned, place, {
      stream: valueOf(scanned, 'stream_format') === 'sse',
      maxTokens: margin * spokenTokens(chars, Math.min(1, speedOf(scanned))),
    })
  },
  road(options) {
    const { target, facts, shadowModel } = options
    if (!offers(target, 'speech')) throw notOffered(target, 'speech')
    const chars = textOf(facts.scanned, 'input').length
    const ours = (): Usage => usageOf(Math.max(1, estimateTokens(chars)), spokenTokens(chars, speedOf(facts.scanned)))
    const road = passRoad(options, '/audio/speech', (answer) => {
      // Mistral tells the recording inside of JSON.
      if (typeof answer.read('audio_data') !== 'string') throw new UnreadableAnswer('there is no recording')
      return finished(readAudioUsage(answer.read('usage')), ours)
    })
    return {
      ...road,
      streams: (type) => isAudio(type) || isEvents(type),
      stream: (type) =>
        isAudio(type)
          ? new Recording(type, ours())
          : new SideTap({
              model: shadowModel,
              ends: /^speech\.audio\.done$/,
              count: 1,
              chars: () => 1,
              ours,
              usage: readAudioUsage,
            }),
    }
  },
}

const speedOf = (scanned: ScannedObject): number => {
  const speed = valueOf(scanned, 'speed')
  return typeof speed === 'number' && speed >= 0.25 && speed <= 4 ? speed : 1
}

/** Bytes pass as they come. Their end is the end of the connection's message; what they cost nobody tells. */
class Recording implements StreamRoad {
  readonly binary = true
  readonly contentType: string
  readonly observed: Observed

  constructor(contentType: string, usage: Usage) {
    this.contentType = contentType
    this.observed = { usage, estimated: true, deliveredChars: 0, complete: false }
  }

  push(chunk: Buffer): Buffer {
    if (chunk.length > 0) this.observed.deliveredChars = 1
    return chunk
  }

  finish(): Buffer {
    if (this.observed.deliveredChars > 0) this.observed.complete = true
    else this.observed.failure = { class: 'server', status: 502, message: 'The recording is empty.' }
    return Buffer.alloc(0)
  }
}
