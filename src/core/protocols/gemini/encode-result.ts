import type { JsonObject, ToolResultPart } from '../neutral/index.ts'
import { isObject } from '../read.ts'
import { encodePart, parseArguments, type Restoring } from './encode-parts.ts'
import { unsupported } from './refusals.ts'

export interface Answered {
  readonly name: string
  /** Its place among the calls of its turn. */
  readonly order: number
  /** Absent where the client gave none. */
  readonly id: string | undefined
}

/**
 * A result as `functionResponse`. Text is wrapped in `output` or `error`, also when it is the text of an object: the API refuses some keywords (`$ref`) in one
 * that is not. Images and documents go inside where the model takes them there, else behind the results (`after`).
 */
export const encodeResult = (
  part: ToolResultPart,
  path: string,
  call: Answered,
  inside: boolean,
  after: JsonObject[],
  how: Restoring,
): JsonObject => {
  const { functionResponse: own, ...extra } = part.extensions?.gemini ?? {}
  const texts: string[] = []
  const shown: JsonObject[] = []
  for (const [position, item] of part.content.entries()) {
    const at = item.path ?? `${path}.content[${position}]`
    how.warnings.extensions(at, item.extensions)
    if (item.cache) how.warnings.droppedOf(at, 'cache', 'prompts are cached without marks')
    if (item.type === 'text') {
      texts.push(item.text)
      continue
    }
    if (item.type === 'opaque' && item.protocol !== 'gemini') unsupported(at, 'this content has no counterpart')
    const encoded = encodePart(item, at, how)
    if (!encoded) continue
    if (typeof encoded['text'] === 'string') texts.push(encoded['text'])
    else if (inside || how.restore) shown.push(encoded)
    else {
      how.warnings.changed(at, 'sent behind the results')
      after.push({ text: `Result of ${call.name}:` }, encoded)
    }
  }
  return {
    functionResponse: {
      ...(isObject(own) && own),
      ...(call.id !== undefined && { id: call.id }),
      name: call.name,
      response: encodeResponse(part, texts, how.restore),
      ...(shown.length > 0 && { parts: shown }),
    },
    ...extra,
  }
}

/** A Gemini client's object goes back as it came: the path of its text tells that it was no `output` and no `error`. */
const encodeResponse = (part: ToolResultPart, texts: readonly string[], restore: boolean): JsonObject => {
  const [first] = part.content
  const whole = restore && first?.path?.endsWith('.response') ? parseArguments(texts[0] ?? '') : undefined
  if (whole) return whole
  const text = texts.join('\n')
  return part.isError ? { error: text } : { output: text }
}
