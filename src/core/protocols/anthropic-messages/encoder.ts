import type { BlockDelta, BlockStart, Finish, JsonObject, NeutralEvent, Usage } from '../neutral/index.ts'
import type { EncodeOptions, StreamEncoder } from '../protocol.ts'
import { brokenFinish, failed, unfinished } from '../encoder-failure.ts'
import { leftOut, type MadeMedia, mediaOf, onlyMedia } from '../made-media.ts'
import { formatEvent } from '../sse.ts'
import { encodeCitation } from './citations.ts'
import { estimateUsage } from '../estimate.ts'
import { encodeFinish } from './finish.ts'
import { messageId, toolId } from './ids.ts'
import { renameFallback } from './mask.ts'
import { isObject } from './read.ts'
import { encodeUsage } from './usage.ts'

/** A block that is open towards the client. */
interface OpenBlock {
  readonly kind: BlockStart['kind']
  /** Its index on the wire: ours, since blocks that cannot be expressed are left out. */
  readonly index: number
  gotArguments: boolean
  /** Of a text block, for what is cited of it. */
  text: string
}

/**
 * Neutral events as this protocol's stream: message_start, blocks, message_delta, message_stop; every event named, since the SDKs skip events without a name. The
 * message starts with an estimate of its input, because clients read it there and nowhere else; message_delta tells the truth.
 */
export class Encoder implements StreamEncoder {
  failure: string | undefined
  readonly #options: EncodeOptions
  #id: string | undefined
  #started = false
  #ended = false
  #open: OpenBlock | undefined
  #nextIndex = 0
  #usage: Usage | undefined
  #finish: Finish | undefined
  #refused = false
  #deliveredChars = 0
  /** Whether there is a text or a call. */
  #said = false
  /** What was made and has no place here. */
  readonly #lost: MadeMedia[] = []

  constructor(options: EncodeOptions) {
    this.#options = options
  }

  push(event: NeutralEvent): string {
    if (this.#ended || this.failure !== undefined) return ''
    switch (event.type) {
      case 'start':
        // Sent with the next event: a provider that knows its usage tells it then.
        this.#id = event.id
        return ''
      case 'usage':
        this.#usage = event.usage
        return this.#start()
      case 'block-start':
        return event.choice === 0 ? this.#start() + this.#openBlock(event.block) : ''
      case 'block-delta':
        return event.choice === 0 ? this.#delta(event.delta) : ''
      case 'block-stop':
        return event.choice === 0 ? this.#closeBlock() : ''
      case 'finish':
        return event.choice === 0 ? this.#onFinish(event.finish) : this.#start()
      case 'error':
        return this.#fail(failed)
      case 'end':
        return this.#end()
    }
  }

  #start(): string {
    if (this.#started) return ''
    this.#started = true
    const usage = this.#usage ?? estimateUsage(this.#options.estimatedInputTokens, 0)
    return frame('message_start', {
      message: {
        id: messageId(this.#id ?? ''),
        type: 'message',
        role: 'assistant',
        model: this.#options.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        container: null,
        diagnostics: null,
        // Some clients add the output of message_start to that of message_delta.
        usage: encodeUsage({ ...usage, output: { visible: 0, reasoning: 0 } }),
      },
    })
  }

  #openBlock(block: BlockStart): string {
    const media = block.kind === 'opaque' ? mediaOf(block.part) : undefined
    if (media) this.#lost.push(media)
    const wire = startOf(block, this.#options.model)
    if (!wire) return ''
    if (block.kind === 'tool-call') this.#said = true
    const index = this.#nextIndex++
    this.#open = { kind: block.kind, index, gotArguments: false, text: '' }
    if (block.kind === 'refusal') this.#refused = true
    const { input, type, ...rest } = wire
    // What a server tool is asked streams like the arguments of any tool.
    const streamed = block.kind === 'opaque' && isObject(input) && typeof type === 'string' && type.endsWith('tool_use')
    const start = frame('content_block_start', { index, content_block: streamed ? { type, ...rest, input: {} } : wire })
    if (streamed) return start + deltaFrame(index, 'input_json_delta', 'partial_json', JSON.stringify(input))
    if (block.kind !== 'tool-call') return start
    return start + deltaFrame(index, 'input_json_delta', 'partial_json', '')
  }

  #delta(delta: BlockDelta): string {
    const open = this.#open
    if (!open) return ''
    switch (delta.kind) {
      case 'text':
        if (delta.text === '') return ''
        this.#deliveredChars += delta.text.length
        if (open.kind === 'thinking') return deltaFrame(open.index, 'thinking_delta', 'thinking', delta.text)
        this.#said = true
        open.text += delta.text
        return deltaFrame(open.index, 'text_delta', 'text', delta.text)
      case 'arguments':
        if (delta.json === '') return ''
        this.#deliveredChars += delta.json.length
        open.gotArguments = true
        return deltaFrame(open.index, 'input_json_delta', 'partial_json', delta.json)
      case 'signature':
        return deltaFrame(open.index, 'signature_delta', 'signature', delta.signature)
      case 'citation': {
        const citation = encodeCitation(delta.citation, open.text)
        return citation
          ? frame('content_block_delta', { index: open.index, delta: { type: 'citations_delta', citation } })
          : ''
      }
    }
  }

  #closeBlock(): string {
    const open = this.#open
    if (!open) return ''
    this.#open = undefined
    // Every client parses "{}"; not every client takes no text at all for an empty object.
    const empty = open.kind === 'tool-call' && !open.gotArguments
    const last = empty ? deltaFrame(open.index, 'input_json_delta', 'partial_json', '{}') : ''
    return last + frame('content_block_stop', { index: open.index })
  }

  /** Told at once: with the finish the caller takes an answer for whole. */
  #onFinish(finish: Finish): string {
    if (!encodeFinish(finish, this.#refused)) return this.#fail(brokenFinish(finish))
    if (this.#lost.length > 0 && !this.#said) return this.#fail(onlyMedia(this.#lost))
    this.#finish = finish
    return this.#start()
  }

  #end(): string {
    if (!this.#finish) return this.#fail(unfinished)
    const usage = this.#usage ?? estimateUsage(this.#options.estimatedInputTokens, this.#deliveredChars)
    const out =
      this.#start() +
      this.#closeBlock() +
      this.#tellLost() +
      frame('message_delta', {
        delta: { ...encodeFinish(this.#finish, this.#refused), container: null },
        usage: deltaUsage(usage),
      }) +
      frame('message_stop', {})
    this.#ended = true
    return out
  }

  #tellLost(): string {
    if (this.#lost.length === 0) return ''
    const index = this.#nextIndex++
    return (
      frame('content_block_start', { index, content_block: { type: 'text', text: '', citations: null } }) +
      deltaFrame(index, 'text_delta', 'text', leftOut(this.#lost)) +
      frame('content_block_stop', { index })
    )
  }

  #fail(why: string): '' {
    this.failure = why
    return ''
  }
}

const frame = (type: string, payload: JsonObject): string => formatEvent(type, JSON.stringify({ type, ...payload }))

/** The frame most streams are made of, written by hand: it is built once per token. */
const deltaFrame = (index: number, type: string, field: string, value: string): string =>
  `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${field}":${JSON.stringify(value)}}}\n\n`

const startOf = (block: BlockStart, model: string): JsonObject | undefined => {
  switch (block.kind) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: '', citations: null }
    case 'thinking':
      if (block.redacted === undefined) return { type: 'thinking', thinking: '', signature: '' }
      return block.signedBy === 'anthropic-messages' ? { type: 'redacted_thinking', data: block.redacted } : undefined
    case 'tool-call':
      return { type: 'tool_use', id: toolId(block.id), name: block.name, input: {}, caller: { type: 'direct' } }
    case 'opaque':
      return block.part.protocol === 'anthropic-messages' ? renameFallback(block.part.value, model) : undefined
  }
}

/** The cumulative counts of message_delta: those of a message without the fields that describe how it was served. */
const deltaUsage = (usage: Usage): JsonObject => {
  const { service_tier: _, inference_geo: __, speed: ___, ...counts } = encodeUsage(usage)
  return counts
}
