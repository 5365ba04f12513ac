import type { BlockDelta, BlockStart, JsonObject, JsonValue, NeutralEvent } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { isObject } from './read.ts'

/**
 * One block of a provider's stream while it comes in. Blocks without a neutral counterpart (server tools, their results, compaction) are put together first and told
 * whole when they stop; all others are told as they come.
 */
export class DecodedBlock {
  /** The neutral index; undefined until the start was told. */
  index: number | undefined
  stopped = false
  readonly isToolCall: boolean
  readonly #start: BlockStart | undefined
  readonly #whole: JsonObject
  #inputJson = ''
  #gotArguments = false
  #pending: BlockDelta[] = []

  /** `block` is the `content_block` of its start. */
  constructor(block: JsonObject) {
    this.#whole = { ...block }
    this.#start = startOf(block)
    this.isToolCall = this.#start?.kind === 'tool-call'
    // Servers that imitate the API send the beginning of a text here.
    if (this.#start?.kind === 'text') {
      this.#addText(block['text'])
      if (Array.isArray(block['citations'])) {
        for (const citation of block['citations'])
          if (isObject(citation)) this.#pending.push({ kind: 'citation', citation })
      }
    } else if (this.#start?.kind === 'thinking') {
      this.#addText(block['thinking'])
      this.#addSignature(block['signature'])
    }
  }

  add(delta: JsonObject): void {
    if (this.stopped) return
    if (!this.#start) return this.#collect(delta)
    switch (delta['type']) {
      case 'text_delta':
        return this.#addText(delta['text'])
      case 'thinking_delta':
        return this.#addText(delta['thinking'])
      case 'signature_delta':
        return this.#addSignature(delta['signature'])
      case 'citations_delta':
        if (isObject(delta['citation'])) this.#pending.push({ kind: 'citation', citation: delta['citation'] })
        return
      case 'input_json_delta': {
        const json = delta['partial_json']
        if (typeof json === 'string' && json !== '') {
          this.#gotArguments = true
          this.#pending.push({ kind: 'arguments', json })
        }
        return
      }
      default:
    }
  }

  stop(): void {
    if (this.stopped) return
    this.stopped = true
    if (this.isToolCall && !this.#gotArguments) {
      // A tool without arguments sends no text, or all of it stood in the start.
      this.#pending.push({ kind: 'arguments', json: writtenInput(this.#whole['input']) })
    }
  }

  /** The events that can be told now; `nextIndex` gives the neutral index when the block is told for the first time. */
  tell(nextIndex: () => number): NeutralEvent[] {
    if (!this.#start && !this.stopped) return []
    const events: NeutralEvent[] = []
    if (this.index === undefined) {
      this.index = nextIndex()
      events.push({ type: 'block-start', choice: 0, index: this.index, block: this.#start ?? this.#opaque() })
    }
    for (const delta of this.#pending) events.push({ type: 'block-delta', choice: 0, index: this.index, delta })
    this.#pending = []
    if (this.stopped) events.push({ type: 'block-stop', choice: 0, index: this.index })
    return events
  }

  #addText(text: JsonValue | undefined): void {
    if (typeof text === 'string' && text !== '') this.#pending.push({ kind: 'text', text })
  }

  #addSignature(signature: JsonValue | undefined): void {
    if (typeof signature === 'string' && signature !== '') this.#pending.push({ kind: 'signature', signature })
  }

  #collect(delta: JsonObject): void {
    for (const [key, value] of Object.entries(delta)) {
      if (key === 'type') continue
      const there = this.#whole[key]
      if (key === 'partial_json') this.#inputJson += typeof value === 'string' ? value : ''
      else this.#whole[key] = typeof value === 'string' && typeof there === 'string' ? there + value : value
    }
  }

  #opaque(): BlockStart {
    if (this.#inputJson !== '') {
      try {
        this.#whole['input'] = parseJson(this.#inputJson)
      } catch {
        // Cut by the limit on output: the input of the start stays.
      }
    }
    return { kind: 'opaque', part: { type: 'opaque', protocol: 'anthropic-messages', value: this.#whole } }
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** The arguments of a call as text. What is no object stays what it is: a call without arguments was not made. */
export const writtenInput = (input: JsonValue | undefined): string => JSON.stringify(input ?? {})

const startOf = (block: JsonObject): BlockStart | undefined => {
  switch (block['type']) {
    case 'text':
      return { kind: 'text' }
    case 'thinking':
      return { kind: 'thinking', signedBy: 'anthropic-messages' }
    case 'redacted_thinking':
      return { kind: 'thinking', redacted: text(block['data']), signedBy: 'anthropic-messages' }
    case 'tool_use':
      return { kind: 'tool-call', id: text(block['id']), name: text(block['name']) }
    default:
      return undefined
  }
}

/** The block that a delta without a start belongs to; some servers send none for text and reasoning. */
export const impliedStart = (delta: JsonObject): JsonObject | undefined => {
  if (delta['type'] === 'text_delta') return { type: 'text', text: '' }
  if (delta['type'] === 'thinking_delta') return { type: 'thinking', thinking: '', signature: '' }
  return undefined
}
