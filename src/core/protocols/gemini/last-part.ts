import type { JsonObject } from '../neutral/index.ts'

/**
 * Keeps back the end of a stream's parts, so that the chunk with the finish reason has something to say: Google's older SDK forgets a turn that holds an empty text, other
 * clients read the parts of every chunk. Of a text it is the last character, so that nobody waits for words.
 */
export class LastPart {
  #kept: JsonObject | undefined

  /** What can be told now that `part` is known. */
  push(part: JsonObject): JsonObject[] {
    const kept = this.#kept
    const joins = kept !== undefined && isText(kept) && isText(part) && continues(kept, part)
    const told = kept === undefined || joins ? [] : [kept]
    const whole = joins ? { ...kept, text: kept['text'] + part['text'] } : part
    if (!isText(whole)) {
      this.#kept = whole
      return told
    }
    const { text } = whole
    const cut = lastCharacter(text)
    if (cut === 0) {
      this.#kept = whole
      return told
    }
    const { thoughtSignature: _, ...marks } = whole
    this.#kept = { ...marks, text: text.slice(cut) }
    told.push({ ...whole, text: text.slice(0, cut) })
    return told
  }

  /** What was kept back, for the end of the answer or because something else takes its time. */
  take(): JsonObject[] {
    const kept = this.#kept
    this.#kept = undefined
    return kept === undefined ? [] : [kept]
  }
}

interface Text extends JsonObject {
  text: string
}

const fields = new Set(['text', 'thought', 'thoughtSignature'])

/** A text and nothing beside it that only belongs to the whole. */
const isText = (part: JsonObject): part is Text => {
  for (const field in part) if (!fields.has(field)) return false
  return typeof part['text'] === 'string' && part['text'] !== ''
}

/** A signature belongs to the text that it came with. */
const continues = (kept: JsonObject, part: JsonObject): boolean =>
  kept['thought'] === part['thought'] && part['thoughtSignature'] === undefined

/** Where the last character begins; a pair of surrogates is one. */
const lastCharacter = (text: string): number => {
  const last = text.length - 1
  const unit = text.charCodeAt(last)
  const isPair = unit >= 0xdc00 && unit <= 0xdfff && last > 0
  return isPair ? last - 1 : last
}
