import type { Road } from '../endpoints/endpoint.ts'
import { GatewayError } from '../kernel/errors.ts'
import type { Leg } from '../routing/leg.ts'
import type { Trip } from '../routing/trip.ts'
import { noVerdict } from '../routing/verdict.ts'

export interface Way {
  readonly leg: Leg
  readonly road: Road
  /** As this target counts them. */
  readonly estimatedInputTokens: number
}

/**
 * The first target that can be told what the request says, in the order that routing gives. Throws what the first of them refused when none can: the client then reads
 * of the target that it would have gone to.
 */
export const firstWay = (begun: Leg, trip: Trip | undefined, wayTo: (leg: Leg) => Way): Way => {
  let refused: unknown
  for (let leg: Leg | null = begun; leg; leg = trip?.skip() ?? null) {
    try {
      return wayTo(leg)
    } catch (error) {
      leg.end(noVerdict)
      if (!(error instanceof GatewayError)) throw error
      refused ??= error
    }
  }
  throw refused
}

/** The first attempt of a trip. Throws `upstream_unavailable` with the time after which a key can be used again. */
export const setOut = (trip: Trip, model: string): Leg => {
  const leg = trip.first()
  if (leg) return leg
  throw new GatewayError('upstream_unavailable', `No provider is available for "${model}" now.`, {
    retryAfter: trip.retryAfter(),
  })
}
