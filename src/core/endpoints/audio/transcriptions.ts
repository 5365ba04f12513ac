import type { JsonObject, JsonValue } from '../../protocols/neutral/index.ts'
import { openaiChat } from '../../protocols/openai-chat/index.ts'
import { isObject } from '../../protocols/read.ts'
import { parseFrame } from '../../protocols/sse.ts'
import { type Endpoint, type UnaryAnswer, UnreadableAnswer } from '../endpoint.ts'
import { scanBody, sideFacts, streamOf } from '../side/facts.ts'
import { notOffered, offers } from '../side/offers.ts'
import { passRoad, readAnswer } from '../side/pass.ts'
import { SideTap } from '../side/tap.ts'
import { finished } from '../side/usage.ts'
import { readAudioUsage, secondsIn, secondsOfCues, tokensOfBytes, transcriptUsage } from './seconds.ts'

/** What transcripts come as; anything else is no transcript. */
const textTypes = /^(?:text\/(?:plain|vtt|srt)|application\/(?:x-subrip|srt))\s*(?:;|$)/i
const isEvents = (type: string | undefined): boolean => type?.startsWith('text/event-stream') ?? false

/**
 * OpenAI's `POST /v1/audio/transcriptions` and `/translations`: an upload goes in, text, JSON, subtitles or a stream of events come out
 * (https://platform.openai.com/docs/api-reference/audio/createTranscription).
 */
const fromSpeech = (id: string, path: string): Endpoint => ({
  id,
  errors: openaiChat,
  uploads: 'only',
  inspect(body, place) {
    const scanned = scanBody(body)
    const promptBound = scanned.bytes.length + tokensOfBytes(place.uploadBytes ?? 0)
    // People say fewer tokens than the recording has.
    return sideFacts(scanned, place, { stream: streamOf(scanned), promptBound, maxTokens: Math.ceil(promptBound / 2) })
  },
  road(options) {
    const { target, shadowModel } = options
    if (!offers(target, 'transcriptions')) throw notOffered(target, id)
    return {
      ...passRoad(options, path, () => {
        throw new UnreadableAnswer('not asked')
      }),
      upload: { model: target.model },
      streams: isEvents,
      unary: readTranscript,
      stream: () =>
        new SideTap({
          model: shadowModel,
          ends: /^transcript\.text\.done$/,
          count: 1,
          chars: deltaLength,
          ours: (chars) => transcriptUsage(chars, undefined),
          usage: readAudioUsage,
        }),
    }
  },
})

const readTranscript = (body: Buffer, contentType = 'application/json'): UnaryAnswer => {
  if (!textTypes.test(contentType) || looksLikeJson(body)) return readJson(body)
  const text = body.toString('utf8')
  return {
    body,
    contentType: textTypes.exec(contentType)![0].replace(/\s*;$/, '') + '; charset=utf-8',
    observed: finished(undefined, () => transcriptUsage(text.length, secondsOfCues(text))),
  }
}

/** Some servers send JSON as plain text. */
const looksLikeJson = (body: Buffer): boolean => /^\s*\{\s*"/.test(body.toString('latin1', 0, 64))

const readJson = (body: Buffer): UnaryAnswer => {
  const answer = readAnswer(body)
  const text = answer.read('text')
  if (typeof text !== 'string') throw new UnreadableAnswer('there is no text')
  const whole = (): JsonObject => JSON.parse(body.toString('utf8')) as JsonObject
  return {
    body,
    observed: finished(readAudioUsage(answer.read('usage')), () => transcriptUsage(text.length, secondsIn(whole()))),
  }
}

const deltaLength = (frame: Buffer): number => {
  try {
    const event = JSON.parse(parseFrame(frame).data) as JsonValue
    const delta = isObject(event) && event['type'] === 'transcript.text.delta' ? event['delta'] : ''
    return typeof delta === 'string' ? delta.length : 0
  } catch {
    return 0
  }
}

export const transcriptions = fromSpeech('audio-transcriptions', '/audio/transcriptions')
export const translations = fromSpeech('audio-translations', '/audio/translations')
