import type { JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { StreamDecoder } from '../protocol.ts'
import { isObject } from '../read.ts'
import type { SseFrame } from '../sse.ts'
import { DecodedItem } from './decoder-item.ts'
import { decodeFinish, finishWord } from './finish.ts'
import { text } from './read-output.ts'
import { disconnected, readFailure, unreadable } from './stream-failure.ts'
import { decodeUsage } from './usage.ts'

/**
 * A stream of response events as neutral events. Items are told one after the other, whatever order their events come in; text comes from the deltas, else from the
 * `.done` events, else from the output that the last event repeats. Ids mean nothing here, since some servers change them from event to event; events are known by the
 * type in their data.
 */
export class Decoder implements StreamDecoder {
  #events: NeutralEvent[] = []
  #started = false
  #ended = false
  /** By the index of the output, or by id where a server gives none. */
  readonly #items = new Map<JsonValue, DecodedItem>()
  #last: DecodedItem | undefined
  readonly #all: DecodedItem[] = []
  /** Items not yet told to their end, in the order of the output; the first one is open towards our side. */
  readonly #queue: DecodedItem[] = []
  #nextIndex = 0
  #called = false
  #refused = false

  push({ event: name, data }: SseFrame): NeutralEvent[] {
    if (this.#ended || data === '') return []
    const event = parse(data)
    if (name === 'error' || isError(event)) this.#fail(readFailure(event ?? {}))
    else if (event) this.#read(event)
    else if (data.trim() !== '[DONE]') this.#fail(unreadable)
    return this.#take()
  }

  finish(): NeutralEvent[] {
    if (!this.#ended) this.#fail(disconnected)
    return this.#take()
  }

  #take(): NeutralEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  #read(event: JsonObject): void {
    switch (event['type']) {
      case 'response.created':
      case 'response.queued':
      case 'response.in_progress':
        return this.#start(event)
      case 'response.output_item.added':
        this.#start({})
        this.#add(event)
        break
      case 'response.output_text.delta':
        this.#item(event, 'message').part(event['content_index'], 'text')?.add(event['delta'])
        break
      case 'response.output_text.done':
        this.#item(event, 'message').part(event['content_index'], 'text')?.complete(event['text'])
        break
      case 'response.output_text.annotation.added':
        this.#item(event, 'message').part(event['content_index'], 'text')?.cite(event['annotation'])
        break
      case 'response.refusal.delta':
        this.#item(event, 'message').part(event['content_index'], 'refusal')?.add(event['delta'])
        break
      case 'response.refusal.done':
        this.#item(event, 'message').part(event['content_index'], 'refusal')?.complete(event['refusal'])
        break
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        this.#item(event, 'function_call').call?.add(event['delta'])
        break
      case 'response.function_call_arguments.done':
      case 'response.custom_tool_call_input.done':
        this.#item(event, 'function_call').call?.complete(event['arguments'] ?? event['input'])
        break
      case 'response.reasoning_summary_text.delta':
        this.#item(event, 'reasoning').reason(event['delta'], 'summary', event['summary_index'])
        break
      case 'response.reasoning_text.delta':
        this.#item(event, 'reasoning').reason(event['delta'], 'content', event['content_index'])
        break
      case 'response.output_item.done': {
        const item = isObject(event['item']) ? event['item'] : {}
        this.#item(event, text(item['type']), item).finish(item)
        break
      }
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return this.#end(event, isObject(event['response']) ? event['response'] : {})
      default:
        // Progress of hosted calls, whose whole item comes when it is done, and events that did not exist when this was written.
        return
    }
    this.#drain()
  }

  #start(event: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const response = isObject(event['response']) ? event['response'] : {}
    const created = response['created_at']
    this.#events.push({
      type: 'start',
      id: text(response['id']),
      model: text(response['model']),
      ...(typeof created === 'number' && created > 0 && { created: Math.floor(created) }),
    })
  }

  #add(event: JsonObject): DecodedItem {
    const item = isObject(event['item']) ? event['item'] : {}
    const key = keyOf(event, item)
    const known = this.#items.get(key)
    return known && !known.done && known.type === text(item['type']) ? known : this.#begin(key, item)
  }

  #begin(key: JsonValue, item: JsonObject): DecodedItem {
    this.#start({})
    const begun = new DecodedItem(item, typeof key === 'number' ? key : Number.POSITIVE_INFINITY)
    const place = this.#queue.findLastIndex(({ order }) => order <= begun.order) + 1
    this.#queue.splice(this.#queue[0]?.begun ? Math.max(1, place) : place, 0, begun)
    this.#items.set(key, begun)
    this.#all.push(begun)
    this.#last = begun
    return begun
  }

  /** The item an event is about; one of `type` is begun when none was. */
  #item(event: JsonObject, type: string, item: JsonObject = {}): DecodedItem {
    const key = keyOf(event, item)
    const known = key === null ? this.#last : this.#items.get(key)
    return known ?? this.#begin(key, { ...item, type })
  }

  #end(event: JsonObject, response: JsonObject): void {
    this.#start({ response })
    const status = text(response['status'])
    if (event['type'] === 'response.failed' || status === 'failed') return this.#fail(readFailure({ response }))
    if (event['type'] === 'response.cancelled' || status === 'cancelled') return this.#fail(disconnected)
    this.#complete(Array.isArray(response['output']) ? response['output'].filter(isObject) : [])
    for (const item of this.#all) item.finish()
    this.#drain()
    const usage = decodeUsage(response['usage'])
    if (usage) this.#events.push({ type: 'usage', usage })
    const word = finishWord(response, event['type'] === 'response.incomplete' || status === 'incomplete')
    const finish = decodeFinish(word, this.#called, this.#refused)
    this.#events.push({ type: 'finish', choice: 0, finish }, { type: 'end' })
    this.#ended = true
  }

  /** What the whole output has beyond what came: items are matched by id, else by order among those of a type. */
  #complete(output: readonly JsonObject[]): void {
    const open = new Set(this.#all)
    const left = output.filter((item) => {
      const same = this.#all.find((known) => open.has(known) && known.id !== '' && known.id === item['id'])
      if (!same) return true
      open.delete(same)
      same.finish(item)
      return false
    })
    for (const item of left) {
      const same = this.#all.find((known) => open.has(known) && known.type === text(item['type']))
      if (same) open.delete(same)
      const whole = same ?? this.#begin(`output ${this.#all.length}`, item)
      whole.finish(item)
    }
  }

  /** Tells what the first item has to tell; when it is done, the next one is first. */
  #drain(): void {
    for (;;) {
      const [item] = this.#queue
      if (!item) return
      for (let block = item.blocks[item.told]; block; block = item.blocks[item.told]) {
        const told = block.index !== undefined
        block.tell(() => this.#nextIndex++, this.#events)
        if (!told && block.index !== undefined) {
          if (block.start?.kind === 'tool-call') this.#called = true
          if (block.start?.kind === 'refusal') this.#refused = true
        }
        if (!block.stopped) return
        item.told++
      }
      if (!item.done) return
      this.#queue.shift()
    }
  }

  #fail(error: ProviderFailure): void {
    this.#ended = true
    this.#start({})
    const [item] = this.#queue
    const open = item?.blocks[item.told]
    if (open?.index !== undefined) this.#events.push({ type: 'block-stop', choice: 0, index: open.index })
    this.#events.push({ type: 'error', error }, { type: 'end' })
  }
}

const keyOf = (event: JsonObject, item: JsonObject): JsonValue =>
  event['output_index'] ?? event['item_id'] ?? item['id'] ?? null

/** By its type, or, from servers that imitate the API, by nothing but an error object. */
const isError = (event: JsonObject | undefined): boolean =>
  event !== undefined &&
  (event['type'] === 'error' || (event['type'] === undefined && (event['error'] ?? null) !== null))

const parse = (data: string): JsonObject | undefined => {
  try {
    const value = parseJson(data)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
