import type { GatewayError } from '../../kernel/errors.ts'
import { failed, unfinished } from '../encoder-failure.ts'
import type { JsonObject, NeutralEvent, Usage } from '../neutral/index.ts'
import type { EncodeOptions, StreamEncoder } from '../protocol.ts'
import { CandidateEncoder } from './encoder-candidate.ts'
import { renderStreamError } from './errors.ts'
import { responseId } from './ids.ts'
import { LastPart } from './last-part.ts'
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
  readonly #candidates = new Map<number, { readonly parts: CandidateEncoder; readonly last: LastPart }>()
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
        const { parts, last } = this.#candidate(event.choice)
        const { kind } = event.block
        // What comes now may take long.
        const kept = kind === 'text' || kind === 'refusal' ? [] : last.take()
        const told = parts.start(event.block)
        return this.#check(parts) ? this.#chunks(kept, event.choice) + this.#tell(told, event.choice) : ''
      }
      case 'block-delta': {
        const part = this.#candidate(event.choice).parts.delta(event.delta)
        return part ? this.#tell([part], event.choice) : ''
      }
      case 'block-stop':
        return this.#tell(this.#candidate(event.choice).parts.stop(), event.choice)
      case 'finish': {
        // Told with the usage, which may come later.
        const { parts } = this.#candidate(event.choice)
        parts.end(event.finish)
        this.#check(parts)
        return ''
      }
      case 'error':
        this.failure = failed
        return ''
      case 'end':
        return this.#end()
    }
  }

  /** What was kept back of an answer that has no end is still the client's. */
  fail(error: GatewayError, requestId: string): string {
    let out = ''
    for (const [choice, { last }] of this.#candidates) out += this.#chunks(last.take(), choice)
    return out + renderStreamError(error, requestId)
  }

  #candidate(choice: number): { readonly parts: CandidateEncoder; readonly last: LastPart } {
    let candidate = this.#candidates.get(choice)
    if (!candidate) {
      candidate = { parts: new CandidateEncoder(this.#shows), last: new LastPart() }
      this.#candidates.set(choice, candidate)
    }
    return candidate
  }

  #check(candidate: CandidateEncoder): boolean {
    if (candidate.failure !== undefined) this.failure ??= candidate.failure
    return this.failure === undefined
  }

  #tell(parts: readonly JsonObject[], choice: number): string {
    const { last } = this.#candidate(choice)
    let out = ''
    for (const part of parts) out += this.#chunks(last.push(part), choice)
    return out
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
    if (all.length === 0 || all.some(([, { parts }]) => !parts.finish)) {
      this.failure = unfinished
      return ''
    }
    this.#ended = true
    const candidates = all.map(([choice, { parts, last }]) => parts.close(last.take(), choice))
    const usage = this.#usage ? `,"usageMetadata":${JSON.stringify(encodeUsage(this.#usage))}` : ''
    return `data: {"candidates":${JSON.stringify(candidates)}${usage}${this.#names()}`
  }
}
