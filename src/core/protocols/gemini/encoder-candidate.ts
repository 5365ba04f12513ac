import type { Block, BlockDelta, BlockStart, Finish, JsonObject } from '../neutral/index.ts'
import { parseJson } from '../parse-json.ts'
import { mediaOf } from '../made-media.ts'
import { isObject } from '../read.ts'
import { encodeGrounding, type PlacedCitation } from './citations.ts'
import { brokenFinish, encodeFinish } from './finish.ts'

const brokenCall = 'The model made a tool call that cannot be read.'

/**
 * One answer as parts. Calls are told whole. A signature goes onto the call or text that follows, for that is what clients send back: thoughts they throw away. The same
 * steps make streams and whole answers.
 */
export class CandidateEncoder {
  /** Why the answer cannot be told. */
  failure: string | undefined
  finish: Finish | undefined
  readonly #shows: boolean
  #kind: Block['kind'] | undefined
  #text = ''
  #arguments = ''
  #call: { readonly id: string; readonly name: string } | undefined
  #blockSignature = ''
  /** Waits for the part that it belongs on. */
  #signature: string | undefined
  #unreadable = false
  #told = false
  #textBytes = 0
  #cited: JsonObject[] = []
  readonly #citations: PlacedCitation[] = []

  /** `shows`: the client asked for thoughts. */
  constructor(shows: boolean) {
    this.#shows = shows
  }

  start(block: BlockStart): JsonObject[] {
    if (this.#unreadable) this.failure ??= brokenCall
    this.#kind = block.kind
    if (block.kind === 'tool-call') this.#call = block
    if (block.kind !== 'opaque') return []
    const media = block.part.protocol === 'gemini' ? undefined : mediaOf(block.part)
    if (block.part.protocol !== 'gemini' && !media) return []
    this.#told = true
    const part = media ? { inlineData: { mimeType: media.mediaType, data: media.data } } : block.part.value
    return [...this.#loneSignature(), part]
  }

  delta(delta: BlockDelta): JsonObject | undefined {
    switch (delta.kind) {
      case 'text':
        return this.#say(delta.text)
      case 'arguments':
        this.#arguments += delta.json
        return undefined
      case 'signature':
        this.#blockSignature += delta.signature
        return undefined
      case 'citation':
        this.#cited.push(delta.citation)
        return undefined
    }
  }

  #say(text: string): JsonObject | undefined {
    if (text === '') return undefined
    if (this.#kind === 'thinking') {
      if (!this.#shows) return undefined
      this.#told = true
      return { text, thought: true }
    }
    if (this.#kind !== 'text' && this.#kind !== 'refusal') return undefined
    this.#told = true
    this.#text += text
    return this.#signed({ text })
  }

  stop(): JsonObject[] {
    const kind = this.#kind
    this.#kind = undefined
    if (kind === 'tool-call') return this.#tellCall()
    if (kind === 'thinking' && this.#blockSignature !== '') {
      const before = this.#loneSignature()
      this.#signature = this.#blockSignature
      this.#blockSignature = ''
      return before
    }
    if (kind === 'text' || kind === 'refusal') {
      for (const citation of this.#cited.splice(0))
        this.#citations.push({ citation, text: this.#text, offset: this.#textBytes })
      this.#textBytes += Buffer.byteLength(this.#text)
      this.#text = ''
    }
    return []
  }

  #tellCall(): JsonObject[] {
    const call = this.#call!
    const args = readArguments(this.#arguments)
    this.#arguments = ''
    if (!args) {
      // Nothing is wrong with a call that the limit on output cut off: it is left out.
      this.#unreadable = true
      return []
    }
    this.#told = true
    return [this.#signed({ functionCall: { id: call.id, name: call.name, args } })]
  }

  #signed(part: JsonObject): JsonObject {
    if (this.#signature === undefined) return part
    const signed = { ...part, thoughtSignature: this.#signature }
    this.#signature = undefined
    return signed
  }

  /** A signature with nothing to carry it has an empty text, as Google itself has it. */
  #loneSignature(): JsonObject[] {
    return this.#signature === undefined ? [] : [this.#signed({ text: '' })]
  }

  end(finish: Finish): void {
    this.finish = finish
    if (encodeFinish(finish) === undefined) this.failure ??= brokenFinish(finish)
    const cutShort = finish.reason === 'length' || finish.reason === 'context-exceeded'
    if (this.#unreadable && !cutShort) this.failure ??= brokenCall
  }

  /**
   * The candidate with its end; `parts` are those that were not told before. An answer that says nothing is an empty text, as Google has it; an empty text behind something
   * else would make older SDKs forget the turn. An answer of which nothing was let through has no content.
   */
  close(parts: readonly JsonObject[], index: number): JsonObject {
    const finish = this.finish!
    const left = [...parts, ...this.#loneSignature()]
    const reason = encodeFinish(finish)!
    const isBlocked = !this.#told && (finish.reason === 'content-filter' || finish.reason === 'refusal')
    const grounding = encodeGrounding(this.#citations)
    return {
      ...(!isBlocked && { content: { parts: left.length > 0 || this.#told ? left : [{ text: '' }], role: 'model' } }),
      finishReason: reason,
      index,
      ...(finish.explanation !== undefined && { finishMessage: finish.explanation }),
      ...(grounding && { groundingMetadata: grounding }),
    }
  }
}

const readArguments = (json: string): JsonObject | undefined => {
  if (json.trim() === '') return {}
  try {
    const value = parseJson(json)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
