import type { Block, NeutralEvent, NeutralResponse } from '../neutral/index.ts'

const open = '<think>'
const close = '</think>'

/**
 * Reasoning that a model writes into its text between `<think>` and `</think>`, as a thinking block in front of the text. Only where an operator switched it on: the same
 * tags may be what the client asked for. Only at the very beginning of an answer; an answer that begins with nothing but the end tag (its template began the reasoning) is
 * left as it is.
 */
export class ThinkTags {
  readonly #choices = new Map<number, ThinkingChoice>()

  push(event: NeutralEvent): readonly NeutralEvent[] {
    if (event.type !== 'block-start' && event.type !== 'block-delta' && event.type !== 'block-stop') return [event]
    let choice = this.#choices.get(event.choice)
    if (!choice) {
      choice = new ThinkingChoice(event.choice)
      this.#choices.set(event.choice, choice)
    }
    return choice.push(event)
  }
}

type BlockEvent = Extract<NeutralEvent, { type: 'block-start' | 'block-delta' | 'block-stop' }>

class ThinkingChoice {
  readonly #choice: number
  #state: 'before' | 'thinking' | 'after' = 'before'
  /** Text that may be the beginning of a tag. */
  #held = ''
  /** White space between the end tag and the text belongs to neither. */
  #trim = false
  #next = 0
  #isOpen = false
  /** What comes in is text in which tags may stand. */
  #isText = false

  constructor(choice: number) {
    this.#choice = choice
  }

  push(event: BlockEvent): NeutralEvent[] {
    const out: NeutralEvent[] = []
    switch (event.type) {
      case 'block-start':
        this.#isText = event.block.kind === 'text' && this.#state === 'before'
        if (!this.#isText) this.#start(out, event.block)
        break
      case 'block-delta':
        if (this.#isText && event.delta.kind === 'text') this.#text(out, event.delta.text)
        else if (this.#isOpen) out.push({ ...event, index: this.#next })
        break
      case 'block-stop':
        if (this.#isText) this.#flush(out)
        this.#isText = false
        this.#stop(out)
        break
    }
    return out
  }

  #text(out: NeutralEvent[], piece: string): void {
    this.#held += piece
    if (this.#state === 'before') {
      const begun = this.#held.trimStart()
      if (begun.length < open.length && open.startsWith(begun)) return
      if (begun.startsWith(open)) {
        this.#state = 'thinking'
        this.#held = begun.slice(open.length)
        this.#start(out, { kind: 'thinking' })
      } else this.#state = 'after'
    }
    if (this.#state === 'thinking') {
      const end = this.#held.indexOf(close)
      if (end === -1) {
        const safe = this.#held.length - overlap(this.#held)
        this.#tell(out, this.#held.slice(0, safe))
        this.#held = this.#held.slice(safe)
        return
      }
      this.#tell(out, this.#held.slice(0, end))
      this.#held = this.#held.slice(end + close.length)
      this.#stop(out)
      this.#state = 'after'
      this.#trim = true
    }
    this.#say(out)
  }

  #say(out: NeutralEvent[]): void {
    const said = this.#trim ? this.#held.trimStart() : this.#held
    this.#held = ''
    if (said === '') return
    this.#trim = false
    if (!this.#isOpen) this.#start(out, { kind: 'text' })
    this.#tell(out, said)
  }

  /** The text ended: what was held back is what it looks like. */
  #flush(out: NeutralEvent[]): void {
    if (this.#state === 'thinking') this.#tell(out, this.#held)
    else if (this.#held !== '') this.#say(out)
    this.#held = ''
    this.#state = 'after'
  }

  #start(out: NeutralEvent[], block: Extract<NeutralEvent, { type: 'block-start' }>['block']): void {
    if (block.kind !== 'thinking') this.#state = this.#state === 'before' ? 'after' : this.#state
    this.#isOpen = true
    out.push({ type: 'block-start', choice: this.#choice, index: this.#next, block })
  }

  #tell(out: NeutralEvent[], text: string): void {
    if (text !== '')
      out.push({ type: 'block-delta', choice: this.#choice, index: this.#next, delta: { kind: 'text', text } })
  }

  #stop(out: NeutralEvent[]): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    out.push({ type: 'block-stop', choice: this.#choice, index: this.#next++ })
  }
}

/** How many of the last characters may be the beginning of the end tag. */
const overlap = (text: string): number => {
  for (let length = Math.min(close.length - 1, text.length); length > 0; length--)
    if (close.startsWith(text.slice(-length))) return length
  return 0
}

const tagged = /^\s*<think>([\s\S]*?)(?:<\/think>\s*|$)/

/** The same for a whole answer. */
export const splitThinkTags = (response: NeutralResponse): NeutralResponse => ({
  ...response,
  choices: response.choices.map(({ blocks, finish }) => ({ finish, blocks: splitFirst(blocks) })),
})

const splitFirst = (blocks: readonly Block[]): Block[] => {
  const at = blocks.findIndex(({ kind }) => kind !== 'thinking')
  const first = blocks[at]
  const found = first?.kind === 'text' ? tagged.exec(first.text) : null
  if (!found || first?.kind !== 'text') return [...blocks]
  const said = first.text.slice(found[0].length)
  return [
    ...blocks.slice(0, at),
    { kind: 'thinking', text: found[1]! },
    ...(said === '' ? [] : [{ ...first, text: said }]),
    ...blocks.slice(at + 1),
  ]
}
