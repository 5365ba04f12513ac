import type { JsonObject, Usage } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { maskModels } from '../mask-models.ts'
import type { Observed, RawTap } from '../protocol.ts'
import { formatEvent, parseFrame, SseFrameTooLarge, SseSplitter } from '../sse.ts'
import { decodeStreamError, isError } from './errors.ts'
import { renameFallbacks } from './mask.ts'
import { isObject } from './read.ts'
import { deltaLength, frameKind } from './tap-scan.ts'
import { UsageMeter } from './usage.ts'

const empty = Buffer.alloc(0)

/**
 * Watches a same-protocol stream go by. Nearly all frames are deltas: those are recognised and measured as bytes, never parsed. Only the frames that carry usage, the
 * model's name or an error are read. What is malformed or unknown passes unharmed but for the name.
 */
export class Tap implements RawTap {
  readonly observed: Observed = { deliveredChars: 0, complete: false }
  readonly #model: string
  readonly #splitter = new SseSplitter()
  readonly #usage = new UsageMeter()
  #realModel = ''

  constructor(model: string) {
    this.#model = model
  }

  push(chunk: Buffer): Buffer {
    let frames: Buffer[]
    try {
      frames = this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof SseFrameTooLarge)) throw error
      this.observed.failure ??= { class: 'server', status: 502, message: error.message }
      return empty
    }
    // Frames lie next to each other in one buffer: as long as none changes they pass as one view of it.
    let changed: Buffer[] | undefined
    for (const [index, frame] of frames.entries()) {
      const out = this.#pass(frame)
      if (out !== frame) changed ??= frames.slice(0, index)
      changed?.push(out)
    }
    return changed ? Buffer.concat(changed) : joined(frames, chunk)
  }

  finish(): Buffer {
    const rest = this.#splitter.finish()
    if (rest.length === 0) return rest
    const { event, data } = parseFrame(rest)
    if (data === '' && event === '') return rest
    // A frame that lacks nothing but its blank line is whole; a torn one would only break the client's parser.
    if (!parse(data)) return empty
    return Buffer.concat([this.#pass(rest), Buffer.from('\n\n')])
  }

  #pass(frame: Buffer): Buffer {
    switch (frameKind(frame)) {
      case 'delta': {
        const length = deltaLength(frame)
        if (length === -1) return this.#read(frame)
        this.observed.deliveredChars += length
        return frame
      }
      case 'start':
        return frame.includes('"fallback"') ? this.#read(frame) : frame
      case 'quiet':
        return frame
      case 'other':
        return this.#read(frame)
    }
  }

  #read(frame: Buffer): Buffer {
    const { event: name, data } = parseFrame(frame)
    // A client's lenient parser may see more in it than this one, and the model's name is for none.
    if (data === '') return maskModels(frame, this.#model)
    const event = parse(data)
    if (isError(name, event)) return this.#onError(event)
    if (!event) return maskModels(frame, this.#model)
    switch (event['type']) {
      case 'message_start':
        return this.#onStart(frame, event)
      case 'message_delta':
        return this.#onMessageDelta(frame, event)
      case 'content_block_start':
        return this.#onBlockStart(frame, event)
      case 'content_block_delta':
        this.observed.deliveredChars += shownLength(event['delta'])
        return frame
      case 'message_stop':
        this.#setUsage(this.#usage.correction(this.#realModel, this.observed.deliveredChars))
        this.observed.complete = true
        return frame
      default:
        return frame
    }
  }

  /** Not for the client as it is: the gateway ends the stream with its own words. */
  #onError(event: JsonObject | undefined): Buffer {
    this.observed.failure ??= decodeStreamError(event ?? {})
    return empty
  }

  #onStart(frame: Buffer, event: JsonObject): Buffer {
    const message = event['message']
    if (!isObject(message)) return frame
    if (typeof message['model'] === 'string') this.#realModel = message['model']
    if (typeof message['id'] === 'string') this.observed.upstreamId = message['id']
    this.#usage.merge(message['usage'])
    this.#setUsage(this.#usage.read(this.#realModel))
    return this.#maskStart(frame, event, message)
  }

  /** The name is a string under a plain key; else the event is written anew. */
  #maskStart(frame: Buffer, event: JsonObject, message: JsonObject): Buffer {
    const masked = maskModels(frame, this.#model)
    const named = message['model'] ?? null
    if (named === null || namedAs(masked, this.#model)) return masked
    message['model'] = this.#model
    return Buffer.from(formatEvent('message_start', JSON.stringify(event)))
  }

  #onMessageDelta(frame: Buffer, event: JsonObject): Buffer {
    this.#usage.merge(event['usage'], true)
    this.#setUsage(this.#usage.read(this.#realModel))
    const delta = event['delta']
    if (isObject(delta) && typeof delta['stop_reason'] === 'string') this.observed.finish = delta['stop_reason']
    return maskModels(frame, this.#model)
  }

  #onBlockStart(frame: Buffer, event: JsonObject): Buffer {
    const renamed = renameFallbacks([event['content_block'] ?? null], this.#model)
    return renamed ? Buffer.from(formatEvent('content_block_start', JSON.stringify(event))) : frame
  }

  #setUsage(usage: Usage | undefined): void {
    if (usage) this.observed.usage = usage
  }
}

/** Adjacent views of one buffer as one view; the chunk itself when that is all they are. */
const joined = (frames: readonly Buffer[], chunk: Buffer): Buffer => {
  const first = frames[0]
  if (!first) return empty
  let length = 0
  for (const frame of frames) length += frame.length
  if (first.buffer === chunk.buffer && first.byteOffset === chunk.byteOffset && length === chunk.length) return chunk
  return Buffer.from(first.buffer, first.byteOffset, length)
}

const namedAs = (frame: Buffer, model: string): boolean => {
  const message = parse(parseFrame(frame).data)?.['message']
  return isObject(message) && message['model'] === model
}

const parse = (data: string): JsonObject | undefined => {
  try {
    const value = parseJson(data)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const shownLength = (delta: JsonObject[string] | undefined): number => {
  if (!isObject(delta)) return 0
  for (const shown of [delta['text'], delta['thinking'], delta['partial_json']])
    if (typeof shown === 'string') return shown.length
  return 0
}
