import type { BlockDelta, BlockStart, Finish, JsonObject, NeutralEvent, Usage } from '../neutral/index.ts'
import { isSealed } from '../sealed.ts'
import type { EncodeOptions, StreamEncoder } from '../protocol.ts'
import { brokenFinish, failed, unfinished } from '../encoder-failure.ts'
import { imageOf, leftOut, type MadeMedia, mediaOf, onlyMedia } from '../made-media.ts'
import { encodeFinish } from './finish.ts'
import { answerId, callId } from './ids.ts'
import { encodeCitation, encodeImage } from './read-content.ts'
import { encodeState } from './reasoning-details.ts'
import { encodeUsage } from './usage.ts'

/** What was told of one choice. */
interface Told {
  begun: boolean
  finished: boolean
  kind: BlockStart['kind'] | null
  calls: number
  gotArguments: boolean
  /** The open call is one of a free-text tool. */
  custom: boolean
  refused: boolean
  /** Sealed state that waits for what it stands in front of. */
  state: string
  states: number
  images: number
  /** Whether there is a text. */
  said: boolean
  /** What was made and has no place here. */
  readonly lost: MadeMedia[]
}

/**
 * Neutral events as chunks: a first chunk with the role, text, reasoning and calls as deltas, one chunk with the finish reason, the usage if asked for, `[DONE]`. The
 * first chunk waits for the first block, so that a provider that fails at once can still be answered with a status.
 */
export class Encoder implements StreamEncoder {
  failure: string | undefined
  readonly #options: EncodeOptions
  readonly #choices = new Map<number, Told>()
  /** The chunk up to the index of its choice; the same for all chunks of a stream. */
  #head = ''
  readonly #tail: string
  #usage: Usage | undefined
  #ended = false

  constructor(options: EncodeOptions) {
    this.#options = options
    this.#tail = options.includeUsage ? '],"usage":null}\n\n' : ']}\n\n'
  }

  push(event: NeutralEvent): string {
    if (this.#ended || this.failure !== undefined) return ''
    switch (event.type) {
      case 'start':
        this.#head = this.#makeHead(event.id, event.created)
        return ''
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'block-start':
        return this.#open(event.choice, event.block)
      case 'block-delta':
        return this.#delta(event.choice, event.delta)
      case 'block-stop':
        return this.#close(event.choice)
      case 'finish':
        return this.#finish(event.choice, event.finish)
      case 'error':
        return this.#fail(failed)
      case 'end':
        return this.#end()
    }
  }

  #makeHead(id: string, created: number = this.#options.created): string {
    const shared = { id: answerId(id), object: 'chat.completion.chunk', created, model: this.#options.model }
    return `data: ${JSON.stringify({ ...shared, system_fingerprint: null }).slice(0, -1)},"choices":[`
  }

  #chunk(choice: number, delta: string, finish = 'null'): string {
    return `${this.#head}{"index":${choice},"delta":${delta},"logprobs":null,"finish_reason":${finish}}${this.#tail}`
  }

  #choice(choice: number): Told {
    let told = this.#choices.get(choice)
    if (!told) {
      told = {
        begun: false,
        finished: false,
        kind: null,
        calls: 0,
        gotArguments: false,
        custom: false,
        refused: false,
        state: '',
        states: 0,
        images: 0,
        said: false,
        lost: [],
      }
      this.#choices.set(choice, told)
    }
    return told
  }

  #open(choice: number, block: BlockStart): string {
    const told = this.#choice(choice)
    const state = this.#state(choice, told, block.kind === 'tool-call' ? callId(block.id) : null)
    return state + this.#begin(choice, told, block)
  }

  /** What waits has its place now. It never comes before the role: a thinking block was there. */
  #state(choice: number, told: Told, call: string | null): string {
    if (told.state === '') return ''
    const detail = encodeState(told.state, told.states++, call)
    told.state = ''
    return this.#chunk(choice, `{"reasoning_details":[${JSON.stringify(detail)}]}`)
  }

  #begin(choice: number, told: Told, block: BlockStart): string {
    told.kind = block.kind
    const media = block.kind === 'opaque' ? mediaOf(block.part) : undefined
    if (media) return this.#media(choice, told, block, media)
    if (block.kind === 'refusal') told.refused = true
    const call = this.#firstOfCall(told, block)
    if (told.begun) return call ? this.#chunk(choice, `{"tool_calls":[${call}]}`) : ''
    told.begun = true
    return call
      ? this.#chunk(choice, `{"role":"assistant","content":null,"refusal":null,"tool_calls":[${call}]}`)
      : this.#role(choice, block.kind === 'text' ? '""' : 'null')
  }

  #media(choice: number, told: Told, block: BlockStart, media: MadeMedia): string {
    const image = imageOf(block)
    if (!image) {
      told.lost.push(media)
      return ''
    }
    const role = told.begun ? '' : this.#role(choice, 'null')
    told.begun = true
    return role + this.#chunk(choice, JSON.stringify({ images: [encodeImage(image, told.images++)] }))
  }

  #role(choice: number, content: string): string {
    return this.#chunk(choice, `{"role":"assistant","content":${content},"refusal":null}`)
  }

  #firstOfCall(told: Told, block: BlockStart): string {
    if (block.kind === 'opaque') {
      const call = block.part.protocol === 'openai-chat' ? block.part.value['tool_call'] : undefined
      return call ? JSON.stringify({ index: told.calls++, ...(call as JsonObject) }) : ''
    }
    if (block.kind !== 'tool-call') return ''
    told.gotArguments = false
    told.custom = block.custom === true
    return JSON.stringify({
      index: told.calls++,
      id: callId(block.id),
      ...(told.custom
        ? { type: 'custom', custom: { name: block.name, input: '' } }
        : { type: 'function', function: { name: block.name, arguments: '' } }),
    })
  }

  #delta(choice: number, delta: BlockDelta): string {
    const told = this.#choice(choice)
    switch (delta.kind) {
      case 'text':
        if (told.kind === 'text') told.said = true
        return delta.text === '' ? '' : this.#chunk(choice, `{"${fieldOf(told)}":${JSON.stringify(delta.text)}}`)
      case 'arguments':
        if (delta.json === '') return ''
        told.gotArguments = true
        return this.#arguments(choice, told, delta.json)
      case 'citation': {
        const annotation = encodeCitation(delta.citation)
        return annotation ? this.#chunk(choice, `{"annotations":[${JSON.stringify(annotation)}]}`) : ''
      }
      case 'signature':
        // Only what was sealed for the way through a client: bare state of a provider means nothing here.
        if (isSealed(delta.signature)) told.state = delta.signature
        return ''
    }
  }

  #arguments(choice: number, told: Told, json: string): string {
    const piece = JSON.stringify(json)
    const made = told.custom ? `"custom":{"input":${piece}}` : `"function":{"arguments":${piece}}`
    const call = `{"index":${told.calls - 1},${made}}`
    return this.#chunk(choice, `{"tool_calls":[${call}]}`)
  }

  /** Clients parse the arguments: a call without any has an empty object. */
  #close(choice: number): string {
    const told = this.#choice(choice)
    const empty = told.kind === 'tool-call' && !told.gotArguments && !told.custom
    told.kind = null
    return empty ? this.#arguments(choice, told, '{}') : ''
  }

  #finish(choice: number, finish: Finish): string {
    const reason = encodeFinish(finish)
    if (reason === undefined) return this.#fail(brokenFinish(finish))
    const told = this.#choice(choice)
    const isEmpty = !told.said && !told.refused && told.calls + told.images === 0
    if (isEmpty && told.lost.length > 0) return this.#fail(onlyMedia(told.lost))
    let out = told.begun ? this.#state(choice, told, null) : this.#role(choice, '""')
    if (told.lost.length > 0)
      out += this.#chunk(choice, JSON.stringify({ content: `${told.said ? '\n\n' : ''}${leftOut(told.lost)}` }))
    told.begun = true
    told.finished = true
    if (finish.reason === 'refusal' && finish.explanation && !told.refused)
      out += this.#chunk(choice, JSON.stringify({ refusal: finish.explanation }))
    return out + this.#chunk(choice, '{}', `"${reason}"`)
  }

  #end(): string {
    // Nothing may look finished that did not finish.
    const answers = [...this.#choices.values()]
    if (answers.length === 0 || answers.some((told) => !told.finished)) return this.#fail(unfinished)
    this.#ended = true
    const asked = this.#options.includeUsage && this.#usage
    const usage = asked ? `${this.#head}],"usage":${JSON.stringify(encodeUsage(asked))}}\n\n` : ''
    return `${usage}data: [DONE]\n\n`
  }

  #fail(why: string): '' {
    this.failure = why
    return ''
  }
}

const fieldOf = ({ kind }: Told): string =>
  kind === 'thinking' ? 'reasoning_content' : kind === 'refusal' ? 'refusal' : 'content'
