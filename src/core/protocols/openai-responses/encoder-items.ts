import type { JsonObject } from '../neutral/index.ts'
import {
  type Call,
  callItem,
  encodeCitation,
  hasPlace,
  type ItemStatus,
  messageItem,
  reasoningItem,
  summaryPart,
} from './answer-items.ts'
import {
  made,
  type OpenCall,
  type OpenMessage,
  type OpenPart,
  type OpenReasoning,
  type PartKind,
} from './encoder-part.ts'
import type { EventWriter } from './event-writer.ts'
import { itemId, reasoningId } from './ids.ts'
import type { NamespacedName } from './tool-namespaces.ts'

/**
 * The items of a stream, one open at a time. An item stays open behind its last block until the next one or the end is known: texts next to each other are parts of one
 * message, and only the end tells whether the last item was cut short.
 */
export class EncodedItems {
  readonly output: JsonObject[] = []
  readonly #writer: EventWriter
  readonly #answer: string
  readonly #namespaced: ReadonlyMap<string, NamespacedName>
  #open: OpenMessage | OpenReasoning | OpenCall | undefined

  constructor(writer: EventWriter, answer: string, namespaced: ReadonlyMap<string, NamespacedName>) {
    this.#writer = writer
    this.#answer = answer
    this.#namespaced = namespaced
  }

  /** A piece of text or refusal. */
  write(kind: PartKind, piece: string): string {
    const { out, message, part } = this.#part(kind)
    part.text += piece
    const value = JSON.stringify(piece)
    const logprobs = kind === 'output_text' ? ',"logprobs":[]' : ''
    return `${out}${this.#writer.raw(`response.${kind}.delta`, `${at(message)},"content_index":${message.parts.length},"delta":${value}${logprobs}`)}`
  }

  cite(citation: JsonObject): string {
    const { out, message, part } = this.#part('output_text')
    if (hasPlace(citation)) return out + this.#annotate(message, part, citation)
    part.owed.push(citation)
    return out
  }

  #annotate(message: OpenMessage, part: OpenPart, citation: JsonObject): string {
    const annotation = encodeCitation(citation, part.text)
    if (!annotation) return ''
    const annotation_index = part.annotations.push(annotation) - 1
    const place = { item_id: message.id, output_index: message.index, content_index: message.parts.length }
    return this.#writer.event('response.output_text.annotation.added', { ...place, annotation_index, annotation })
  }

  #part(kind: PartKind): { out: string; message: OpenMessage; part: OpenPart } {
    const open = this.#open
    if (open?.type === 'message' && open.part?.kind === kind) return { out: '', message: open, part: open.part }
    let out = open?.type === 'message' ? this.closePart() : this.close('completed')
    let message = open?.type === 'message' ? open : undefined
    if (!message) {
      const index = this.output.length
      message = { type: 'message', id: itemId('msg_', this.#answer, index), index, parts: [], part: undefined }
      this.#open = message
      out += this.#added(messageItem(message.id, 'in_progress', []))
    }
    const part: OpenPart = { kind, text: '', annotations: [], owed: [] }
    message.part = part
    out += this.#onPart('added', message, made(part))
    return { out, message, part }
  }

  #onPart(event: 'added' | 'done', { id, index, parts }: OpenMessage, part: JsonObject): string {
    const place = { item_id: id, output_index: index, content_index: parts.length }
    return this.#writer.event(`response.content_part.${event}`, { ...place, part })
  }

  openReasoning(id: string | undefined): string {
    if (this.#open?.type === 'reasoning' && !this.#open.stopped) return ''
    const out = this.close('completed')
    const index = this.output.length
    const open = reasoningId(id, this.#answer, index)
    this.#open = { type: 'reasoning', id: open, index, text: '', sealed: undefined, stopped: false }
    return out + this.#added(reasoningItem(open, '', undefined))
  }

  reason(piece: string): string {
    const open = this.#open
    if (open?.type !== 'reasoning') return ''
    const place = { item_id: open.id, output_index: open.index, summary_index: 0 }
    const first = open.text === ''
    open.text += piece
    const added = first
      ? this.#writer.event('response.reasoning_summary_part.added', { ...place, part: summaryPart('') })
      : ''
    return (
      added +
      this.#writer.raw(
        'response.reasoning_summary_text.delta',
        `${at(open)},"summary_index":0,"delta":${JSON.stringify(piece)}`,
      )
    )
  }

  /** State that comes back with the item. */
  seal(piece: string): '' {
    if (this.#open?.type === 'reasoning') this.#open.sealed = (this.#open.sealed ?? '') + piece
    return ''
  }

  openCall({ id: callId, name, custom }: Call): string {
    const out = this.close('completed')
    const index = this.output.length
    const id = itemId(custom ? 'ctc_' : 'fc_', this.#answer, index)
    const call = { id: callId, name, ...(custom && { custom }) }
    this.#open = { type: 'call', id, index, call, text: '', stopped: false }
    return out + this.#added(callItem(id, 'in_progress', call, '', this.#namespaced))
  }

  writeCall(piece: string): string {
    const open = this.#open
    if (open?.type !== 'call' || piece === '') return ''
    open.text += piece
    const type = open.call.custom ? 'response.custom_tool_call_input.delta' : 'response.function_call_arguments.delta'
    return this.#writer.raw(type, `${at(open)},"delta":${JSON.stringify(piece)}`)
  }

  /** An item of this protocol, as it is. */
  addWhole(make: (index: number) => JsonObject): string {
    const out = this.close('completed')
    const place = { output_index: this.output.length }
    const item = make(this.output.length)
    this.output.push(item)
    return (
      out +
      this.#writer.event('response.output_item.added', { ...place, item }) +
      this.#writer.event('response.output_item.done', { ...place, item })
    )
  }

  /** The open block is whole; its item stays open. */
  closePart(): string {
    const open = this.#open
    switch (open?.type) {
      case 'message':
        return this.#closeText(open)
      case 'reasoning':
        return this.#closeSummary(open)
      case 'call':
        return this.#closeCall(open)
      case undefined:
        return ''
    }
  }

  #closeText(open: OpenMessage): string {
    const { part } = open
    if (!part) return ''
    const place = { item_id: open.id, output_index: open.index, content_index: open.parts.length }
    const cited = part.owed.map((citation) => this.#annotate(open, part, citation)).join('')
    const whole = made(part)
    const done =
      part.kind === 'refusal'
        ? this.#writer.event('response.refusal.done', { ...place, refusal: part.text })
        : this.#writer.event('response.output_text.done', { ...place, text: part.text, logprobs: [] })
    const out = cited + done + this.#onPart('done', open, whole)
    open.parts.push(whole)
    open.part = undefined
    return out
  }

  #closeSummary(open: OpenReasoning): string {
    if (open.stopped) return ''
    open.stopped = true
    if (open.text === '') return ''
    const place = { item_id: open.id, output_index: open.index, summary_index: 0 }
    return (
      this.#writer.event('response.reasoning_summary_text.done', { ...place, text: open.text }) +
      this.#writer.event('response.reasoning_summary_part.done', { ...place, part: summaryPart(open.text) })
    )
  }

  /** Clients parse the arguments: a call without any has an empty object. */
  #closeCall(open: OpenCall): string {
    if (open.stopped) return ''
    const out = open.text === '' && !open.call.custom ? this.writeCall('{}') : ''
    open.stopped = true
    const place = { item_id: open.id, output_index: open.index }
    if (open.call.custom)
      return out + this.#writer.event('response.custom_tool_call_input.done', { ...place, input: open.text })
    const name = this.#namespaced.get(open.call.name)?.name ?? open.call.name
    const done = { ...place, name, arguments: open.text }
    return out + this.#writer.event('response.function_call_arguments.done', done)
  }

  /** The open item is whole, or was cut short. */
  close(status: ItemStatus): string {
    const open = this.#open
    if (!open) return ''
    const out = this.closePart()
    this.#open = undefined
    const item = this.#made(open, status)
    this.output.push(item)
    return out + this.#writer.event('response.output_item.done', { output_index: open.index, item })
  }

  /** The items with what there is of the open one. */
  withOpen(items: readonly JsonObject[]): JsonObject[] {
    return this.#open ? [...items, this.#made(this.#open, 'incomplete')] : [...items]
  }

  #made(open: OpenMessage | OpenReasoning | OpenCall, status: ItemStatus): JsonObject {
    switch (open.type) {
      case 'message':
        return messageItem(open.id, status, open.part ? [...open.parts, made(open.part)] : open.parts)
      case 'reasoning':
        return reasoningItem(open.id, open.text, open.sealed)
      case 'call':
        return callItem(open.id, status, open.call, open.text, this.#namespaced)
    }
  }

  #added(item: JsonObject): string {
    return this.#writer.event('response.output_item.added', { output_index: this.output.length, item })
  }
}

const at = ({ id, index }: { readonly id: string; readonly index: number }): string =>
  `"item_id":"${id}","output_index":${index}`
