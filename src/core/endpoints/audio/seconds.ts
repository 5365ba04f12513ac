import { estimateTokens } from '../../pricing/estimate.ts'
import type { JsonObject, JsonValue, Usage } from '../../protocols/neutral/index.ts'
import { isObject } from '../../protocols/read.ts'
import { reportedUsage, usageOf } from '../side/usage.ts'

/**
 * Recordings are counted in tokens, as OpenAI counts what it hears: 10 a second (https://platform.openai.com/docs/guides/realtime-costs: one for each 100 ms of the user's
 * audio). A price of 0.006 a minute is therefore one of 10 per million tokens.
 */
const tokensPerSecond = 10
/** Speech that was made is 20 a second (same page: one for each 50 ms). */
const spokenTokensPerSecond = 20
/** How fast people speak: 150 words of six characters in a minute. */
const charsPerSecond = 15

/** Bytes of a recording for each token at least: 640 a second are 5 kbit/s, the lowest that any codec for speech has. */
const bytesPerToken = 64

export const tokensOfSeconds = (seconds: number): number => Math.ceil(seconds * tokensPerSecond)

/** The most tokens that so many bytes can hold. */
export const tokensOfBytes = (bytes: number): number => Math.ceil(bytes / bytesPerToken)

/** Output tokens of this text read aloud, at this speed (1 is usual). */
export const spokenTokens = (chars: number, speed = 1): number =>
  Math.ceil(((chars / charsPerSecond) * spokenTokensPerSecond) / speed)

/** A transcript's usage by our own count: of the recording's length where it shows, else of the time it takes to say the text. */
export const transcriptUsage = (chars: number, seconds: number | undefined): Usage =>
  usageOf(Math.max(1, tokensOfSeconds(seconds ?? chars / charsPerSecond)), estimateTokens(chars))

/** `{type: 'tokens', …}`, or `{type: 'duration', seconds}`. */
export const readAudioUsage = (wire: JsonValue | undefined): Usage | undefined => {
  if (!isObject(wire)) return undefined
  const seconds = wire['seconds']
  if (wire['type'] !== 'duration' && seconds === undefined) return reportedUsage(wire)
  return typeof seconds === 'number' && seconds > 0 && seconds < 1e6 ? usageOf(tokensOfSeconds(seconds)) : undefined
}

/** Seconds of a recording, as its transcript shows them: `duration`, or the end of the last segment. */
export const secondsIn = (transcript: JsonObject): number | undefined => {
  const told = Number(transcript['duration'] ?? Number.NaN)
  if (told > 0 && told < 1e6) return told
  const last = Array.isArray(transcript['segments']) ? transcript['segments'].at(-1) : undefined
  const end = isObject(last) ? Number(last['end'] ?? Number.NaN) : Number.NaN
  return end > 0 && end < 1e6 ? end : undefined
}

/** The same of subtitles: the end of the last cue (`00:00:01,000 --> 00:00:04,000` of SRT, `00:01.000 --> 00:04.000` of WebVTT). */
export const secondsOfCues = (text: string): number | undefined => {
  const [, hours, minutes, seconds] = /.*--> *(?:(\d+):)?(\d+):(\d+[.,]\d+)/s.exec(text) ?? []
  if (minutes === undefined || seconds === undefined) return undefined
  return Number(hours ?? 0) * 3600 + Number(minutes) * 60 + Number(seconds.replace(',', '.'))
}
