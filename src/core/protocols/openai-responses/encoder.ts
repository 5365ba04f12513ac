import type { GatewayError } from '../../kernel/errors.ts'
import { brokenFinish, failed, unfinished } from '../encoder-failure.ts'
import { imageOf } from '../made-media.ts'
import type { BlockDelta, BlockStart, Finish, JsonObject, NeutralEvent, Usage } from '../neutral/index.ts'
import type { EncodeOptions, StreamEncoder } from '../protocol.ts'
import { encodeCitation } from './answer-items.ts'
import { EncodedItems } from './encoder-items.ts'
import { wholeItem } from './encode-response.ts'
import { EventWriter, failureEvents } from './event-writer.ts'
import { encodeFinish, type WireFinish } from './finish.ts'
import { answerId } from './ids.ts'
import { type AnswerState, responseObject, wantsState } from './response-object.ts'
import { namespacedTools } from './tool-namespaces.ts'

/**
 * Neutral events as this protocol's stream: created, in_progress, items one after the other, and one last event with the whole answer. Nothing is sent before the first
 * block, so that a provider that fails at once can still be answered with a status.
 */
export class Encoder implements StreamEncoder {
  failure: string | undefined
  readonly #options: EncodeOptions
  readonly #sealed: boolean
  readonly #writer = new EventWriter()
  #items: EncodedItems
  #id = ''
  #created: number
  #begun = false
  #ended = false
  #block: BlockStart | undefined
  #refused = false
  #usage: Usage | undefined
  #end: WireFinish | undefined

  constructor(options: EncodeOptions) {
    this.#options = options
    this.#sealed = wantsState(options)
    this.#created = options.created
    this.#items = this.#newItems()
  }

  #newItems(): EncodedItems {
    this.#id = answerId(this.#id, this.#options)
    return new EncodedItems(this.#writer, this.#id, namespacedTools(this.#options.asked))
  }

  push(event: NeutralEvent): string {
    if (this.#ended || this.failure !== undefined) return ''
    switch (event.type) {
      case 'start':
        this.#id = event.id
        this.#created = event.created ?? this.#options.created
        this.#items = this.#newItems()
        return ''
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'block-start':
        return event.choice === 0 ? this.#open(event.block) : ''
      case 'block-delta':
        return event.choice === 0 ? this.#delta(event.delta) : ''
      case 'block-stop':
        return event.choice === 0 ? this.#close() : ''
      case 'finish':
        return event.choice === 0 ? this.#finish(event.finish) : ''
      case 'error':
        return this.#fail(failed)
      case 'end':
        return this.#last()
    }
  }

  fail(error: GatewayError, _requestId: string): string {
    const { output } = this.#items
    const response = this.#begun ? this.#answer({ status: 'failed', output: this.#items.withOpen(output) }) : undefined
    return failureEvents(this.#writer, error, response)
  }

  #begin(): string {
    if (this.#begun) return ''
    this.#begun = true
    const response = this.#answer({ status: 'in_progress', output: [] })
    return (
      this.#writer.event('response.created', { response }) + this.#writer.event('response.in_progress', { response })
    )
  }

  #answer(state: Pick<AnswerState, 'status' | 'output' | 'reason' | 'usage'>): JsonObject {
    return responseObject({ id: this.#id, created: this.#created, ...state }, this.#options)
  }

  #open(block: BlockStart): string {
    this.#block = block
    const begin = this.#begin()
    if (block.kind === 'tool-call') return begin + this.#items.openCall(block)
    if (block.kind === 'opaque') {
      const isTold = block.part.protocol === 'openai-responses' || imageOf(block) !== undefined
      return isTold ? begin + this.#items.addWhole((index) => wholeItem(block.part, this.#id, index)) : begin
    }
    if (block.kind === 'thinking' && block.redacted !== undefined && this.#sealed)
      return begin + this.#items.openReasoning(block.id) + this.#items.seal(block.redacted)
    return begin
  }

  #delta(delta: BlockDelta): string {
    const block = this.#block
    if (!block) return ''
    switch (delta.kind) {
      case 'text':
        return delta.text === '' ? '' : this.#text(block, delta.text)
      case 'arguments':
        return block.kind === 'tool-call' ? this.#items.writeCall(delta.json) : ''
      case 'signature':
        if (block.kind !== 'thinking' || !this.#sealed) return ''
        return this.#items.openReasoning(block.id) + this.#items.seal(delta.signature)
      case 'citation': {
        if (block.kind !== 'text' || !encodeCitation(delta.citation)) return ''
        return this.#items.cite(delta.citation)
      }
    }
  }

  #text(block: BlockStart, piece: string): string {
    switch (block.kind) {
      case 'text':
        return this.#items.write('output_text', piece)
      case 'refusal':
        this.#refused = true
        return this.#items.write('refusal', piece)
      case 'thinking':
        return this.#items.openReasoning(block.id) + this.#items.reason(piece)
      case 'tool-call':
      case 'opaque':
        return ''
    }
  }

  #close(): string {
    this.#block = undefined
    return this.#items.closePart()
  }

  #finish(finish: Finish): string {
    const end = encodeFinish(finish)
    if (!end) return this.#fail(brokenFinish(finish))
    this.#end = end
    let out = this.#begin()
    if (finish.reason === 'refusal' && finish.explanation && !this.#refused)
      out += this.#items.write('refusal', finish.explanation) + this.#items.closePart()
    return out + this.#items.close(end.status)
  }

  #last(): string {
    // Nothing may look finished that did not finish.
    if (!this.#end) return this.#fail(unfinished)
    this.#ended = true
    const { status, reason } = this.#end
    const response = this.#answer({ status, reason, output: this.#items.output, usage: this.#usage })
    return this.#writer.event(`response.${status}`, { response })
  }

  #fail(why: string): '' {
    this.failure = why
    return ''
  }
}
