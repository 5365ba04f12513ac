import { failed, unfinished } from '../encoder-failure.ts'
import type { BlockDelta, JsonObject, NeutralEvent, Usage } from '../neutral/index.ts'
import type { EncodeOptions, StreamEncoder } from '../protocol.ts'
import { CandidateEncoder } from './encoder-candidate.ts'
import { responseId } from './ids.ts'
import { showsThoughts } from './shows-thoughts.ts'
import { encodeUsage } from './usage.ts'

/**
 * Neutral events as Gemini's stream: `data:` blocks with CRLF, without event names and without a mark of the end; Google's SDK loses blocks that begin with anything else.
 * Every chunk is an answer of its own shape; the last one tells the finish reasons and the usage.
 */
export class Encoder implements StreamEncoder {
  failure: string | undefined
  readonly #shows: boolean
  readonly #model: string
  readonly #candidates = new Map<number, CandidateEncoder>()
  #id: string | undefined
  /** What every chunk ends with. */
  #tail: string | undefined
  #usage: Usage | undefined
  #ended = false

  constructor(options: EncodeOptions) {
    this.#model = options.model
    this.#shows = showsThoughts(options)
  }

  push(event: NeutralEvent): string {
    if (this.#ended || this.failure !== undefined) return ''
    switch (event.type) {
      case 'start':
        this.#id ??= event.id
        return ''
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'block-start': {
        const candidate = this.#candidate(event.choice)
        const parts = candidate.start(event.block)
        return this.#check(candidate) ? this.#chunks(parts, event.choice) : ''
      }
      case 'block-delta':
        return this.#delta(event.delta, event.choice)
      case 'block-stop':
        return this.#chunks(this.#candidate(event.choice).stop(), event.choice)
      case 'finish': {
        // Told with the usage, which may come later.
        const candidate = this.#candidate(event.choice)
        candidate.end(event.finish)
        this.#check(candidate)
        return ''
      }
      case 'error':
        this.failure = failed
        return ''
      case 'end':
        return this.#end()
    }
  }

  #candidate(choice: number): CandidateEncoder {
    let candidate = this.#candidates.get(choice)
    if (!candidate) {
      candidate = new CandidateEncoder(this.#shows)
      this.#candidates.set(choice, candidate)
    }
    return candidate
  }

  #check(candidate: CandidateEncoder): boolean {
    if (candidate.failure !== undefined) this.failure ??= candidate.failure
    return this.failure === undefined
  }

  #delta(delta: BlockDelta, choice: number): string {
    const candidate = this.#candidate(choice)
    const isPlain = candidate.isPlain
    const part = candidate.delta(delta)
    if (!part) return ''
    // Nearly every chunk is this one, written by hand.
    const json = isPlain && delta.kind === 'text' ? `{"text":${JSON.stringify(delta.text)}}` : JSON.stringify(part)
    return this.#chunk(json, choice)
  }

  #chunks(parts: readonly JsonObject[], choice: number): string {
    let out = ''
    for (const part of parts) out += this.#chunk(JSON.stringify(part), choice)
    return out
  }

  #chunk(part: string, choice: number): string {
    return `data: {"candidates":[{"content":{"parts":[${part}],"role":"model"},"index":${choice}}]${this.#names()}`
  }

  #names(): string {
    this.#tail ??= `,"modelVersion":${JSON.stringify(this.#model)},"responseId":${JSON.stringify(responseId(this.#id ?? ''))}}\r\n\r\n`
    return this.#tail
  }

  #end(): string {
    const all = [...this.#candidates].toSorted(([left], [right]) => left - right)
    if (all.length === 0 || all.some(([, { finish }]) => !finish)) {
      this.failure = unfinished
      return ''
    }
    this.#ended = true
    const candidates = all.map(([choice, candidate]) => candidate.close([], choice))
    const usage = this.#usage ? `,"usageMetadata":${JSON.stringify(encodeUsage(this.#usage))}` : ''
    return `data: {"candidates":${JSON.stringify(candidates)}${usage}${this.#names()}`
  }
}
