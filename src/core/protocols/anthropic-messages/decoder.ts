import type { JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { StreamDecoder } from '../protocol.ts'
import type { SseFrame } from '../sse.ts'
import { DecodedBlock, impliedStart } from './decoder-block.ts'
import { decodeStreamError, isError } from './errors.ts'
import { decodeFinish } from './finish.ts'
import { isObject } from './read.ts'
import { UsageMeter } from './usage.ts'

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

/**
 * A provider's stream as neutral events. Anthropic keeps one block open at a time; servers that imitate it may not, so events of a later block wait until the earlier one
 * stops. Repeated starts, pings and unknown events are passed over.
 */
export class Decoder implements StreamDecoder {
  readonly #usage = new UsageMeter()
  #model = ''
  #started = false
  #ended = false
  #calledTool = false
  #nextIndex = 0
  #deliveredChars = 0
  /** Blocks not yet told to their end, in the order they opened, by the provider's index. The first one is open towards our side. */
  readonly #blocks = new Map<JsonValue | undefined, DecodedBlock>()
  #stop: JsonObject = {}

  push(frame: SseFrame): NeutralEvent[] {
    if (this.#ended || frame.data === '') return []
    let event: JsonValue | undefined
    try {
      event = parseJson(frame.data)
    } catch {
      if (frame.data.trim() === '[DONE]') return []
      if (frame.event !== 'error') return this.#fail(unreadable)
    }
    const told = isObject(event) ? event : undefined
    if (isError(frame.event, told)) return this.#fail(decodeStreamError(told ?? {}))
    return told ? this.#read(told) : []
  }

  #read(event: JsonObject): NeutralEvent[] {
    const out: NeutralEvent[] = []
    switch (event['type']) {
      case 'message_start':
        this.#onStart(event, out)
        break
      case 'content_block_start':
        this.#onBlockStart(event, out)
        break
      case 'content_block_delta':
        this.#onDelta(event, out)
        break
      case 'content_block_stop':
        this.#blocks.get(event['index'])?.stop()
        this.#drain(out)
        break
      case 'message_delta':
        this.#onMessageDelta(event, out)
        break
      case 'message_stop':
        this.#onStop(out)
        break
      default:
      // Pings, and events that did not exist when this was written.
    }
    return out
  }

  finish(): NeutralEvent[] {
    return this.#ended ? [] : this.#fail(cut)
  }

  #onStart(event: JsonObject, out: NeutralEvent[]): void {
    const message = isObject(event['message']) ? event['message'] : {}
    const { id, model } = message
    this.#start(out, typeof id === 'string' ? id : '', typeof model === 'string' ? model : '')
    this.#usage.merge(message['usage'])
    this.#tellUsage(out)
  }

  #start(out: NeutralEvent[], id = '', model = ''): void {
    if (this.#started) return
    this.#started = true
    this.#model = model
    out.push({ type: 'start', id, model })
  }

  #tellUsage(out: NeutralEvent[]): void {
    const usage = this.#usage.read(this.#model)
    if (usage) out.push({ type: 'usage', usage })
  }

  #onBlockStart(event: JsonObject, out: NeutralEvent[]): void {
    const block = isObject(event['content_block']) ? event['content_block'] : {}
    this.#open(event['index'], new DecodedBlock(block), out)
    this.#drain(out)
  }

  #open(index: JsonValue | undefined, block: DecodedBlock, out: NeutralEvent[]): void {
    this.#start(out)
    const earlier = this.#blocks.get(index)
    if (earlier) {
      // The same index again: the earlier block was never stopped.
      earlier.stop()
      this.#drain(out)
      this.#blocks.delete(index)
    }
    if (block.isToolCall) this.#calledTool = true
    this.#blocks.set(index, block)
  }

  #onDelta(event: JsonObject, out: NeutralEvent[]): void {
    const delta = isObject(event['delta']) ? event['delta'] : {}
    let block = this.#blocks.get(event['index'])
    if (!block) {
      const implied = impliedStart(delta)
      if (!implied) return
      block = new DecodedBlock(implied)
      this.#open(event['index'], block, out)
    }
    block.add(delta)
    this.#drain(out)
  }

  #onMessageDelta(event: JsonObject, out: NeutralEvent[]): void {
    this.#start(out)
    if (isObject(event['delta'])) this.#stop = { ...this.#stop, ...event['delta'] }
    if (!isObject(event['usage'])) return
    this.#usage.merge(event['usage'], true)
    this.#tellUsage(out)
  }

  #onStop(out: NeutralEvent[]): void {
    this.#start(out)
    for (const block of this.#blocks.values()) block.stop()
    this.#drain(out)
    const usage = this.#usage.correction(this.#model, this.#deliveredChars)
    if (usage) out.push({ type: 'usage', usage })
    out.push({ type: 'finish', choice: 0, finish: decodeFinish(this.#stop, this.#calledTool) }, { type: 'end' })
    this.#ended = true
  }

  /** Tells what the first block has to tell; when it has stopped, the next one is first. */
  #drain(out: NeutralEvent[]): void {
    for (const [key, block] of this.#blocks) {
      for (const told of block.tell(() => this.#nextIndex++)) {
        this.#deliveredChars += shownLength(told)
        out.push(told)
      }
      if (!block.stopped) return
      this.#blocks.delete(key)
    }
  }

  #fail(error: ProviderFailure): NeutralEvent[] {
    this.#ended = true
    const out: NeutralEvent[] = []
    this.#start(out)
    for (const block of this.#blocks.values()) {
      if (block.index !== undefined) out.push({ type: 'block-stop', choice: 0, index: block.index })
    }
    out.push({ type: 'error', error }, { type: 'end' })
    return out
  }
}

const shownLength = (event: NeutralEvent): number => {
  if (event.type !== 'block-delta') return 0
  const { delta } = event
  return delta.kind === 'text' ? delta.text.length : delta.kind === 'arguments' ? delta.json.length : 0
}
