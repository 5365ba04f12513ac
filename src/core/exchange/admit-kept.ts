import type { ResolvedModel, ResolvedProvider, Target } from '../catalog/resolved.ts'
import { GatewayError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { packContext } from '../ledger/hold-context.ts'
import type { KeptResponse, KeptResponses } from '../usage/kept-responses.ts'
import type { Admission, AdmitDeps, Sighting } from './admit.ts'
import type { Call } from './call.ts'
import { refuseForeignModel, shownId, withKey } from './earlier-response.ts'

export interface AdmitKeptDeps extends Pick<AdmitDeps, 'limiter' | 'hold' | 'sealer' | 'epoch' | 'routing'> {
  readonly responses: KeptResponses
  /** A provider that is enabled. */
  readonly provider: (id: string) => ResolvedProvider | undefined
}

/**
 * Admission of what is done with an answer that a provider keeps: it goes to the provider and the key that made it, for the user who asked for it, whatever became of
 * the model since. Costs nothing; takes the key's limits first, so that ids cannot be guessed at will.
 */
export const admitKept = async (call: Call, deps: AdmitKeptDeps, sighting: Sighting): Promise<Admission> => {
  const { endpoint, place, principal, receivedAt: now } = call
  const facts = endpoint.inspect(call.body, place)
  sighting.stream = facts.stream
  const id = facts.refersTo ?? ''
  const lease = deps.limiter.take(principal, 0)
  try {
    const kept = await deps.responses.find(principal.userId, id)
    if (!kept) throw notFound(id, '.')
    sighting.model = kept.model
    if (kept.modelId !== null) sighting.modelId = kept.modelId
    refuseForeignModel(kept, principal)
    const known = deps.provider(kept.providerId)
    const provider = known && withKey(known, kept)
    if (!provider) throw notFound(id, ': the provider or the provider key that made it is no longer in use here.')
    const model = modelOf(kept)
    const road = endpoint.road({
      facts,
      place,
      target: {
        kind: provider.kind,
        speaks: provider.speaks,
        model: kept.targetModel,
        providerId: provider.id,
        quirks: provider.quirks,
        baseUrl: provider.baseUrl,
      },
      shadowModel: kept.model,
      maxTokens: undefined,
      defaultMaxTokens: 0,
      estimatedInputTokens: 0,
      created: Math.floor(now / 1000),
      crossing: model.crossing,
      sealer: deps.sealer,
      clientHeaders: call.headers,
    })
    const holdId = newId('hold', now)
    const context = packContext({
      userId: principal.userId,
      keyId: principal.keyId,
      model: model.name,
      modelId: model.id,
      priceId: null,
      price: null,
      clientProtocol: endpoint.id,
      clientRequestId: call.clientRequestId,
      stream: facts.stream,
      estimatedInputTokens: 0,
    })
    const { accountId: account } = principal
    const { epoch } = deps
    const result = await deps.hold({
      op: 'hold',
      id: holdId,
      account,
      requestId: call.id,
      min: 0,
      max: 0,
      context,
      epoch,
      at: now,
    })
    if (!result.ok) throw new GatewayError(result.code)
    const body = road.request(undefined)
    const leg = deps.routing.only(targetOf(kept, provider))
    return { model, leg, facts, road, body, price: null, holdId, held: 0, lease, estimatedInputTokens: 0 }
  } catch (error) {
    lease.release(0)
    throw error
  }
}

const notFound = (id: string, why: string): GatewayError =>
  new GatewayError('response_not_found', `Response with id '${shownId(id)}' not found${why}`)

/** The model as the answer knows it: it may have been changed, disabled or removed since. */
const modelOf = (kept: KeptResponse): ResolvedModel => ({
  id: kept.modelId ?? '',
  name: kept.model,
  free: true,
  contextWindow: null,
  maxOutputTokens: null,
  defaults: {},
  caps: {},
  crossing: { strict: false, dropUnsupportedTools: false },
  createdAt: 0,
  strategy: 'priority',
  priceAt: () => null,
  targets: [],
})

const targetOf = (kept: KeptResponse, provider: ResolvedProvider): Target => ({
  id: '',
  provider,
  model: kept.targetModel,
  weight: 1,
  priority: 0,
})
