import { Connection, ConnectionPool, frameRequest } from '../lib/connections.ts'
import type { LoadCommand, LoadRequest, ReadResult } from '../lib/load-protocol.ts'
import { runClosedLoop, runOpenLoop } from '../lib/loops.ts'
import { StampReader, StreamCrowd } from '../lib/streams.ts'

/** The client of every run, told by messages what to do. Connections stay open between slices, so that no slice pays for connecting. */
const pools = new Map<number, ConnectionPool>()
const poolFor = (port: number): ConnectionPool => {
  const known = pools.get(port)
  if (known) return known
  const pool = new ConnectionPool(port)
  pools.set(port, pool)
  return pool
}

let crowd: StreamCrowd | null = null
const theCrowd = (): StreamCrowd => {
  if (!crowd) throw new Error('no streams were opened')
  return crowd
}

class StalledReader {
  readonly #connection: Connection
  readonly #stamps = new StampReader()
  #bytes = 0
  #events = 0
  #complete: Promise<boolean>
  /** Resolves with the status once the head has come. */
  readonly started: Promise<number>

  constructor(request: LoadRequest) {
    this.#connection = new Connection(request.port, () => {})
    let begun: (status: number) => void = () => {}
    this.started = new Promise((resolve) => (begun = resolve))
    this.#complete = new Promise((resolve) => {
      const done = (status: number): void => {
        begun(status)
        resolve(status === 200)
      }
      this.#connection.send(frameRequest(request), done, (slice) => {
        this.#bytes += slice.length
        this.#stamps.read(slice, () => this.#events++)
        if (this.#bytes === slice.length) {
          this.#connection.socket.pause()
          begun(this.#connection.status)
        }
      })
    })
  }

  leave(): void {
    this.#connection.socket.destroy()
  }

  async readOn(timeoutMs: number): Promise<ReadResult> {
    this.#connection.socket.resume()
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, timeoutMs, false).unref())
    const complete = await Promise.race([this.#complete, late])
    this.#connection.socket.destroy()
    return { bytes: this.#bytes, events: this.#events, complete }
  }
}
let stalled: StalledReader[] = []

const run = async (command: LoadCommand): Promise<unknown> => {
  switch (command.op) {
    case 'closed':
      return runClosedLoop(poolFor(command.request.port), command)
    case 'open':
      return runOpenLoop(poolFor(command.request.port), command)
    case 'streams':
      crowd = new StreamCrowd(command)
      return { opened: await crowd.open() }
    case 'window':
      return theCrowd().window(command.durationMs)
    case 'end':
      return theCrowd().end(command)
    case 'stall':
      stalled = Array.from({ length: command.count }, () => new StalledReader(command.request))
      return { statuses: await Promise.all(stalled.map(({ started }) => started)) }
    case 'read-stalled': {
      const [first, ...others] = stalled.splice(0)
      if (!first) throw new Error('no reader is stalled')
      for (const other of others) other.leave()
      return first.readOn(command.timeoutMs)
    }
  }
}

process.on('message', (message: LoadCommand & { readonly id: number }) => {
  run(message).then(
    (result) => process.send!({ id: message.id, result }),
    (error: unknown) => process.send!({ id: message.id, error: String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send!({ port: 0 })
