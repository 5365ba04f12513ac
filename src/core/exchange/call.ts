import type { KeyPrincipal } from '../keys/verdict.ts'
import type { Endpoint } from '../endpoints/endpoint.ts'
import type { Upload } from '../endpoints/upload/upload.ts'
import type { Place } from '../protocols/protocol.ts'

/** One request of a client whose key is verified, as the daemon hands it over. */
export interface Call {
  /** `req_…`: names the exchange in the log, the ledger and `x-gateway-request-id`. */
  readonly id: string
  /** What the client reads as `x-request-id`: its own id if it sent a good one, else ours. */
  readonly requestId: string
  readonly clientRequestId: string | null
  readonly endpoint: Endpoint
  readonly place: Place
  readonly principal: KeyPrincipal
  /** Handed over: it is given back to the system when the provider answers. */
  readonly body: Buffer
  /** Where the body is an upload: `body` is then its text fields as JSON. */
  readonly upload?: Upload
  /** Lower-case names; only those that a provider kind may want. */
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds since the epoch, and monotonic. */
  readonly receivedAt: number
  readonly startedAt: number
  readonly client: ClientSink
}

/** The client's end of the exchange. The daemon implements it over a socket. */
export interface ClientSink {
  /** False once the client has gone. */
  readonly open: boolean
  /** Status and headers (flat list of names and values). Once. */
  start(status: number, headers: string[]): void
  /** False when the client reads slower than we write: wait for `onDrain`. */
  write(bytes: Buffer | string): boolean
  end(bytes?: Buffer | string): void
  /** Sends what is left and breaks the connection, so that a cut answer cannot look finished. */
  breakOff(bytes: Buffer | string): void
  /** Breaks the connection at once. */
  destroy(): void
  /** Both callbacks are set once per exchange. `onGone` is called at most once, and not after `end` was flushed. */
  listen(callbacks: { onDrain(): void; onGone(): void }): void
}
