import type { Block, BlockDelta, BlockStart, JsonObject, JsonValue, NeutralEvent } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { betweenSummaries, readItem, tells, text } from './read-output.ts'

/** A block of the neutral stream while its item comes in. Nothing of it is told before there is something to tell. */
export class PendingBlock {
  stopped = false
  /** The neutral index; undefined until the start was told. */
  index: number | undefined
  /** All of the text or arguments so far. */
  text = ''
  citations = 0
  /** Undefined until enough is known: the name of a call, the whole of an opaque item. */
  start: BlockStart | undefined
  #signed = false
  #pending: BlockDelta[] = []

  constructor(start?: BlockStart) {
    this.start = start
  }

  add(piece: JsonValue | undefined): void {
    if (typeof piece !== 'string' || piece === '' || this.stopped) return
    this.text += piece
    this.#pending.push({ kind: 'text', text: piece })
  }

  /** What the whole text has beyond the pieces that came. A text that says something else changes nothing: what was told is told. */
  complete(whole: JsonValue | undefined): void {
    if (typeof whole === 'string' && whole.startsWith(this.text)) this.add(whole.slice(this.text.length))
  }

  cite(citation: JsonValue | undefined): void {
    if (!isObject(citation) || this.stopped) return
    this.citations++
    this.#pending.push({ kind: 'citation', citation })
  }

  citeAll(citations: JsonValue | readonly JsonObject[] | undefined): void {
    if (Array.isArray(citations)) for (const citation of citations.slice(this.citations)) this.cite(citation)
  }

  /** Everything the whole block has that was not told yet. */
  fill(whole: Block): void {
    if (this.stopped) return
    if (whole.kind === 'opaque') this.start = whole
    else if (whole.kind === 'tool-call') {
      const { arguments: _, ...start } = whole
      if (tells(whole)) this.start ??= start
      this.complete(whole.arguments)
    } else {
      this.complete(whole.text)
      if (whole.kind === 'text') this.citeAll(whole.citations)
      if (whole.kind === 'thinking' && whole.signature !== undefined && !this.#signed) {
        this.#signed = true
        // Servers that change their ids in the stream mean the last one.
        if (this.index === undefined) this.start = thinkingStart(whole.id)
        this.#pending.push({ kind: 'signature', signature: whole.signature })
      }
    }
  }

  /** The events that can be told now; `nextIndex` gives the neutral index when the block is told for the first time. */
  tell(nextIndex: () => number, out: NeutralEvent[]): void {
    const { start } = this
    if (!start) return
    if (this.index === undefined) {
      if (this.#pending.length === 0 && !tellsByItself(start)) return
      this.index = nextIndex()
      out.push({ type: 'block-start', choice: 0, index: this.index, block: start })
    }
    const { index } = this
    for (const delta of this.#pending)
      out.push({
        type: 'block-delta',
        choice: 0,
        index,
        delta: start.kind === 'tool-call' ? asArguments(delta) : delta,
      })
    if (this.#pending.length > 0) this.#pending = []
    if (this.stopped) out.push({ type: 'block-stop', choice: 0, index })
  }
}

const tellsByItself = ({ kind }: BlockStart): boolean => kind === 'tool-call' || kind === 'opaque'

const asArguments = (delta: BlockDelta): BlockDelta =>
  delta.kind === 'text' ? { kind: 'arguments', json: delta.text } : delta

const thinkingStart = (id: string | undefined): BlockStart => ({
  kind: 'thinking',
  signedBy: 'openai-responses',
  ...(id !== undefined && id !== '' && { id }),
})

/** One item of the output of a stream. */
export class DecodedItem {
  readonly type: string
  readonly id: string
  done = false
  readonly blocks: PendingBlock[] = []
  /** How many of its blocks were told to their end. */
  told = 0
  /** Its place among the items; those that have none come last. */
  readonly order: number
  readonly #first: JsonObject
  #summary: JsonValue | undefined
  #reasonsIn: 'summary' | 'content' | undefined

  /** `item` as it was added, or what is known of it. */
  constructor(item: JsonObject, order: number) {
    this.order = order
    this.type = text(item['type'])
    this.id = text(item['id'])
    this.#first = item
    if (this.type === 'message') return
    const [block] = readItem(item)
    const pending = this.#block(0)
    if (block?.kind === 'thinking') pending.start = thinkingStart(block.id)
    if (block?.kind === 'tool-call') pending.fill(block)
  }

  #block(place: number, start?: BlockStart): PendingBlock {
    const known = this.blocks[place]
    if (known) {
      known.start ??= start
      return known
    }
    // Parts come one after the other: those before are whole. A place that is skipped stays empty.
    for (const before of this.blocks) before.stopped = true
    while (this.blocks.length < place) this.blocks.push(stoppedBlock())
    const block = new PendingBlock(start)
    this.blocks.push(block)
    return block
  }

  /** A part of a message. Undefined for a place that cannot be. */
  part(place: JsonValue | undefined, kind: 'text' | 'refusal'): PendingBlock | undefined {
    const at = place === undefined || place === null ? Math.max(0, this.blocks.length - 1) : place
    if (this.type !== 'message' || this.done || typeof at !== 'number' || !(at >= 0 && at < mostParts)) return undefined
    return this.#block(Math.floor(at), { kind })
  }

  /** Whether something of it was told. */
  get begun(): boolean {
    return this.told > 0 || this.blocks[0]?.index !== undefined
  }

  /** The arguments of a call. */
  get call(): PendingBlock | undefined {
    return isCall(this.type) ? this.blocks[0] : undefined
  }

  reason(piece: JsonValue | undefined, kind: 'summary' | 'content', place: JsonValue | undefined): void {
    const [block] = this.blocks
    if (this.type !== 'reasoning' || !block) return
    this.#reasonsIn ??= kind
    if (this.#reasonsIn !== kind) return
    if (kind === 'summary' && place !== this.#summary && block.text !== '') block.add(betweenSummaries)
    this.#summary = place
    block.add(piece)
  }

  /** The item is whole, as `item` or, when the server does not repeat it, as it came. */
  finish(item?: JsonObject): void {
    if (this.done) return
    const whole =
      item && (text(item['type']) === this.type || (isCall(item['type']) && isCall(this.type))) ? item : undefined
    for (const [place, block] of readItem(whole ?? this.#first).entries()) {
      if (!block || (!whole && block.kind !== 'opaque')) continue
      const pending = this.#block(
        place,
        block.kind === 'text' || block.kind === 'refusal' ? { kind: block.kind } : undefined,
      )
      if (pending.start === undefined || pending.start.kind === block.kind) pending.fill(block)
    }
    for (const block of this.blocks) block.stopped = true
    this.done = true
  }
}

const isCall = (type: JsonValue | undefined): boolean => type === 'function_call' || type === 'custom_tool_call'

/** Real messages have one or two. */
const mostParts = 1000

const stoppedBlock = (): PendingBlock => {
  const block = new PendingBlock()
  block.stopped = true
  return block
}
