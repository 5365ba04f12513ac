import { type StreamRoad, type UnaryAnswer, UnreadableAnswer } from '../endpoints/endpoint.ts'
import { GatewayError } from '../kernel/errors.ts'
import { freeBuffer } from '../kernel/free-buffer.ts'
import type { HeaderLookup, Observed } from '../protocols/protocol.ts'
import { cutShort, good, noVerdict, ofNetwork, ofProvider, type Verdict } from '../routing/verdict.ts'
import type { UpstreamCall, UpstreamFailure, UpstreamListener } from '../upstream/upstream.ts'
import type { Admission } from './admit.ts'
import type { Call } from './call.ts'
import type { DrainBudget } from './drain-budget.ts'
import { noteOf, type AttemptNote } from './attempts.ts'
import { fromNetwork, fromProvider, loggable } from './failure.ts'
import { errorHeaders } from './response-headers.ts'
import type { Placed } from './running.ts'

/** How an exchange ended. The settlement follows from `observed` alone; the rest is for the client and the log. */
export interface Outcome {
  readonly observed: Observed
  /** In their order; the last is the one that the rest of this is about. */
  readonly attempts: readonly AttemptNote[]
  /** What the client gets instead of (or at the end of) an answer; null for a finished one. */
  readonly error: GatewayError | null
  readonly clientGone: boolean
  /** Status of the provider; null when none came. */
  readonly upstreamStatus: number | null
  /** Monotonic time of the first byte of the answer; null when none came. */
  readonly firstByteAt: number | null
}

/** Called once, when all is known and before the end of the answer is sent. The bytes of the end wait for its promise: a settlement is committed first. */
export type Settle = (outcome: Outcome, admission: Admission) => Promise<SettledHeaders>
export interface SettledHeaders {
  readonly cost: string
}

export interface RelayOptions {
  readonly call: Call
  readonly admission: Admission
  readonly settle: Settle
  /** Headers for the answer of this attempt (flat list), without content type. */
  readonly headers: (admission: Admission) => string[]
  /** The attempt after one that ended so, begun; null when there is none. */
  readonly another: (before: Admission, verdict: Verdict, error: GatewayError) => Admission | null
  /** Sends what was admitted, for this relay. */
  readonly send: (admission: Admission, relay: Relay) => void
  readonly monotonic: () => number
  readonly drain: DrainBudget
  /** The gateway's own answer, where the endpoint has one. */
  readonly answerHere?: (() => Promise<UnaryAnswer>) | undefined
  /** Called after everything has been sent or given up. */
  readonly done: () => void
}

const maxUnaryBytes = 64 * 1024 * 1024
const maxErrorBytes = 64 * 1024
/** How long after the finish mark the usage of a stream is waited for. */
const usageGraceMs = 2000
/** How long a stream without content is kept from the client. */
const prefaceMs = 3000
const sseType = 'text/event-stream; charset=utf-8'
const streamHeaders = ['cache-control', 'no-cache', 'x-accel-buffering', 'no', 'content-type']

/**
 * Carries one answer from the provider to the client and watches it pass. Streams keep back-pressure: when the client reads slowly, reading from the provider
 * pauses. Ends in exactly one outcome, whichever of provider, client, deadline and shutdown comes first.
 */
export class Relay implements UpstreamListener, Placed {
  place = -1
  readonly #options: RelayOptions
  #admission: Admission
  #upstream: UpstreamCall | null = null
  #attempts: AttemptNote[] = []
  /** A call that we end because its attempt is over says so once more. */
  #deaf = false
  #status = 0
  #header: HeaderLookup = () => undefined
  #body: Buffer[] = []
  #bodyBytes = 0
  #stream: StreamRoad | null = null
  #observed: Observed = { deliveredChars: 0, complete: false }
  #firstByteAt: number | null = null
  #started = false
  /** Bytes that may only go out after the settlement: everything from the finish mark on. */
  #held: (Buffer | string)[] = []
  /** What came in front of any content. */
  #preface: (Buffer | string)[] = []
  #patience: NodeJS.Timeout | null = null
  #answer: UnaryAnswer | null = null
  #answersHere = false
  #grace: NodeJS.Timeout | null = null
  #draining: (() => void) | null = null
  #clientGone = false
  #ended = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#admission = options.admission
    options.call.client.listen({
      onDrain: () => this.#upstream?.resume(),
      onGone: () => this.#onClientGone(),
    })
  }

  /** Gives the relay the call it listens to, so that it can pause and abort it. */
  attach(upstream: UpstreamCall): void {
    this.#upstream = upstream
    // The client may have left between admission and now.
    if (this.#ended) upstream.abort()
  }

  /** Whether somebody still wants the answer, for requests that are sent later than their relay was made. */
  get waits(): boolean {
    return !this.#ended && !this.#clientGone
  }

  /** Ends an exchange whose client left before anything was sent. */
  abandon(): void {
    this.#giveUpDrain()
  }

  onResponse(status: number, header: HeaderLookup): void {
    this.#status = status
    this.#header = header
    this.#firstByteAt = this.#options.monotonic()
    if (status < 200 || status >= 300) return
    const { facts, road, leg, others } = this.#admission
    leg.answered()
    const type = header('content-type')
    if (road.streams ? road.streams(type) : facts.stream && isEventStream(type)) {
      this.#stream = road.stream(type)
      this.#observed = this.#stream.observed
    }
    // A stream may still turn out to be a refusal: then another provider is sent what the client said.
    if (!this.#stream || !others) this.#freeBody()
  }

  onData(chunk: Buffer): boolean {
    if (this.#ended) return true
    if (!this.#stream) return this.#collect(chunk)
    const wasComplete = this.#observed.complete
    const out = this.#stream.push(chunk)
    if (this.#observed.failure) {
      this.#writeBeforeError(out)
      this.#fail(fromProvider(this.#observed.failure, this.#scrub()), ofProvider(this.#observed.failure))
      return true
    }
    if (this.#clientGone) return this.#drainFurther(chunk.length)
    if (this.#observed.complete) {
      this.#held.push(out)
      if (!wasComplete) this.#grace = setTimeout(() => this.#finishEarly(), usageGraceMs)
      return true
    }
    return out.length === 0 || this.#tell(out)
  }

  /** What came in front of an error is the client's; before any content the error can still be a status of its own. */
  #writeBeforeError(out: Buffer | string): void {
    if (out.length > 0 && !this.#clientGone && (this.#started || this.#observed.deliveredChars > 0)) this.#write(out)
  }

  /**
   * Providers open a stream and then refuse inside it (a role, `response.created`, and a rate limit behind them). Until there is content, what came waits, so that a
   * refusal can still be a status of its own; but not for long, as a client also wants to see that somebody is there.
   */
  #tell(out: Buffer | string): boolean {
    if (this.#started || this.#observed.deliveredChars > 0 || this.#admission.road.streams) return this.#write(out)
    this.#preface.push(out)
    this.#patience ??= setTimeout(() => {
      if (!this.#ended && !this.#clientGone) this.#write('')
    }, prefaceMs)
    return true
  }

  onEnd(): void {
    if (this.#ended) return
    if (!this.#stream) return this.#finishUnary()
    const rest = this.#stream.finish()
    const { failure, complete } = this.#observed
    if (failure) {
      this.#writeBeforeError(rest)
      return this.#fail(fromProvider(failure, this.#scrub()), ofProvider(failure))
    }
    this.#held.push(rest)
    // A stream that just ends, without the mark of its protocol, was cut: it must not look finished.
    if (complete) this.#finish(null, good)
    else this.#finish(new GatewayError('upstream_disconnected'), cutShort)
  }

  onFailure(failure: UpstreamFailure): void {
    if (this.#ended || this.#deaf) return
    if (this.#options.answerHere && !this.#clientGone) return this.answerHere(ofNetwork(failure))
    // Everything that matters had come: a connection that breaks after the finish mark changes nothing for the client, who gets the end of its own protocol.
    if (this.#observed.complete && this.#stream) return this.onEnd()
    this.#fail(fromNetwork(failure), ofNetwork(failure))
  }

  /** Nobody else is asked, or nobody else knows. */
  answerHere(verdict: Verdict = noVerdict): void {
    if (this.#answersHere) return
    this.#answersHere = true
    this.#admission.leg.end(verdict)
    this.#options.answerHere!().then(
      (answer) => this.#finishWith(answer),
      (error: unknown) => this.#finish(toFailure(error), noVerdict),
    )
  }

  /** Ends the exchange from our side: the drain deadline of a shutdown. */
  cancel(error: GatewayError): void {
    if (!this.#ended) this.#stop(error)
  }

  /** The attempt could not be sent. */
  unsent(error: GatewayError, verdict: Verdict): void {
    if (!this.#ended) this.#fail(error, verdict)
  }

  /** Ends the exchange first and the call after it: an aborted call reports a failure at once, and that is not news. */
  #stop(error: GatewayError | null, verdict = noVerdict): void {
    this.#finish(error, verdict)
    this.#upstream?.abort()
  }

  /** The attempt failed: the next begins, or the exchange ends with it. */
  #fail(error: GatewayError, verdict: Verdict): void {
    if (!this.#moveOn(error, verdict)) this.#stop(error, verdict)
  }

  /** Nothing of a failed attempt was shown, so another may take its place. It is sent from outside of what the network called us with. */
  #moveOn(error: GatewayError, verdict: Verdict): boolean {
    const before = this.#admission
    if (!verdict.moves || !this.waits || this.#started || this.#observed.deliveredChars > 0) return false
    before.leg.end(verdict)
    if (error.cause !== undefined) error.cause = loggable(error.cause, this.#scrub().secrets)
    const next = this.#options.another(before, verdict, error)
    if (!next) return false
    this.#attempts.push(noteOf(before.leg, this.#status, verdict, error))
    const call = this.#upstream
    this.#deaf = true
    call?.abort()
    this.#deaf = false
    if (this.#patience) clearTimeout(this.#patience)
    this.#patience = null
    this.#upstream = null
    this.#status = 0
    this.#body = []
    this.#bodyBytes = 0
    this.#stream = null
    this.#observed = { deliveredChars: 0, complete: false }
    this.#firstByteAt = null
    this.#held = []
    this.#preface = []
    this.#admission = next
    queueMicrotask(() => (this.waits ? this.#options.send(next, this) : this.abandon()))
    return true
  }

  #collect(chunk: Buffer): boolean {
    const failed = this.#status < 200 || this.#status >= 300
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > (failed ? maxErrorBytes : maxUnaryBytes)) {
      if (failed) return true
      this.#stop(new GatewayError('upstream_error', 'The answer of the provider is too large.'))
      return true
    }
    this.#body.push(chunk)
    return this.#clientGone ? this.#drainFurther(chunk.length) : true
  }

  #finishUnary(): void {
    const body = this.#body.length === 1 ? this.#body[0]! : Buffer.concat(this.#body)
    const admission = this.#admission
    if (this.#status < 200 || this.#status >= 300) {
      const failure = admission.road.decodeError(this.#status, this.#header, body)
      // What the client did wrong, only the client can mend; any other failure is not its concern where we can answer too.
      const mistaken = failure.class === 'client' && this.#status >= 400 && this.#status !== 404 && this.#status !== 405
      if (this.#options.answerHere && !mistaken) return this.answerHere(ofProvider(failure))
      return this.#fail(fromProvider(failure, this.#scrub()), ofProvider(failure))
    }
    if (admission.facts.stream && !admission.road.streams) {
      return this.#finish(
        new GatewayError('upstream_error', 'The provider did not answer with a stream.', { retry: false }),
        cutShort,
      )
    }
    try {
      const answer = admission.road.unary(body, this.#header('content-type'))
      if (answer.observed.failure) {
        this.#observed = answer.observed
        // With a 200, of a whole answer: what ran, and who pays for it, nobody knows.
        const verdict = { ...ofProvider(answer.observed.failure), moves: false }
        return this.#finish(fromProvider(answer.observed.failure, this.#scrub()), verdict)
      }
      // A 200 with something else in it (a login page, half a body) is no answer: it is neither shown nor charged.
      if (!answer.observed.complete) throw new UnreadableAnswer('the answer is not one of its protocol')
      this.#finishWith(answer)
    } catch (error) {
      this.#observed = { deliveredChars: 0, complete: false }
      if (!(error instanceof UnreadableAnswer)) return this.#finish(toFailure(error), noVerdict)
      if (this.#options.answerHere) return this.answerHere(cutShort)
      this.#finish(
        new GatewayError('upstream_error', 'The provider sent an answer that cannot be read.', {}, { cause: error }),
        cutShort,
      )
    }
  }

  /** The provider has a copy with other words in it. The client's is not needed while the answer lasts. */
  #freeBody(): void {
    const { call } = this.#options
    if (this.#admission.body.buffer !== call.body.buffer) freeBuffer(call.body)
  }

  #write(out: Buffer | string): boolean {
    const { client } = this.#options.call
    if (!this.#started) {
      this.#started = true
      if (this.#admission.others) this.#freeBody()
      const headers = this.#options.headers(this.#admission)
      client.start(200, [...streamHeaders, this.#stream?.contentType ?? sseType, ...headers])
      for (const bytes of this.#preface) client.write(bytes)
      this.#preface = []
    }
    return out.length === 0 || client.write(out)
  }

  #finishEarly(): void {
    if (this.#ended) return
    this.#held.push(this.#stream?.finish() ?? '')
    const { failure } = this.#observed
    if (failure) this.#stop(fromProvider(failure, this.#scrub()), ofProvider(failure))
    else this.#stop(null, good)
  }

  #finishWith(answer: UnaryAnswer): void {
    if (this.#ended) return
    this.#observed = answer.observed
    this.#answer = answer
    this.#finish(null, good)
  }

  #finish(error: GatewayError | null, verdict: Verdict): void {
    if (this.#ended) return
    this.#ended = true
    const admission = this.#admission
    // Whatever ended an answer that was complete.
    admission.leg.end(this.#observed.complete && verdict.fault === 'nobody' ? good : verdict)
    this.#attempts.push(noteOf(admission.leg, this.#status, verdict, error))
    if (this.#grace) clearTimeout(this.#grace)
    if (this.#patience) clearTimeout(this.#patience)
    this.#draining?.()
    const { call, settle, done } = this.#options
    if (error?.cause !== undefined) error.cause = loggable(error.cause, this.#scrub().secrets)
    const outcome: Outcome = {
      observed: this.#observed,
      attempts: this.#attempts,
      error,
      clientGone: this.#clientGone,
      upstreamStatus: this.#status || null,
      firstByteAt: this.#firstByteAt,
    }
    settle(outcome, admission).then(
      (settled) => {
        if (call.client.open) this.#sendEnd(error, settled)
        done()
      },
      (cause: unknown) => {
        // The money could not be booked in time. The ledger goes on trying and logs what the client hears now; a finished answer must not be seen.
        if (call.client.open) this.#sendError(new GatewayError('storage_unavailable', undefined, {}, { cause }))
        done()
      },
    )
  }

  #sendEnd(error: GatewayError | null, settled: SettledHeaders): void {
    const { call, headers } = this.#options
    if (error) return this.#sendError(error)
    if (this.#answer) {
      const { body, contentType = 'application/json', headers: more = [] } = this.#answer
      call.client.start(this.#answersHere ? 200 : this.#status, [
        'content-type',
        contentType,
        'content-length',
        String(body.length),
        'x-gateway-cost',
        settled.cost,
        ...headers(this.#admission),
        ...more,
      ])
      return call.client.end(body)
    }
    for (const bytes of this.#held) if (bytes.length > 0) this.#write(bytes)
    if (!this.#started) this.#write('')
    call.client.end()
  }

  #sendError(error: GatewayError): void {
    const { call, headers } = this.#options
    if (this.#started) {
      if (this.#stream?.binary) return call.client.destroy()
      const { errors } = call.endpoint
      const bytes = this.#stream?.fail?.(error, call.requestId) ?? errors.renderStreamError(error, call.requestId)
      if (errors.breaksAfterStreamError) call.client.breakOff(bytes)
      else call.client.end(bytes)
      return
    }
    sendError(call, error, errorHeaders(headers(this.#admission), error))
  }

  #onClientGone(): void {
    if (this.#ended) return
    this.#clientGone = true
    // What was not asked upstream to its end is asked within bounds: providers bill what they were asked for, and so must we.
    const release = this.#options.drain.enter(() => this.#giveUpDrain())
    if (!release) return this.#giveUpDrain()
    this.#draining = release
    this.#upstream?.resume()
    this.#drainFurther(0)
  }

  /** After the client has gone: a stream that has shown content is stopped at once, anything else may finish within the budget. */
  #drainFurther(bytes: number): boolean {
    const seen = this.#stream && this.#observed.deliveredChars > 0 && !this.#observed.complete
    if (seen || !this.#options.drain.spend(bytes)) this.#giveUpDrain()
    return true
  }

  #giveUpDrain(): void {
    if (!this.#ended) this.#stop(null)
  }

  #scrub() {
    const { model, leg } = this.#admission
    const { provider, model: real } = leg.target
    return { shadow: model.name, real, secrets: provider.keys.map(({ secret }) => secret) }
  }
}

/** An error before anything was sent, in the client's protocol. */
export const sendError = (call: Call, error: GatewayError, headers: readonly string[]): void => {
  const { status, body } = call.endpoint.errors.renderError(error, call.requestId)
  const bytes = Buffer.from(JSON.stringify(body))
  call.client.start(status, ['content-type', 'application/json', 'content-length', String(bytes.length), ...headers])
  call.client.end(bytes)
}

const toFailure = (error: unknown): GatewayError =>
  error instanceof GatewayError ? error : new GatewayError('internal_error', undefined, {}, { cause: error })

/** `text/event-stream`, and `application/vnd.amazon.eventstream`. */
const isEventStream = (type: string | undefined): boolean => type !== undefined && /event-?stream/.test(type)
