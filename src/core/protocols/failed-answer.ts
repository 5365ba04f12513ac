import type { JsonObject, JsonValue, ProviderFailure } from './neutral/index.ts'
import { isObject } from './read.ts'

/** A whole answer that tells a failure, though its status was a good one. */
export class FailedAnswer extends Error {
  readonly failure: ProviderFailure

  constructor(failure: ProviderFailure) {
    super('the provider told a failure instead of an answer')
    this.failure = failure
  }
}

/** The error object that stands where an answer was expected, in any vendor's shape: in a list, under `error`, or by its type. */
export const toldError = (body: JsonValue): JsonObject | undefined => {
  const told = Array.isArray(body) ? body[0] : body
  if (!isObject(told)) return undefined
  const isError = (told['error'] ?? null) !== null || told['object'] === 'error' || told['type'] === 'error'
  return isError ? told : undefined
}

const meanings: readonly (readonly [RegExp, number])[] = [
  [/rate_?limit|too_?many_?requests|quota|resource_?exhausted|throttl|^tokens$|^requests$/i, 429],
  [/overloaded|unavailable|slow_?down/i, 503],
  [/time_?out|deadline_?exceeded/i, 504],
  [/billing/i, 402],
  [/api_?key|auth(?!or)/i, 401],
  [/permission|forbidden/i, 403],
  [/not_?found/i, 404],
  [/invalid|bad_?request|policy|context_?length/i, 400],
]

/** What a word of an error (its code, its type) means as an HTTP status, whichever vendor it is from; undefined when it says nothing. */
export const statusOfWord = (word: string | undefined): number | undefined =>
  word === undefined ? undefined : meanings.find(([meaning]) => meaning.test(word))?.[1]

/** The first of them that is the number of an HTTP error, also in a text. */
export const statusNumber = (...values: readonly (JsonValue | undefined)[]): number | undefined =>
  values
    .filter((value) => typeof value === 'number' || typeof value === 'string')
    .map(Number)
    .find((value) => Number.isInteger(value) && value >= 400 && value <= 599)
