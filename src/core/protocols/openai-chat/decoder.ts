import type { JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { DecodeOptions, StreamDecoder } from '../protocol.ts'
import { isObject } from '../read.ts'
import type { SseFrame } from '../sse.ts'
import { ChoiceDecoder } from './decoder-choice.ts'
import type { ChatDialect } from './dialect.ts'
import { decodeStreamError } from './errors.ts'
import { unnamedEnd } from './finish.ts'
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

/**
 * A Chat stream as neutral events, as lenient as the servers that send it: chunks without choices, role, ids or index, usage on any chunk, errors in every shape,
 * `[DONE]` or just the end; neither of them is a finish. A finish is told as soon as it is known; an error behind it changes nothing for an answer that was whole.
 */
export class Decoder implements StreamDecoder {
  readonly #events: NeutralEvent[] = []
  readonly #choices = new Map<number, ChoiceDecoder>()
  readonly #dialect: ChatDialect | undefined
  #started = false
  #ended = false

  constructor({ chat }: DecodeOptions = {}) {
    this.#dialect = chat
  }

  push({ event: name, data }: SseFrame): NeutralEvent[] {
    if (this.#ended || data === '') return []
    if (data.trim() === '[DONE]') this.#end(true)
    else this.#read(name, parse(data))
    return this.#take()
  }

  finish(): NeutralEvent[] {
    if (!this.#ended) this.#end(false)
    return this.#take()
  }

  #take(): NeutralEvent[] {
    return this.#events.splice(0)
  }

  #read(name: string, chunk: JsonObject | undefined): void {
    if (!chunk) return this.#fail(unreadable)
    const failed = chunk['error'] ?? null
    const choices = Array.isArray(chunk['choices']) ? chunk['choices'].filter(isObject) : []
    const groq = chunk['x_groq']
    const usage = decodeUsage(chunk['usage'] ?? (isObject(groq) ? groq['usage'] : null))
    if (choices.length > 0 || usage) this.#start(chunk)
    for (const choice of choices) this.#choice(choice).push(choice)
    if (usage) this.#events.push({ type: 'usage', usage })
    if (failed !== null || name === 'error') this.#fail(decodeStreamError(chunk))
  }

  #start(chunk: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const created = chunk['created']
    this.#events.push({
      type: 'start',
      id: text(chunk['id']),
      model: text(chunk['model']),
      // Some servers say 0, which is no time at all.
      ...(typeof created === 'number' && created > 0 && { created: Math.floor(created) }),
    })
  }

  #choice(choice: JsonObject): ChoiceDecoder {
    const index = typeof choice['index'] === 'number' ? choice['index'] : 0
    let decoder = this.#choices.get(index)
    if (!decoder) {
      decoder = new ChoiceDecoder(index, this.#events, this.#dialect)
      this.#choices.set(index, decoder)
    }
    return decoder
  }

  /** `marked`: by `[DONE]`, which ends calls that are whole, and answers of servers that are known to name no reason. */
  #end(marked: boolean): void {
    const answers = this.#choices.values().toArray()
    if (marked) for (const answer of answers) answer.close()
    if (answers.length === 0 || !answers.every((choice) => choice.finished))
      return this.#fail(marked && answers.length > 0 ? { ...cut, message: unnamedEnd } : cut)
    this.#ended = true
    this.#events.push({ type: 'end' })
  }

  #fail(error: ProviderFailure): void {
    const answers = this.#choices.values().toArray()
    if (answers.length > 0 && answers.every((choice) => choice.finished)) return
    this.#ended = true
    this.#start({})
    for (const answer of answers) answer.abandon()
    this.#events.push({ type: 'error', error }, { type: 'end' })
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

const parse = (data: string): JsonObject | undefined => {
  try {
    const value = parseJson(data)
    // Google's endpoint tells errors in a list.
    const told = Array.isArray(value) ? value[0] : value
    return isObject(told) ? told : undefined
  } catch {
    return undefined
  }
}
