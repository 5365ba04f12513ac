import { Worker } from 'node:worker_threads'
import { GatewayError } from '../kernel/errors.ts'
import type { Reply, RequestBody } from './messages.ts'
import { fromThreadError } from './thread-errors.ts'

interface Pending {
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

const nobody = (): void => {}

/** The serving thread's end of a line to one database thread: every request is answered once, or rejected when the thread dies. */
export class Channel {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  readonly #fatal: (error: GatewayError) => void
  readonly #exited: Promise<void>
  #next = 1
  #dead: GatewayError | null = null
  #closing = false

  constructor(entry: URL, workerData: unknown, fatal: (error: GatewayError) => void) {
    this.#fatal = fatal
    this.#worker = new Worker(entry, { workerData })
    this.#worker.on('message', (reply: Reply) => this.#receive(reply))
    this.#worker.on('error', (cause) => this.#die(cause))
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#die(null)
        resolve()
      })
    })
  }

  /** Settles when the thread has opened its databases, or says why it could not. */
  ready(): Promise<unknown> {
    return new Promise((resolve, reject) => this.#pending.set(0, { resolve, reject }))
  }

  request(body: RequestBody): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#pending.set(id, { resolve, reject })
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage({ ...body, id })
    })
  }

  /** Asks the thread to finish what it was given and to close its files. */
  async close(): Promise<void> {
    if (!this.#dead && !this.#closing) {
      const closed = this.request({ kind: 'close' })
      this.#closing = true
      await closed.catch(() => this.#worker.terminate())
    }
    await this.#exited
  }

  /** Stops the thread where it stands, as a crash would. */
  async terminate(): Promise<void> {
    await this.#worker.terminate()
    await this.#exited
  }

  #receive(reply: Reply): void {
    if ('fatal' in reply) {
      const error = fromThreadError(reply.fatal)
      this.#dead = error
      this.#fatal(error)
      return
    }
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (!pending) return
    const { resolve, reject } = pending
    // An old table of the map may keep the entry from the young collections, and with it all that waited for the reply.
    pending.resolve = pending.reject = nobody
    if ('error' in reply) reject(fromThreadError(reply.error))
    else resolve(reply.value)
  }

  #die(cause: unknown): void {
    const first = this.#dead === null
    const error = (this.#dead ??= new GatewayError('storage_unavailable', undefined, {}, { cause }))
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    if (first && !this.#closing) this.#fatal(error)
  }
}
