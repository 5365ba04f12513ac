import type { BlockDelta, BlockStart, JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { StreamDecoder } from '../protocol.ts'
import { isObject } from '../read.ts'
import type { SseFrame } from '../sse.ts'
import { decodeStreamError } from './errors.ts'
import { decodeFinish } from './finish.ts'
import { mintAnswerId } from './ids.ts'
import { readCitation, text } from './read-content.ts'
import { decodeUsage } from './usage.ts'

const cut: ProviderFailure = {
  class: 'server',
  status: 502,
  code: 'upstream_disconnected',
  message: 'The provider ended the answer before it was complete.',
}
const unreadable: ProviderFailure = {
  class: 'server',
  status: 502,
  message: 'The provider sent an event that cannot be read.',
}

interface OpenBlock {
  /** The provider's number of it. */
  readonly wire: JsonValue | undefined
  /** What was told as its start; undefined while a block without a counterpart is put together. */
  readonly start: BlockStart | undefined
  readonly whole: JsonObject
  written: string
}

/**
 * A ConverseStream as neutral events. Only tools have a start of their own: text and reasoning begin with their first delta. Usage comes behind the finish. Blocks without
 * a counterpart (tools that the provider runs, their results) are told whole when they stop.
 */
export class Decoder implements StreamDecoder {
  readonly #events: NeutralEvent[] = []
  #started = false
  #finished = false
  #ended = false
  #called = false
  #open: OpenBlock | undefined
  #index = 0

  push({ event: name, data }: SseFrame): NeutralEvent[] {
    if (this.#ended || data === '') return []
    const event = parse(data)
    if (!event) this.#fail(unreadable)
    else if (name === 'error') this.#fail(decodeStreamError(event))
    else this.#read(name, event)
    return this.#take()
  }

  finish(): NeutralEvent[] {
    if (this.#ended) return []
    if (this.#finished) this.#end()
    else this.#fail(cut)
    return this.#take()
  }

  #take(): NeutralEvent[] {
    return this.#events.splice(0)
  }

  #read(name: string, event: JsonObject): void {
    // Behind the finish only usage is news.
    if (this.#finished && name !== 'metadata') return
    switch (name) {
      case 'messageStart':
        this.#start()
        break
      case 'contentBlockStart':
        this.#onStart(event)
        break
      case 'contentBlockDelta':
        if (isObject(event['delta'])) this.#onDelta(event['contentBlockIndex'], event['delta'])
        break
      case 'contentBlockStop':
        if (this.#open?.wire === event['contentBlockIndex']) this.#stop()
        break
      case 'messageStop':
        this.#start()
        this.#stop()
        this.#finished = true
        this.#events.push({ type: 'finish', choice: 0, finish: decodeFinish(event['stopReason'], this.#called) })
        break
      case 'metadata':
        this.#onMetadata(event)
        break
      default:
      // Events that did not exist when this was written.
    }
  }

  #onMetadata(event: JsonObject): void {
    this.#start()
    const usage = decodeUsage(event['usage'])
    if (usage) this.#events.push({ type: 'usage', usage })
    if (this.#finished) this.#end()
  }

  #start(): void {
    if (this.#started) return
    this.#started = true
    this.#events.push({ type: 'start', id: mintAnswerId(), model: '' })
  }

  #onStart(event: JsonObject): void {
    const started = isObject(event['start']) ? event['start'] : {}
    const tool = isObject(started['toolUse']) ? started['toolUse'] : undefined
    const wire = event['contentBlockIndex']
    if (tool && tool['type'] !== 'server_tool_use') {
      this.#called = true
      this.#begin(wire, { kind: 'tool-call', id: text(tool['toolUseId']), name: text(tool['name']) })
    } else if (Object.keys(started).length > 0) this.#begin(wire, undefined, started)
  }

  #begin(wire: JsonValue | undefined, start: BlockStart | undefined, whole: JsonObject = {}): void {
    this.#start()
    this.#stop()
    this.#open = { wire, start, whole, written: '' }
    if (start) this.#events.push({ type: 'block-start', choice: 0, index: this.#index, block: start })
  }

  #onDelta(wire: JsonValue | undefined, delta: JsonObject): void {
    if (this.#open?.wire !== wire || !this.#open) {
      // A call whose start never came cannot be told.
      if (isObject(delta['toolUse'])) return this.#fail(unreadable)
      this.#begin(wire, impliedStart(delta))
    }
    const open = this.#open!
    if (!open.start) return collect(open, delta)
    if (open.start.kind === 'tool-call') {
      const { input } = isObject(delta['toolUse']) ? delta['toolUse'] : {}
      const piece = isObject(input) ? JSON.stringify(input) : text(input)
      open.written += piece
      if (piece !== '') this.#tell({ kind: 'arguments', json: piece })
      return
    }
    const reasoning = isObject(delta['reasoningContent']) ? delta['reasoningContent'] : {}
    const said = text(delta['text']) + text(reasoning['text'])
    if (said !== '') this.#tell({ kind: 'text', text: said })
    const signature = text(reasoning['signature'])
    if (signature !== '') this.#tell({ kind: 'signature', signature })
    const citation = open.start.kind === 'text' ? readCitation(delta['citation']) : undefined
    if (citation) this.#tell({ kind: 'citation', citation })
  }

  #tell(delta: BlockDelta): void {
    this.#events.push({ type: 'block-delta', choice: 0, index: this.#index, delta })
  }

  #stop(): void {
    const open = this.#open
    if (!open) return
    this.#open = undefined
    if (!open.start) {
      const part = { type: 'opaque', protocol: 'bedrock-converse', value: open.whole } as const
      this.#events.push({ type: 'block-start', choice: 0, index: this.#index, block: { kind: 'opaque', part } })
    }
    // A tool without arguments may send none.
    if (open.start?.kind === 'tool-call' && open.written === '') this.#tell({ kind: 'arguments', json: '{}' })
    this.#events.push({ type: 'block-stop', choice: 0, index: this.#index++ })
  }

  #end(): void {
    this.#ended = true
    this.#events.push({ type: 'end' })
  }

  #fail(error: ProviderFailure): void {
    if (this.#finished) return this.#end()
    this.#ended = true
    this.#start()
    if (this.#open?.start) this.#events.push({ type: 'block-stop', choice: 0, index: this.#index })
    this.#events.push({ type: 'error', error }, { type: 'end' })
  }
}

/** The block that a delta without a start belongs to. */
const impliedStart = (delta: JsonObject): BlockStart | undefined => {
  if (typeof delta['text'] === 'string' || delta['citation'] !== undefined) return { kind: 'text' }
  const reasoning = delta['reasoningContent']
  if (!isObject(reasoning)) return undefined
  const redacted = reasoning['redactedContent']
  return { kind: 'thinking', signedBy: 'bedrock-converse', ...(typeof redacted === 'string' && { redacted }) }
}

/** Puts a block together that is told whole: texts are joined, lists are added to. */
const collect = ({ whole }: OpenBlock, delta: JsonObject): void => {
  for (const [key, value] of Object.entries(delta)) {
    const there = whole[key]
    if (isObject(there) && isObject(value))
      for (const [inner, piece] of Object.entries(value)) {
        const before = there[inner]
        there[inner] = typeof before === 'string' && typeof piece === 'string' ? before + piece : piece
      }
    else if (isObject(there) && Array.isArray(value)) {
      const content = Array.isArray(there['content']) ? there['content'] : []
      there['content'] = [...content, ...value]
    } else whole[key] = value
  }
}

const parse = (data: string): JsonObject | undefined => {
  try {
    const value = parseJson(data)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
