import type { Catalog, ResolvedProvider } from '../catalog/resolved.ts'
import type { Clock } from '../kernel/clock.ts'
import { type GatewayError, toGatewayError } from '../kernel/errors.ts'
import { formatCredits } from '../kernel/money.ts'
import type { Sealer } from '../kernel/secrets.ts'
import type {
  HoldCommand,
  HoldResult,
  PostCommand,
  RecordCommand,
  ResolveResult,
  VoidCommand,
} from '../ledger/commands.ts'
import type { CountTokens } from '../endpoints/endpoint.ts'
import type { Limiter } from '../limits/limiter.ts'
import type { Credentials } from '../upstream/credentials.ts'
import type { Upstream, UpstreamRequest } from '../upstream/upstream.ts'
import type { Routing } from '../routing/routing.ts'
import { noCredential, noVerdict } from '../routing/verdict.ts'
import type { KeptResponses } from '../usage/kept-responses.ts'
import { admit, type Admission, type Sighting } from './admit.ts'
import { admitKept } from './admit-kept.ts'
import type { Call } from './call.ts'
import { anotherAttempt } from './attempts.ts'
import { createDrainBudgets } from './drain-budget.ts'
import { requestValues } from '../ledger/request-row.ts'
import { Running } from './running.ts'
import { recordOf, refusalOf } from './record.ts'
import { type Outcome, Relay, sendError } from './relay.ts'
import { answerHeaders, errorHeaders } from './response-headers.ts'
import { settlementOf } from './settle.ts'

export interface ExchangeDeps {
  readonly clock: Clock
  readonly catalog: Catalog
  readonly limiter: Limiter
  readonly routing: Routing
  /** Whose answers providers keep. */
  readonly responses: KeptResponses
  /** A provider that is enabled. */
  readonly provider: (id: string) => ResolvedProvider | undefined
  /** The ledger's hot commands; each promise settles after its commit. */
  readonly money: {
    hold(command: HoldCommand): Promise<HoldResult>
    post(command: PostCommand): Promise<ResolveResult>
    void(command: VoidCommand): Promise<ResolveResult>
    record(command: RecordCommand): void
  }
  readonly upstream: Upstream
  readonly credentials: Credentials
  readonly sealer: Sealer
  readonly countTokens: CountTokens
  readonly epoch: string
  readonly config: {
    readonly defaultReserveTokens: number
    readonly connectTimeoutMs: number
    readonly firstByteTimeoutMs: number
    readonly idleTimeoutMs: number
  }
  /** Told of errors that are ours, with what may be logged. */
  readonly onError: (error: GatewayError, fields: { readonly request: string; readonly model?: string }) => void
}

export interface Exchange {
  /** Runs one request to its end. Never throws: every failure is answered, logged and settled inside. */
  run(call: Call): Promise<void>
  /** Exchanges that have not ended. */
  readonly running: number
  /** Ends all running exchanges with an error in their stream and settles what was delivered. Resolves when all are settled. */
  cancelAll(error: GatewayError): Promise<void>
}

/** The whole way of a request: admit → translate → dispatch → relay → meter → settle. */
export const createExchange = (deps: ExchangeDeps): Exchange => {
  const { clock, money, upstream, config } = deps
  const relays = new Running<Relay>()
  /** Requests that are being checked or wait for their hold. */
  let admitting = 0
  let stopped: GatewayError | null = null
  let idle: (() => void) | null = null
  const ended = (): void => {
    if (relays.size + admitting === 0) idle?.()
  }
  const newDrainBudget = createDrainBudgets({ places: 100, ms: 60_000, bytes: 10 * 1024 * 1024 })
  const admitDeps = {
    catalog: deps.catalog,
    limiter: deps.limiter,
    hold: (command: HoldCommand) => money.hold(command),
    routing: deps.routing,
    responses: deps.responses,
    provider: deps.provider,
    defaultReserveTokens: config.defaultReserveTokens,
    sealer: deps.sealer,
    now: () => clock.now(),
    epoch: deps.epoch,
  }

  const refuse = (call: Call, sighting: Sighting, thrown: unknown): void => {
    const error = toGatewayError(thrown)
    if (error.status >= 500) deps.onError(error, { request: call.id, ...(sighting.model && { model: sighting.model }) })
    money.record({ op: 'record', record: requestValues(refusalOf(call, sighting, error, clock.monotonic())) })
    if (call.client.open)
      sendError(
        call,
        error,
        errorHeaders(answerHeaders(call, deps.limiter.show(call.principal), [], clock.now()), error),
      )
  }

  const settle = async (call: Call, admission: Admission, outcome: Outcome): Promise<{ cost: string }> => {
    const settlement = settlementOf(outcome.observed, admission.price?.price ?? null, admission)
    if (outcome.error && outcome.error.status >= 500)
      deps.onError(outcome.error, { request: call.id, model: admission.model.name })
    const row = recordOf(call, admission, outcome, settlement, clock.monotonic())
    const record = requestValues(row)
    admission.lease.release(settlement.tokens)
    const at = clock.now()
    const hold = admission.holdId
    if (settlement.release) {
      await money.void({ op: 'void', hold, state: 'voided', record, at })
      return { cost: '0' }
    }
    const { quality, tokens, amount } = settlement
    const usage = JSON.stringify(settlement.usage)
    const result = await money.post({ op: 'post', hold, amount, usage, tokens, quality, record, at })
    deps.responses.note(row)
    return { cost: formatCredits(result.posted) }
  }

  const dispatch = (call: Call, admission: Admission): void => {
    const { road } = admission
    const relay = new Relay({
      call,
      admission,
      settle: (outcome, answered) =>
        settle(call, answered, outcome).catch((error: unknown) => {
          deps.onError(toGatewayError(error), { request: call.id, model: admission.model.name })
          throw error
        }),
      headers: ({ lease, road: taken }) => answerHeaders(call, lease.limits, taken.warnings, clock.now()),
      another: (before, verdict, error) => {
        // The client hears nothing of it, so the operator must.
        if (verdict.fault === 'rejected' || verdict.fault === 'exhausted')
          deps.onError(error, { request: call.id, model: before.model.name })
        return anotherAttempt(before, verdict)
      },
      send: (next) => send(call, next, relay),
      monotonic: () => clock.monotonic(),
      drain: newDrainBudget(),
      answerHere: road.local && (() => road.local!.answer(deps.countTokens)),
      done: () => {
        relays.delete(relay)
        ended()
      },
    })
    relays.add(relay)
    if (road.local?.only) return relay.answerHere()
    send(call, admission, relay)
  }

  const send = (call: Call, admission: Admission, relay: Relay): void => {
    const { leg, road } = admission
    const { target } = leg
    const { provider } = target
    leg.sent()
    const request = (headers: Record<string, string>): UpstreamRequest => ({
      baseUrl: road.baseUrl?.(provider.baseUrl) ?? provider.baseUrl,
      path: road.path,
      method: road.method ?? 'POST',
      headers,
      body: road.upload && call.upload ? call.upload.send(road.upload) : admission.body,
      connectTimeoutMs: config.connectTimeoutMs,
      firstByteTimeoutMs: provider.timeoutMs ?? config.firstByteTimeoutMs,
      idleTimeoutMs: config.idleTimeoutMs,
      allowPrivate: provider.allowPrivate,
    })
    const headersWith = (secret: string | null): Record<string, string> => {
      const headers = provider.kind.headers({
        protocol: road.protocol,
        model: target.model,
        stream: admission.facts.stream,
        secret,
        client: call.headers,
      })
      if (!road.method)
        headers['content-type'] = road.upload && call.upload ? call.upload.contentType : 'application/json'
      headers['x-request-id'] = call.id
      return headers
    }
    const secret = leg.key?.secret ?? null
    if (!deps.credentials.needed(provider.kind)) return relay.attach(upstream.send(request(headersWith(secret)), relay))
    deps.credentials.prepare(provider, secret, headersWith, request).then(
      (prepared) => (relay.waits ? relay.attach(upstream.send(prepared, relay)) : relay.abandon()),
      (error: unknown) => {
        const told = toGatewayError(error)
        relay.unsent(told, told.code === 'upstream_auth_failed' ? noCredential : noVerdict)
      },
    )
  }

  const start = async (call: Call): Promise<void> => {
    const sighting: Sighting = {}
    let admission: Admission
    try {
      admission = await (call.endpoint.kept ? admitKept : admit)(call, admitDeps, sighting)
    } catch (error) {
      return refuse(call, sighting, error)
    }
    if (call.client.open && !stopped) return dispatch(call, admission)
    // The client left, or the gateway was stopped, while the credit was being held: nothing was sent, nothing is owed.
    admission.leg.end(noVerdict)
    const outcome = { ...notDispatched, error: call.client.open ? stopped : null, clientGone: !call.client.open }
    await settle(call, admission, outcome).catch((error: unknown) =>
      deps.onError(toGatewayError(error), { request: call.id }),
    )
    if (call.client.open && stopped)
      sendError(
        call,
        stopped,
        errorHeaders(answerHeaders(call, deps.limiter.show(call.principal), [], clock.now()), stopped),
      )
  }

  return {
    async run(call) {
      admitting++
      try {
        await start(call)
      } finally {
        admitting--
        ended()
      }
    },
    get running() {
      return relays.size + admitting
    },
    async cancelAll(error) {
      stopped = error
      if (relays.size + admitting === 0) return
      const settled = new Promise<void>((resolve) => (idle = resolve))
      for (const relay of relays.list()) relay.cancel(error)
      await settled
    },
  }
}

const notDispatched: Omit<Outcome, 'error' | 'clientGone'> = {
  observed: { deliveredChars: 0, complete: false },
  attempts: [],
  upstreamStatus: null,
  firstByteAt: null,
}
