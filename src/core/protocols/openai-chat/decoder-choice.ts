import type { BlockDelta, BlockStart, JsonObject, JsonValue, NeutralEvent } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import type { ChatDialect } from './dialect.ts'
import { decodeFinish } from './finish.ts'
import { mintCallId } from './ids.ts'
import { readArguments, readCitations, readPieces } from './read-content.ts'

/** A block on its way: open towards the reader, or waiting until the one before it is whole. */
interface PendingBlock {
  readonly start: BlockStart
  /** Text or arguments so far; of the open block all of it, of a waiting one what is still to be told. */
  text: string
}

interface ToolState {
  readonly id: string
  readonly block: PendingBlock
}

/**
 * One choice of a Chat stream as blocks, one open at a time. A call is whole when its arguments are a JSON value; until then whatever else comes waits behind it, so
 * that calls whose pieces arrive mixed still come out one by one.
 */
export class ChoiceDecoder {
  readonly #choice: number
  readonly #dialect: ChatDialect | undefined
  readonly #events: NeutralEvent[]
  /** The first one is open. */
  readonly #blocks: PendingBlock[] = []
  readonly #tools = new Map<string, ToolState>()
  readonly #earlyIds = new Map<string, string>()
  /** Citations that came in front of their text. */
  readonly #earlyCitations: JsonObject[] = []
  #lastKey = ''
  #nextIndex = 0
  #called = false
  #raw: string | null = null
  finished = false

  /** `events` is where everything this choice tells is put. */
  constructor(choice: number, events: NeutralEvent[], dialect: ChatDialect | undefined) {
    this.#choice = choice
    this.#dialect = dialect
    this.#events = events
  }

  push(choice: JsonObject): void {
    if (this.finished) return
    const delta = isObject(choice['delta']) ? choice['delta'] : isObject(choice['message']) ? choice['message'] : {}
    for (const { kind, text } of readPieces(delta)) this.#said({ kind }, text)
    for (const citation of readCitations(delta)) this.#cite(citation)
    const calls = Array.isArray(delta['tool_calls']) ? delta['tool_calls'].filter(isObject) : []
    for (const call of calls) this.#call(call)
    if (isObject(delta['function_call'])) this.#call({ index: 0, function: delta['function_call'] })
    const raw = choice['finish_reason']
    if (typeof raw === 'string' && raw !== '') {
      this.#raw = raw
      this.close()
    }
  }

  /** Tells what is still owed and the finish. */
  close(): void {
    const called = this.#called && (this.#raw !== null || this.#blocks.every(isWhole))
    const finish = decodeFinish(this.#raw, called, this.#dialect)
    if (this.finished || !finish) return
    this.finished = true
    while (this.#blocks.length > 0) this.#stop()
    this.#events.push({ type: 'finish', choice: this.#choice, finish })
  }

  /** Closes what is open; what still waits behind it is lost with the answer. */
  abandon(): void {
    if (this.#blocks.length === 0) return
    this.#blocks.splice(1)
    this.#stop()
  }

  #said(start: { readonly kind: 'text' | 'thinking' | 'refusal' }, text: string): void {
    const last = this.#blocks.at(-1)
    if (last?.start.kind === start.kind) this.#extend(last, text)
    else this.#add({ start, text })
  }

  #cite(citation: JsonObject): void {
    const [open] = this.#blocks
    if (open?.start.kind === 'text') this.#delta({ kind: 'citation', citation })
    else this.#earlyCitations.push(citation)
  }

  #call(call: JsonObject): void {
    const custom = isObject(call['custom']) && !isObject(call['function'])
    const made: JsonObject = isObject(call['function'])
      ? call['function']
      : isObject(call['custom'])
        ? call['custom']
        : {}
    const name = text(made['name'])
    const id = text(call['id'])
    const piece = custom ? text(made['input']) : readArguments(made['arguments'])
    const key = this.#keyOf(call, id, name)
    const known = this.#tools.get(key)
    // Some servers give every call the same index: another id that comes with a name is another call.
    if (known && (id === '' || name === '' || id === known.id)) return this.#extend(known.block, piece)
    if (name === '') {
      this.#earlyIds.set(key, id)
      return
    }
    const given = id || this.#earlyIds.get(key)
    const block: PendingBlock = {
      start: { kind: 'tool-call', id: given || mintCallId(), name, ...(custom && { custom: true as const }) },
      text: piece,
    }
    this.#tools.set(key, { id, block })
    this.#called = true
    this.#add(block)
  }

  /** By index, else by id; a piece with neither belongs to the call before it, unless it names one of its own. */
  #keyOf(call: JsonObject, id: string, name: string): string {
    if (typeof call['index'] === 'number') this.#lastKey = `#${call['index']}`
    else if (id !== '') this.#lastKey = id
    else if (name !== '') this.#lastKey = `@${this.#tools.size}`
    return this.#lastKey
  }

  #extend(block: PendingBlock, piece: string): void {
    if (piece === '') return
    block.text += piece
    if (block !== this.#blocks[0]) return
    this.#tell(block, piece)
    this.#advance()
  }

  #add(block: PendingBlock): void {
    this.#blocks.push(block)
    if (this.#blocks.length === 1) this.#open(block)
    else this.#advance()
  }

  /** Lets those behind the open block through as long as it is whole. */
  #advance(): void {
    while (this.#blocks.length > 1 && isWhole(this.#blocks[0]!)) this.#stop()
  }

  #open(block: PendingBlock): void {
    this.#events.push({ type: 'block-start', choice: this.#choice, index: this.#nextIndex, block: block.start })
    if (block.text !== '') this.#tell(block, block.text)
    if (block.start.kind !== 'text') return
    for (const citation of this.#earlyCitations.splice(0)) this.#delta({ kind: 'citation', citation })
  }

  #stop(): void {
    this.#blocks.shift()
    this.#events.push({ type: 'block-stop', choice: this.#choice, index: this.#nextIndex++ })
    const [next] = this.#blocks
    if (next) this.#open(next)
  }

  #tell(block: PendingBlock, piece: string): void {
    this.#delta(block.start.kind === 'tool-call' ? { kind: 'arguments', json: piece } : { kind: 'text', text: piece })
  }

  #delta(delta: BlockDelta): void {
    this.#events.push({ type: 'block-delta', choice: this.#choice, index: this.#nextIndex, delta })
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** Text is whole at any time; arguments when they are a JSON value. */
const isWhole = ({ start, text: written }: PendingBlock): boolean => {
  if (start.kind !== 'tool-call' || start.custom) return true
  try {
    JSON.parse(written)
    return true
  } catch {
    return false
  }
}
