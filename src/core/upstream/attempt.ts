import type { IncomingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { pathBelow } from './base-url.ts'
import { classify } from './failure.ts'
import { freeBuffer } from '../kernel/free-buffer.ts'
import type { Phase } from './failure.ts'
import type { Route } from './pools.ts'
import type { FailureKind, UpstreamCall, UpstreamListener, UpstreamRequest } from './upstream.ts'
import { Timed } from './wheel.ts'
import type { TimerWheel } from './wheel.ts'

/** Bytes from which on freeing a body is worth a look at the connections, and how many connections are looked at. */
const largeBody = 16 * 1024
const mostSockets = 256

/** What all attempts of one Upstream have in common. */
export interface Shared {
  readonly wheel: TimerWheel
  /** Listener calls on the stack. undici's parser is one for all connections and must not be entered again from inside its own callbacks. */
  depth: number
}

/**
 * One request at a provider: undici's handler, the caller's handle and the deadline in one object, because there is one for each request. It is over as soon as
 * the listener has heard the last word; whatever the network says afterwards is ignored.
 */
export class Attempt extends Timed implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #shared: Shared
  readonly #listener: UpstreamListener
  readonly #firstByteTimeoutMs: number
  readonly #idleTimeoutMs: number
  #route: Route | undefined
  #controller: Dispatcher.DispatchController | undefined
  #phase: Phase = 'waiting'
  #body: Buffer | undefined
  #over = false

  constructor(shared: Shared, request: UpstreamRequest, listener: UpstreamListener) {
    super()
    this.#shared = shared
    this.#listener = listener
    // Not the request itself: its body need not live as long as its answer takes.
    this.#firstByteTimeoutMs = request.firstByteTimeoutMs
    this.#idleTimeoutMs = request.idleTimeoutMs
  }

  dispatch(route: Route, headers: string[], { method = 'POST', path, body, connectTimeoutMs }: UpstreamRequest): void {
    this.#route = route
    if (Buffer.isBuffer(body)) this.#body = body
    route.active++
    // Behind undici's own connect timeout; this one also ends the wait for a free connection.
    this.#shared.wheel.set(this, connectTimeoutMs)
    route.pool.dispatch(
      // Never idempotent: undici then sends it at most once, whatever becomes of the connection.
      {
        method,
        path: pathBelow(route, path),
        headers,
        body: method === 'POST' ? this.#outgoing(body) : null,
        idempotent: false,
      },
      this,
    )
  }

  /** The deadline for the answer begins anew with each piece: an upload takes as long as it takes. */
  #outgoing(body: UpstreamRequest['body']): Buffer | Readable {
    if (Buffer.isBuffer(body)) return body
    return Readable.from(this.#watched(body), { objectMode: false })
  }

  async *#watched(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of body) {
      if (!this.#over && this.#phase === 'sent') this.#shared.wheel.set(this, this.#firstByteTimeoutMs)
      if (piece.length > 0) yield piece
    }
  }

  /** The request was wrong before anything was done with it. */
  refuse(error: unknown): void {
    const { kind, message } = classify(error, this.#phase)
    if (kind === 'aborted') this.#fail(kind, message, error)
    else this.#fail('protocol', 'the base URL, a header or the path of the request is not valid', error)
  }

  abort(): void {
    this.#stop('aborted', 'the call was aborted')
  }

  resume(): void {
    const controller = this.#controller
    if (this.#over || !controller?.paused) return
    this.#shared.wheel.set(this, this.#idleTimeoutMs)
    if (this.#shared.depth === 0) controller.resume()
    else setImmediate(() => this.#over || controller.resume())
  }

  override expire(): void {
    if (this.#phase === 'waiting') this.#stop('connect', 'no connection was free or could be made in time')
    else if (this.#phase === 'sent') this.#stop('first-byte-timeout', 'the provider did not begin to answer in time')
    else this.#stop('idle-timeout', 'the provider stopped in the middle of its answer')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It may have ended while it waited in the pool (its client left): undici learns of it only here. A second start would be a request sent twice.
    if (this.#over || this.#controller) {
      this.#fail('disconnected', 'the connection ended before the answer began')
      controller.abort(abortReason)
      return
    }
    this.#controller = controller
    this.#phase = 'sent'
    this.#shared.wheel.set(this, this.#firstByteTimeoutMs)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#over || status < 200) return
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding !== '' && encoding !== 'identity') {
      this.#stop('protocol', 'the answer is encoded although no encoding was accepted')
      return
    }
    this.#phase = 'answering'
    this.#freeBody(status)
    this.#shared.wheel.set(this, this.#idleTimeoutMs)
    this.#shared.depth++
    try {
      this.#listener.onResponse(status, (name) => single(headers, name), headers)
    } catch (error) {
      this.#stop('aborted', 'the answer could not be taken', error)
    } finally {
      this.#shared.depth--
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    let more = true
    this.#shared.depth++
    try {
      more = this.#listener.onData(chunk)
    } catch (error) {
      this.#stop('aborted', 'the answer could not be taken', error)
    } finally {
      this.#shared.depth--
    }
    if (this.#over) return
    if (more) this.#shared.wheel.set(this, this.#idleTimeoutMs)
    else {
      controller.pause()
      this.#shared.wheel.clear(this)
    }
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#end()
    this.#shared.depth++
    try {
      this.#listener.onEnd()
    } catch (error) {
      // undici swallows it here, and the listener has had its last word: a bug that must not pass in silence.
      queueMicrotask(() => {
        throw error
      })
    } finally {
      this.#shared.depth--
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over) return
    const { kind, message } = classify(error, this.#phase)
    // undici's parser errors carry the bytes they stumbled over, which may be somebody's answer: nothing for a log.
    if ('data' in error) delete error.data
    // Before the request has started undici may report from inside dispatch(), that is from inside send().
    if (this.#phase === 'waiting') queueMicrotask(() => this.#fail(kind, message, error))
    else this.#fail(kind, message, error)
  }

  /** What was answered well is not sent again. Which connection carries the call undici does not tell, so none may still have bytes to write. */
  #freeBody(status: number): void {
    const body = this.#body
    const sockets = this.#route?.sockets
    this.#body = undefined
    if (!body || !sockets || body.length < largeBody || status >= 300 || sockets.size > mostSockets) return
    for (const socket of sockets) if (socket.writableLength > 0) return
    freeBuffer(body)
  }

  /** Ends the call from our side: the connection is closed, the provider sees it. */
  #stop(kind: FailureKind, message: string, cause?: unknown): void {
    if (this.#over) return
    const controller = this.#controller
    this.#fail(kind, message, cause)
    controller?.abort(abortReason)
  }

  #fail(kind: FailureKind, message: string, cause?: unknown): void {
    if (this.#over) return
    const sent = this.#phase !== 'waiting'
    this.#end()
    this.#shared.depth++
    try {
      this.#listener.onFailure({ kind, sent, message, cause })
    } finally {
      this.#shared.depth--
    }
  }

  #end(): void {
    this.#over = true
    this.#body = undefined
    this.#shared.wheel.clear(this)
    this.#controller = undefined
    if (this.#route) this.#route.active--
    this.#route = undefined
  }
}

const abortReason = Object.assign(new Error('aborted by the gateway'), { code: 'UND_ERR_ABORTED' })

const single = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value: unknown = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === 'string' ? value : Array.isArray(value) ? String(value[0]) : undefined
}
