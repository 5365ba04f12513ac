import type { JsonObject, JsonValue } from '../neutral/index.ts'
import { isObject } from './read.ts'

/** A block that tells of a switch from one model to another names both. Changes the blocks in place; true when there was one. */
export const renameFallbacks = (blocks: readonly JsonValue[], model: string): boolean => {
  let found = false
  for (const block of blocks) {
    if (!isObject(block) || block['type'] !== 'fallback') continue
    for (const side of [block['from'], block['to']]) {
      if (!isObject(side) || typeof side['model'] !== 'string') continue
      side['model'] = model
      found = true
    }
  }
  return found
}

/** The same for one block that is about to be sent, leaving the given one as it is. */
export const renameFallback = (block: JsonObject, model: string): JsonObject => {
  if (block['type'] !== 'fallback') return block
  const copy = structuredClone(block)
  renameFallbacks([copy], model)
  return copy
}
