import { hash, randomBytes } from 'node:crypto'

const derive = (from: string, length: number): string =>
  hash('sha256', from, 'base64url').replaceAll(/[-_]/g, '').padEnd(length, '0').slice(0, length)

/** Google's ids of answers are 22 or 23 characters without any mark of their kind. */
const own = /^[A-Za-z0-9_-]{22,23}$/

/** `responseId` of an answer: one of Google's passes, any other is hidden behind one derived from it. */
export const responseId = (id: string): string =>
  own.test(id) ? id : derive(`response:${id || randomBytes(16).toString('hex')}`, 22)

/**
 * Ids for the calls of one candidate that came without, which is the rule. They follow from the id of the answer, so that the same answer always has the same ones, whole or
 * as a stream; no two calls of a candidate share one, whatever the provider says.
 */
export class CallIds {
  readonly #used = new Set<string>()
  readonly #seed: string
  #count = 0

  /** `answerId` may be empty: then the ids are random. */
  constructor(answerId: string, choice: number) {
    this.#seed = `${answerId || randomBytes(16).toString('hex')}:${choice}`
  }

  next(given: unknown): string {
    const count = this.#count++
    const usable = typeof given === 'string' && given !== '' && !this.#used.has(given)
    const id = usable ? given : `call_${derive(`${this.#seed}:${count}`, 24)}`
    this.#used.add(id)
    return id
  }
}
