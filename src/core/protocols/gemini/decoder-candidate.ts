import type { BlockDelta, BlockStart, JsonObject, JsonValue, NeutralEvent, ProviderFailure } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { decodeCitations } from './citations.ts'
import { StreamedCall } from './decoder-call.ts'
import { decodeFinish, finishWord } from './finish.ts'
import type { CallIds } from './ids.ts'

/** Fields of a part that say how it was made, not what it is. */
const marks = new Set(['thought', 'thoughtSignature', 'text'])

/**
 * One candidate as blocks. Runs of text and of thoughts become one block each. What is signed gets an empty thinking block with the signature in front of it; the signature
 * of an empty text stays for what comes next, or closes the answer. Parts without a neutral counterpart are kept whole, their own signatures in them.
 */
export class CandidateDecoder {
  finished = false
  /** An end that leaves nothing usable. */
  failure: ProviderFailure | undefined
  readonly #choice: number
  readonly #events: NeutralEvent[]
  readonly #ids: CallIds
  #open: 'text' | 'thinking' | undefined
  /** What the open block says so far. */
  #said = ''
  #nextIndex = 0
  #signature: string | undefined
  #call: StreamedCall | undefined
  #called = false
  #broken = false
  /** Sources as they were told last. */
  readonly #sources: JsonObject = {}

  /** `events` is where everything this candidate tells is put. */
  constructor(choice: number, events: NeutralEvent[], ids: CallIds) {
    this.#choice = choice
    this.#events = events
    this.#ids = ids
  }

  push(candidate: JsonObject): void {
    if (this.finished) return
    const { content } = candidate
    const parts = isObject(content) && Array.isArray(content['parts']) ? content['parts'] : []
    for (const part of parts) if (isObject(part)) this.#part(part)
    for (const field of ['groundingMetadata', 'citationMetadata']) {
      const told = candidate[field]
      if (isObject(told) && Object.keys(told).length > 0) this.#sources[field] = told
    }
    const word = finishWord(candidate['finishReason'])
    if (word !== undefined) this.#finish(word, candidate['finishMessage'])
  }

  /** Closes what is open; the call that is not whole is lost with the answer. */
  abandon(): void {
    if (!this.finished) this.#close()
  }

  #part(part: JsonObject): void {
    const signature = text(part['thoughtSignature'])
    if (isObject(part['functionCall'])) return this.#onCall(part['functionCall'], signature)
    if (Object.keys(part).some((field) => !marks.has(field))) return this.#opaque(part)
    const words = text(part['text'])
    if (words === '') {
      if (signature !== '') this.#sign(signature)
      return
    }
    const kind = part['thought'] === true ? 'thinking' : 'text'
    this.#endCall()
    if (kind === 'text' && signature !== '') this.#sign(signature)
    this.#tellSignature()
    if (this.#open !== kind) {
      this.#close()
      this.#start(kind === 'text' ? { kind } : { kind, signedBy: 'gemini' })
      this.#open = kind
    }
    this.#said += words
    this.#delta({ kind: 'text', text: words })
    if (kind === 'thinking' && signature !== '') {
      this.#delta({ kind: 'signature', signature })
      this.#close()
    }
  }

  #onCall(call: JsonObject, signature: string): void {
    const name = text(call['name'])
    if (name !== '') {
      this.#endCall()
      this.#call = new StreamedCall(this.#ids.next(call['id']), name)
    }
    const open = this.#call
    if (!open) return
    if (signature !== '') open.signature ??= signature
    open.add(call)
    if (call['willContinue'] !== true) this.#endCall()
  }

  /** A call is told when it is whole. */
  #endCall(): void {
    const call = this.#call
    if (!call) return
    this.#call = undefined
    if (call.broken) {
      this.#broken = true
      return
    }
    this.#called = true
    if (call.signature !== undefined) this.#sign(call.signature)
    this.#tellSignature()
    this.#close()
    this.#start({ kind: 'tool-call', id: call.id, name: call.name })
    this.#delta({ kind: 'arguments', json: call.arguments })
    this.#stop()
  }

  #opaque(value: JsonObject): void {
    this.#endCall()
    this.#tellSignature()
    this.#close()
    this.#start({ kind: 'opaque', part: { type: 'opaque', protocol: 'gemini', value } })
    this.#stop()
  }

  #sign(signature: string): void {
    this.#tellSignature()
    this.#signature = signature
  }

  #tellSignature(): void {
    if (this.#signature === undefined) return
    this.#close()
    this.#start({ kind: 'thinking', signedBy: 'gemini' })
    this.#delta({ kind: 'signature', signature: this.#signature })
    this.#stop()
    this.#signature = undefined
  }

  #finish(word: string, message: JsonValue | undefined): void {
    this.finished = true
    // A call that was cut off by a limit is not made with the arguments that came by then.
    const made = decodeFinish(word, message, true)
    if ('reason' in made && made.reason === 'tool-calls') this.#endCall()
    if (this.#open === 'text')
      for (const citation of decodeCitations(this.#sources, this.#said)) this.#delta({ kind: 'citation', citation })
    this.#tellSignature()
    this.#close()
    const finish = decodeFinish(word, message, this.#called)
    if ('class' in finish) this.failure = finish
    else
      this.#events.push({
        type: 'finish',
        choice: this.#choice,
        finish: this.#broken ? { reason: 'malformed-tool-call', raw: finish.raw } : finish,
      })
  }

  #close(): void {
    if (this.#open === undefined) return
    this.#open = undefined
    this.#said = ''
    this.#stop()
  }

  #start(block: BlockStart): void {
    this.#events.push({ type: 'block-start', choice: this.#choice, index: this.#nextIndex, block })
  }

  #delta(delta: BlockDelta): void {
    this.#events.push({ type: 'block-delta', choice: this.#choice, index: this.#nextIndex, delta })
  }

  #stop(): void {
    this.#events.push({ type: 'block-stop', choice: this.#choice, index: this.#nextIndex++ })
  }
}

const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')
