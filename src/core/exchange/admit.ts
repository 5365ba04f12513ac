import type { Catalog, ResolvedModel, Target } from '../catalog/resolved.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { formatCredits } from '../kernel/money.ts'
import type { Sealer } from '../kernel/secrets.ts'
import type { FrozenPrice, HoldCommand, HoldContext, HoldResult } from '../ledger/commands.ts'
import { packContext } from '../ledger/hold-context.ts'
import type { Lease, Limiter } from '../limits/limiter.ts'
import { estimateTokens, holdBounds } from '../pricing/estimate.ts'
import type { Road } from '../endpoints/endpoint.ts'
import type { RequestFacts } from '../protocols/protocol.ts'
import type { Leg } from '../routing/leg.ts'
import type { Routing } from '../routing/routing.ts'
import type { Trip } from '../routing/trip.ts'
import { noVerdict } from '../routing/verdict.ts'
import type { KeptResponses } from '../usage/kept-responses.ts'
import type { Call } from './call.ts'
import { findEarlier, notThere } from './earlier-response.ts'
import { firstWay, setOut, type Way } from './first-way.ts'
import { applySettings, outputCap } from './model-settings.ts'
import { promptEstimate } from './prompt-estimate.ts'
import { quotaClaim, quotaRefusal, secondsToRenewal } from './quota.ts'
import { definesTools, usesHostedTools } from './tools.ts'

export interface AdmitDeps {
  readonly catalog: Catalog
  readonly limiter: Limiter
  readonly hold: (command: HoldCommand) => Promise<HoldResult>
  readonly routing: Routing
  readonly responses: KeptResponses
  readonly defaultReserveTokens: number
  readonly sealer: Sealer
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number
  /** This run of the daemon; a later run settles the holds that an earlier one left open. */
  readonly epoch: string
}

/** A request that may go upstream: its limits are taken and its credit is held. */
export interface Admission {
  readonly model: ResolvedModel
  readonly facts: RequestFacts
  /** The attempt that is made now: its target and key, the road there, and what is sent. */
  readonly leg: Leg
  readonly road: Road
  readonly body: Buffer
  /** The attempts that may follow; absent where only one target or key will do. */
  readonly others?: {
    readonly trip: Trip
    /** The way to another target under the same limits. Throws what admission would have thrown. */
    readonly wayTo: (leg: Leg) => Way
    /** Whether a limit on output is sent. */
    readonly limited: boolean
    /** How many tokens of output the hold and the quota still pay for behind a prompt of so many: targets count differently. */
    readonly outputFor: (inputTokens: number) => number
    /** With fewer the client is not content. */
    readonly leastOutput: number
  }
  readonly price: { readonly id: string; readonly price: FrozenPrice } | null
  readonly holdId: string
  readonly held: number
  readonly lease: Lease
  readonly estimatedInputTokens: number
}

/** What was learned before a refusal, for the request log. */
export interface Sighting {
  model?: string
  modelId?: string
  stream?: boolean
}

/**
 * Checks in the order of their price: the request itself, the model, the road to the provider, the key's limits, and last the credit. Whatever is refused here has
 * cost nothing, held nothing and sent nothing.
 */
export const admit = async (call: Call, deps: AdmitDeps, sighting: Sighting): Promise<Admission> => {
  const { endpoint, place, principal, receivedAt: now } = call
  let facts = endpoint.inspect(call.body, place)
  sighting.model = facts.model
  sighting.stream = facts.stream

  const model = findModel(facts.model, principal.models, deps.catalog)
  sighting.modelId = model.id
  const price = endpoint.free ? null : model.priceAt(now)
  if (!price && !model.free && !endpoint.free) {
    throw new GatewayError(
      'model_unpriced',
      `The model "${model.name}" has no price. An administrator must set one: gateway prices set ${model.name} …`,
    )
  }
  const settled = applySettings(facts.scanned, model, endpoint.id)
  if (settled !== facts.scanned.bytes) facts = endpoint.inspect(settled, place)

  // Awaited by none that does not refer to an earlier answer.
  const earlier =
    facts.refersTo === undefined ? undefined : await findEarlier(facts.refersTo, call, model.targets, deps.responses)
  const cap = outputCap(model)
  const promptBytes = facts.promptBound ?? facts.scanned.bytes.length
  const earlierTokens = earlier?.tokens ?? 0
  const bounds = holdBounds({
    price: price?.price ?? null,
    bodyBytes: promptBytes + earlierTokens,
    remoteParts: facts.remoteParts,
    contextWindow: model.contextWindow,
    maxOutputTokens: Number.isFinite(cap) ? cap : null,
    clientMaxTokens: facts.maxTokens,
    choices: facts.choices,
    hasTools: definesTools(facts),
    hostedTools: usesHostedTools(facts),
    defaultReserveTokens: deps.defaultReserveTokens,
  })
  const planned = bounds.outputTokens
  // Where neither a price nor a quota of tokens reserves anything, nothing is limited that neither client nor model limit.
  const reserves = price !== null || (principal.quota?.tokens ?? null) !== null
  const limit = reserves || bounds.outputLimit !== 'reserve' ? planned : undefined
  const wayTo = (leg: Leg): Way => {
    const { target } = leg
    const estimatedInputTokens = Math.min(bounds.promptTokens, estimateOf(facts, target) + earlierTokens)
    const road = endpoint.road({
      facts,
      place,
      target: {
        kind: target.provider.kind,
        speaks: target.provider.speaks,
        model: target.model,
        providerId: target.provider.id,
        quirks: target.provider.quirks,
        baseUrl: target.provider.baseUrl,
      },
      shadowModel: model.name,
      maxTokens: limit,
      defaultMaxTokens: planned,
      estimatedInputTokens,
      created: Math.floor(now / 1000),
      ...(deps.now && { now: deps.now }),
      crossing: model.crossing,
      sealer: deps.sealer,
      clientHeaders: call.headers,
    })
    return { leg, road, estimatedInputTokens }
  }
  const trip = earlier ? undefined : deps.routing.trip(model, { scanned: facts.scanned, headers: call.headers })
  const begun = trip ? setOut(trip, model.name) : deps.routing.only(earlier!.target)
  const { leg, road, estimatedInputTokens } = firstWay(begun, trip, wayTo)
  const claimTokens = endpoint.free ? 0 : estimatedInputTokens + planned * facts.choices
  // A client that fixed the length itself gets it or nothing; another is content with less.
  const minTokens =
    bounds.outputLimit === 'client' ? claimTokens : estimatedInputTokens + Math.min(1, planned) * facts.choices
  let lease: Lease | undefined
  try {
    if (earlier && !road.straight) throw notThere('What is sent with it must be translated on the way')
    lease = deps.limiter.take(principal, Math.min(claimTokens, estimatedInputTokens + (facts.maxTokens ?? 0)))
    const quota = endpoint.free ? undefined : quotaClaim(principal, now, { claimTokens, minTokens })
    const context: HoldContext = {
      userId: principal.userId,
      keyId: principal.keyId,
      model: model.name,
      modelId: model.id,
      priceId: price?.id ?? null,
      price: price?.price ?? null,
      clientProtocol: endpoint.id,
      clientRequestId: call.clientRequestId,
      stream: facts.stream,
      estimatedInputTokens,
    }
    const holdId = newId('hold', now)
    const result = await deps.hold({
      op: 'hold',
      id: holdId,
      account: principal.accountId,
      requestId: call.id,
      min: bounds.min,
      max: bounds.max,
      context: packContext(context),
      ...(quota && { quota }),
      epoch: deps.epoch,
      at: now,
    })
    if (!result.ok) throw refusal(result, { credits: bounds.min, tokens: minTokens, requests: 1 }, call)
    const outputFor = (inputTokens: number): number => {
      const quotaOutput = quota ? Math.floor((result.tokens - inputTokens) / facts.choices) : planned
      return Math.min(bounds.affordable(result.held), quotaOutput)
    }
    const leastOutput = bounds.outputLimit === 'client' ? planned : Math.min(1, planned)
    const affordable = limit === undefined ? undefined : outputFor(estimatedInputTokens)
    return {
      model,
      facts,
      leg,
      road,
      body: road.request(affordable),
      // An upload is sent while it comes, and where the gateway can answer itself it does so rather than ask on.
      ...(trip &&
        !call.upload &&
        !road.local && { others: { trip, wayTo, limited: limit !== undefined, outputFor, leastOutput } }),
      price,
      holdId,
      held: result.held,
      lease,
      estimatedInputTokens,
    }
  } catch (error) {
    lease?.release(0)
    leg.end(noVerdict)
    throw error
  }
}

const estimateOf = (facts: RequestFacts, { provider, model }: Target): number =>
  facts.prompt && facts.promptBound !== 0
    ? promptEstimate(facts.prompt, provider.kind.protocolFor?.(model) ?? provider.speaks[0]!)
    : estimateTokens(facts.promptBound ?? facts.scanned.bytes.length)

const findModel = (name: string, allowed: ReadonlySet<string> | null, catalog: Catalog): ResolvedModel => {
  const model = catalog.resolve(name)
  if (!model)
    throw new GatewayError(
      'model_not_found',
      `The model "${name}" does not exist. GET /v1/models lists the models of this key.`,
      { param: 'model' },
    )
  if (allowed && !allowed.has(name))
    throw new GatewayError('model_not_allowed', `This API key may not use the model "${name}".`, { param: 'model' })
  return model
}

const refusal = (
  result: HoldResult & { ok: false },
  needed: Readonly<Record<'credits' | 'tokens' | 'requests', number>>,
  call: Call,
): GatewayError => {
  if (result.code === 'insufficient_credits') {
    return new GatewayError(
      'insufficient_credits',
      `This request may cost up to ${formatCredits(needed.credits)} credits; ${formatCredits(result.available)} are available. Add credits or lower the limit on output tokens.`,
      { retry: false },
    )
  }
  const { quota } = call.principal
  const retryAfter = quota ? secondsToRenewal(quota.period, call.receivedAt) : undefined
  return new GatewayError('quota_exceeded', quotaRefusal(result, quota?.period, needed[result.which]), {
    retry: false,
    ...(retryAfter !== undefined && { retryAfter }),
  })
}
