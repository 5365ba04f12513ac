import type { JsonValue, ProviderFailure, Usage } from '../../protocols/neutral/index.ts'
import { maskModels } from '../../protocols/mask-models.ts'
import { decodeStreamError } from '../../protocols/openai-chat/errors.ts'
import type { Observed } from '../../protocols/protocol.ts'
import { parseFrame, SseFrameTooLarge, SseSplitter } from '../../protocols/sse.ts'
import { anyValues, readField, scanObject } from '../../protocols/json-scan.ts'
import type { StreamRoad } from '../endpoint.ts'
import { reportedUsage } from './usage.ts'

export interface TapRules {
  readonly model: string
  /** Types of events that end the answer, each with its usage: `transcript.text.done`. */
  readonly ends: RegExp
  /** How many of them come. */
  readonly count: number
  /** Characters that an event delivers to the client; only asked for events that are not the end. */
  chars(frame: Buffer): number
  /** Our own count for a finished answer whose provider tells none. */
  ours(deliveredChars: number): Usage
  /** The provider's count, where it is in other words. */
  usage?(wire: JsonValue | undefined): Usage | undefined
}

/** Larger frames hold images and recordings, not names. */
const largestNamed = 64 * 1024
const typeField = /"type"\s*:\s*"([\w.]{1,64})"/

/** Watches the events of OpenAI's newer side endpoints (`image_generation.completed`, `transcript.text.done`) go by. Frames pass as they came, line ends included. */
export class SideTap implements StreamRoad {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #splitter = new SseSplitter()
  readonly #rules: TapRules
  #ended = 0

  constructor(rules: TapRules) {
    this.#rules = rules
  }

  push(chunk: Buffer): Buffer {
    try {
      return this.#pass(this.#splitter.push(chunk))
    } catch (error) {
      if (!(error instanceof SseFrameTooLarge)) throw error
      this.#fail({ class: 'server', status: 502, message: error.message })
      return Buffer.alloc(0)
    }
  }

  finish(): Buffer {
    const rest = this.#splitter.finish()
    const out =
      rest.length > 0 && isWhole(rest) ? this.#pass([Buffer.concat([rest, Buffer.from('\n\n')])]) : Buffer.alloc(0)
    // A server may give fewer than were asked for.
    if (this.#ended > 0) this.#complete()
    return out
  }

  #pass(frames: readonly Buffer[]): Buffer {
    const kept: Buffer[] = []
    for (const frame of frames) {
      if (this.observed.failure) break
      if (this.#read(frame)) kept.push(frame.length > largestNamed ? frame : maskModels(frame, this.#rules.model))
    }
    return kept.length === 1 ? kept[0]! : Buffer.concat(kept)
  }

  /** False for a frame that is not for the client. */
  #read(frame: Buffer): boolean {
    const head = frame.toString('latin1', 0, 512)
    const event = /^event: ?([\w.]{1,64})/m.exec(head)?.[1]
    const type =
      event ??
      typeField.exec(head)?.[1] ??
      typeField.exec(frame.toString('latin1', Math.max(0, frame.length - 512)))?.[1]
    if (type === 'error' || (type === undefined && /"error"\s*:\s*[{"]/.test(head))) {
      this.#fail(failureIn(frame))
      return false
    }
    if (/^data: ?\[DONE\]/m.test(head)) {
      this.#complete()
      return true
    }
    if (type === undefined || !this.#rules.ends.test(type)) {
      this.observed.deliveredChars += this.#rules.chars(frame)
      return true
    }
    this.#end(frame)
    return true
  }

  #end(frame: Buffer): void {
    const usage = usageIn(frame, this.#rules.usage ?? reportedUsage)
    if (usage) this.observed.usage = usage
    if (++this.#ended >= this.#rules.count) this.#complete()
  }

  #complete(): void {
    this.observed.complete = true
    if (this.observed.usage) return
    this.observed.usage = this.#rules.ours(this.observed.deliveredChars)
    this.observed.estimated = true
  }

  #fail(failure: ProviderFailure): void {
    this.observed.failure ??= failure
  }
}

const isWhole = (frame: Buffer): boolean => {
  const { data } = parseFrame(frame)
  return data === '[DONE]' || data.endsWith('}')
}

/** One scan, because an image may be in the same event. */
const usageIn = (frame: Buffer, read: NonNullable<TapRules['usage']>): Usage | undefined => {
  try {
    const scanned = scanObject(Buffer.from(parseFrame(frame).data), [], anyValues)
    return read(readField(scanned, 'usage') as JsonValue | undefined)
  } catch {
    return undefined
  }
}

const failureIn = (frame: Buffer): ProviderFailure => {
  try {
    return decodeStreamError(JSON.parse(parseFrame(frame).data) as JsonValue)
  } catch {
    return { class: 'server', status: 502, message: 'The provider reported an error that cannot be read.' }
  }
}
