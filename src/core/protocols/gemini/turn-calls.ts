import { hash } from 'node:crypto'
import { refuse } from '../read.ts'

/** The id of a call that came without one: made of its place in the conversation, which stays as the conversation grows. */
export const placeId = (path: string): string => `call_${hash('sha256', path, 'hex').slice(0, 24)}`

interface Call {
  readonly id: string
  readonly name: string
  answered: boolean
}

/** Finds the call that a result answers. Most clients send neither with an id: then name and order tell. */
export class TurnCalls {
  #calls: Call[] = []
  #answering = false

  /** A call of the model's; gives its id. */
  add(name: string, id: string | undefined, path: string): string {
    if (this.#answering) this.#calls = []
    this.#answering = false
    const call = { id: id ?? placeId(path), name, answered: false }
    this.#calls.push(call)
    return call.id
  }

  /** The id of the call that this result answers. */
  answer(name: string, id: string | undefined, path: string): string {
    this.#answering = true
    const call =
      this.#calls.find((one) => id !== undefined && one.id === id) ??
      this.#calls.find((one) => one.name === name && !one.answered)
    if (!call) return refuse(path, `there is no call of "${name}" without a result in the turn before.`)
    call.answered = true
    return call.id
  }
}
