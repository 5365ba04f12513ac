import type { JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import type { StreamDecoder } from '../protocol.ts'
import { isObject } from '../read.ts'
import type { SseFrame } from '../sse.ts'
import { CandidateDecoder } from './decoder-candidate.ts'
import { decodeStreamError } from './errors.ts'
import { blockedPrompt } from './finish.ts'
import { CallIds } from './ids.ts'
import { UsageMeter } from './usage.ts'

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
/** More answers than anybody can ask for. */
const maxCandidates = 128

/**
 * A Gemini stream as neutral events. There are no event names and no mark of the end: an answer is whole when the stream ends and all its candidates have a finish reason.
 * An error behind that changes nothing.
 */
export class Decoder implements StreamDecoder {
  readonly #events: NeutralEvent[] = []
  readonly #candidates = new Map<number, CandidateDecoder>()
  readonly #usage = new UsageMeter()
  #answerId = ''
  #started = false
  #ended = false

  push({ data }: SseFrame): NeutralEvent[] {
    // Some proxies end every stream in OpenAI's way.
    if (this.#ended || data === '' || data.trim() === '[DONE]') return []
    return this.read(parse(data))
  }

  /** One chunk, or a whole answer, which has the same shape. */
  read(chunk: JsonValue | undefined): NeutralEvent[] {
    if (!isObject(chunk)) this.#fail(Array.isArray(chunk) ? decodeStreamError(chunk) : unreadable)
    else this.#read(chunk)
    return this.#take()
  }

  finish(): NeutralEvent[] {
    if (!this.#ended) {
      if (this.#isWhole()) this.#end()
      else this.#fail(cut)
    }
    return this.#take()
  }

  #take(): NeutralEvent[] {
    return this.#events.splice(0)
  }

  #read(chunk: JsonObject): void {
    const told = Array.isArray(chunk['candidates']) ? chunk['candidates'].filter(isObject) : []
    const usage = this.#usage.merge(chunk['usageMetadata'])
    if (told.length > 0 || usage) this.#start(chunk)
    if (usage) this.#events.push({ type: 'usage', usage })
    for (const [position, candidate] of told.entries()) {
      const decoder = this.#candidate(candidate, position)
      decoder?.push(candidate)
      if (decoder?.failure) return this.#fail(decoder.failure)
    }
    if ((chunk['error'] ?? null) !== null) return this.#fail(decodeStreamError(chunk))
    const blocked = told.length === 0 && this.#candidates.size === 0 ? blockedPrompt(chunk) : undefined
    if (blocked) this.#fail(blocked)
  }

  #start(chunk: JsonObject): void {
    if (this.#started) return
    this.#started = true
    const { responseId: id, modelVersion: model, createTime } = chunk
    const created = typeof createTime === 'string' ? Math.floor(Date.parse(createTime) / 1000) : Number.NaN
    if (typeof id === 'string') this.#answerId = id
    this.#events.push({
      type: 'start',
      id: this.#answerId,
      model: typeof model === 'string' ? model : '',
      ...(created > 0 && { created }),
    })
  }

  /** The index is left out where there is but one; several in one chunk stand in their order then. */
  #candidate(candidate: JsonObject, position: number): CandidateDecoder | undefined {
    const { index = position } = candidate
    if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0 || index >= maxCandidates)
      return undefined
    let decoder = this.#candidates.get(index)
    if (!decoder) {
      decoder = new CandidateDecoder(index, this.#events, new CallIds(this.#answerId, index))
      this.#candidates.set(index, decoder)
    }
    return decoder
  }

  /** None of the answers is missing, and all have ended. */
  #isWhole(): boolean {
    const all = this.#candidates
    return all.size > 0 && all.size > Math.max(...all.keys()) && all.values().every((candidate) => candidate.finished)
  }

  #end(): void {
    this.#ended = true
    this.#events.push({ type: 'end' })
  }

  #fail(error: ProviderFailure): void {
    if (this.#isWhole() && !this.#candidates.values().some((candidate) => candidate.failure)) return
    this.#ended = true
    this.#start({})
    for (const candidate of this.#candidates.values()) candidate.abandon()
    this.#events.push({ type: 'error', error }, { type: 'end' })
  }
}

const parse = (data: string): JsonValue | undefined => {
  try {
    return parseJson(data)
  } catch {
    return undefined
  }
}
