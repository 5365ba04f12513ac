import type { ResolvedProvider, Target } from '../catalog/resolved.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { KeyPrincipal } from '../keys/verdict.ts'
import type { KeptResponse, KeptResponses } from '../usage/kept-responses.ts'
import type { Call } from './call.ts'

/** What a request goes on from. */
export interface EarlierResponse {
  /** One that knows it, with no other key than the one that made it. */
  readonly target: Target
  /** Of prompt that is in no body. */
  readonly tokens: number
}

const param = 'previous_response_id'
const longestShown = 100

/** Ids come from clients. */
export const shownId = (id: string): string => (id.length > longestShown ? `${id.slice(0, longestShown)}…` : id)

/**
 * The answer that a request goes on from, and the target that has it. Throws `unsupported_parameter` where none of the targets can have any, or this one is kept by
 * somebody else now; `previous_response_not_found` for an id that is nobody's or another user's, in OpenAI's words.
 */
export const findEarlier = async (
  id: string,
  { endpoint, principal }: Pick<Call, 'endpoint' | 'principal'>,
  targets: readonly Target[],
  responses: KeptResponses,
): Promise<EarlierResponse> => {
  if (!targets.some(({ provider }) => provider.speaks.includes(endpoint.errors.id)))
    throw notThere('The provider behind this model keeps no responses')
  const kept = await responses.find(principal.userId, id)
  if (!kept)
    throw new GatewayError('previous_response_not_found', `Previous response with id '${shownId(id)}' not found.`, {
      param,
    })
  refuseForeignModel(kept, principal)
  const known = targets.flatMap((target) => {
    const provider = target.provider.id === kept.providerId ? withKey(target.provider, kept) : undefined
    return provider ? [{ ...target, provider }] : []
  })
  const target = known.find(({ model }) => model === kept.targetModel) ?? known[0]
  if (!target) throw notThere('That response is kept by a provider that this model does not go to now')
  return { target, tokens: kept.tokens }
}

/** For an answer that turns out to go through the neutral form, which has no word for what somebody keeps. */
export const notThere = (why: string): GatewayError =>
  new GatewayError('unsupported_parameter', `${param}: ${why}: send the whole conversation as input.`, { param })

/** What one model said is not for a key that may only use others. */
export const refuseForeignModel = ({ model }: KeptResponse, { models }: KeyPrincipal): void => {
  if (models && !models.has(model))
    throw new GatewayError('model_not_allowed', 'This API key may not use the model that gave this response.')
}

/** The provider with the key that made an answer and no other; undefined when that key is gone. A provider without keys then may have some now. */
export const withKey = (
  provider: ResolvedProvider,
  { providerKeyId }: Pick<KeptResponse, 'providerKeyId'>,
): ResolvedProvider | undefined => {
  if (providerKeyId === null) return provider
  const keys = provider.keys.filter(({ id }) => id === providerKeyId)
  return keys.length === 0 ? undefined : { ...provider, keys }
}
