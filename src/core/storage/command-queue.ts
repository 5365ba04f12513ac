import { promisify } from 'node:util'
import type { Channel } from './channel.ts'
import type { Outcome } from './messages.ts'
import { fromThreadError } from './thread-errors.ts'

const maxBatch = 512
const turnEnd = promisify(setImmediate)

interface Waiting {
  readonly command: unknown
  readonly durable: boolean
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Natural batching: what is submitted in two turns of the event loop travels together, and while a batch is with the writer the next one collects. An idle
 * gateway pays one message per command, a busy one a fraction; nobody waits for a timer.
 */
export class CommandQueue {
  readonly #writer: Channel
  #waiting: Waiting[] = []
  #busy = false
  #idle: (() => void) | null = null

  constructor(writer: Channel) {
    this.#writer = writer
  }

  submit(command: unknown, durable: boolean): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, durable, resolve, reject })
      if (this.#busy) return
      this.#busy = true
      void this.#run()
    })
  }

  /** Settles when everything submitted so far is answered. */
  async drained(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The rest of this turn of the event loop and the whole next one may add to the batch; a message costs more than the command in it. An idle loop turns at once.
      // oxlint-disable-next-line no-await-in-loop -- one batch in flight is the point
      await turnEnd()
      // oxlint-disable-next-line no-await-in-loop -- as above
      await turnEnd()
      const batch = this.#waiting.length <= maxBatch ? this.#waiting : this.#waiting.slice(0, maxBatch)
      this.#waiting = this.#waiting.length <= maxBatch ? [] : this.#waiting.slice(maxBatch)
      // oxlint-disable-next-line no-await-in-loop -- one batch in flight is the point
      await this.#send(batch)
    }
    this.#busy = false
    this.#idle?.()
    this.#idle = null
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const commands = JSON.stringify(batch.map(({ command }) => command))
    const durable = batch.some((one) => one.durable)
    try {
      const answer = (await this.#writer.request({ kind: 'batch', commands, durable })) as string
      const outcomes = JSON.parse(answer) as readonly Outcome[]
      for (const [index, outcome] of outcomes.entries()) {
        if ('error' in outcome) batch[index]!.reject(fromThreadError(outcome.error))
        else batch[index]!.resolve(outcome.value)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
