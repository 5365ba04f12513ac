import type { JsonObject, JsonValue, ThinkingPart } from '../neutral/index.ts'
import { isObject } from '../read.ts'

/** Collects the parts of a model's turn and puts each signature back onto the part that it signed. */
export class ModelTurn {
  readonly #parts: JsonObject[] = []
  #signature: string | undefined

  /** False when the thought is not Gemini's own and is left out. */
  think({ text, signature, signedBy, redacted }: ThinkingPart): boolean {
    if (signedBy !== 'gemini' || redacted !== undefined) return false
    if (text === '') {
      this.#close()
      this.#signature = signature
      return true
    }
    this.#close()
    this.#parts.push({ text, thought: true, ...(signature !== undefined && { thoughtSignature: signature }) })
    return true
  }

  push(part: JsonObject | undefined): void {
    if (!part) return
    this.#parts.push(this.#signature === undefined ? part : { ...part, thoughtSignature: this.#signature })
    this.#signature = undefined
  }

  /** A signature that nothing follows rides on an empty text. */
  #close(): void {
    if (this.#signature !== undefined) this.push({ text: '' })
  }

  finish(): JsonObject[] {
    this.#close()
    return this.#parts
  }
}

/** `skip_thought_signature_validator`, as bytes are told in JSON. Google's own word for calls whose signature is not known. */
const noSignature = Buffer.from('skip_thought_signature_validator').toString('base64')

/**
 * Gemini 3 refuses the calls made since the user last spoke unless the first of each step is signed. Calls that another provider made, or whose signature the
 * client lost, get the word that stands for one.
 */
export const signCalls = (contents: readonly JsonObject[]): void => {
  const spoke = contents.findLastIndex((content) => content['role'] === 'user' && !parts(content).some(isResult))
  for (const content of contents.slice(spoke + 1)) {
    const made = parts(content).filter((part) => part['functionCall'] !== undefined)
    const [first] = made
    if (first && !made.some((part) => part['thoughtSignature'] !== undefined)) first['thoughtSignature'] = noSignature
  }
}

const isResult = (part: JsonObject): boolean => part['functionResponse'] !== undefined

const parts = (content: JsonObject): JsonObject[] => list(content['parts']).filter(isObject)

const list = (value: JsonValue | undefined): JsonValue[] => (Array.isArray(value) ? value : [])
