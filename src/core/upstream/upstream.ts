import type { HeaderLookup } from '../protocols/protocol.ts'

/**
 * The port through which the core calls providers: one request, one answer, bytes in both directions. No retry, no redirect, no decompression, no interpretation.
 */
export interface Upstream {
  /** Starts one attempt. The listener is never called before this returns. Never throws: what is wrong arrives as `onFailure`. */
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall
  /** Aborts every call and closes every connection. */
  close(): Promise<void>
}

export interface UpstreamRequest {
  /** Default POST, the only one that sends its body. */
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** As `checkBaseUrl` returned it: with its version segment, without trailing slash. A query is sent behind the path. */
  readonly baseUrl: string
  /** Below the base URL, beginning with a slash. */
  readonly path: string
  /** Lower-case names. Framing and hop-by-hop headers are ours; what is given of them is ignored. */
  readonly headers: Readonly<Record<string, string>>
  /** Handed over: a large one may be empty when the answer has begun. One that comes in pieces is read no faster than it is sent; an error in it fails the call with it as the cause. */
  readonly body: Buffer | AsyncIterable<Buffer>
  /** Milliseconds until the connection stands, waiting for a free one included. */
  readonly connectTimeoutMs: number
  /** Milliseconds from sending the request until the head of the answer is here. 0: no limit. */
  readonly firstByteTimeoutMs: number
  /** Milliseconds between two chunks of the answer; stands still while the listener has us paused. 0: no limit. */
  readonly idleTimeoutMs: number
  /** Host names, addresses or CIDR ranges of this provider that may be private, beside those of the configuration. */
  readonly allowPrivate: readonly string[]
}

/**
 * Called synchronously from the network. `onResponse` comes at most once and before any data; exactly one of `onEnd` and `onFailure` comes last. A listener that
 * throws fails its own call.
 */
export interface UpstreamListener {
  /** The head of the answer, whatever its status (redirects too: they are not followed). `rawHeaders` has lower-case names. */
  onResponse(
    status: number,
    headers: HeaderLookup,
    rawHeaders: Readonly<Record<string, string | string[] | undefined>>,
  ): void
  /** False pauses the reading until `resume()`; at most what one socket had buffered may still arrive. The chunk may be kept. */
  onData(chunk: Buffer): boolean
  onEnd(): void
  onFailure(failure: UpstreamFailure): void
}

export type FailureKind =
  /** No connection: refused, unreachable, unresolvable, too slow. */
  | 'connect'
  /** The address may not be called (guard.ts). */
  | 'forbidden'
  /** The TLS handshake or the certificate failed. */
  | 'tls'
  | 'first-byte-timeout'
  | 'idle-timeout'
  /** The connection ended before the answer was complete. */
  | 'disconnected'
  /** What arrived (or was to be sent) is not the HTTP we accept. */
  | 'protocol'
  /** `abort()` or `close()`, or the listener threw. */
  | 'aborted'

export interface UpstreamFailure {
  readonly kind: FailureKind
  /** Whether any byte of the request may have reached the provider. False means it certainly was not executed. */
  readonly sent: boolean
  /** For logs and operators. Holds neither URL nor address nor secret. */
  readonly message: string
  /** The original error, for debugging; may name addresses. */
  readonly cause?: unknown
}

export interface UpstreamCall {
  /** Ends the call in whatever state it is, also one that still waits for a connection: `onFailure` with `aborted` comes before this returns. Harmless afterwards. */
  abort(): void
  /** Goes on after `onData` returned false. Data may arrive before this returns. */
  resume(): void
}
