import { toGatewayError, type GatewayError } from '../kernel/errors.ts'
import type { Leg } from '../routing/leg.ts'
import { noVerdict, type Verdict } from '../routing/verdict.ts'
import type { Admission } from './admit.ts'

/** What the request log says of one attempt (`requests.attempts`). */
export interface AttemptNote {
  readonly provider: string
  /** Id of the provider key. */
  readonly key: string | null
  readonly model: string
  /** Of the provider; null when none came. */
  readonly status: number | null
  /** What the client would have got, or got, of it. */
  readonly error?: string
  /** Why it did not answer. */
  readonly reason?: string
  readonly ms: number
}

export const noteOf = (leg: Leg, status: number, verdict: Verdict, error: GatewayError | null): AttemptNote => ({
  provider: leg.target.provider.name,
  key: leg.key?.id ?? null,
  model: leg.target.model,
  status: status || null,
  ...(error && { error: error.code, reason: verdict.reason }),
  ms: Math.round(leg.ms),
})

/**
 * The attempt after one that ended so: the next target that can be told what the request says and that the hold pays for. The price is the shadow model's; a target that
 * counts the prompt higher gets a lower limit on output, and is passed over when that leaves less than the client is content with.
 */
export const anotherAttempt = (before: Admission, verdict: Verdict): Admission | null => {
  const { others, facts } = before
  // The body was given back when the answer seemed to begin.
  if (!others || facts.scanned.bytes.length === 0) return null
  const { trip, wayTo, limited, outputFor, leastOutput } = others
  for (let leg = trip.next(verdict); leg; leg = trip.skip()) {
    try {
      const way = wayTo(leg)
      const output = outputFor(way.estimatedInputTokens)
      if (!way.road.local && (!limited || output >= leastOutput))
        return { ...before, ...way, body: way.road.request(limited ? output : undefined) }
      leg.end(noVerdict)
    } catch (error) {
      leg.end(noVerdict)
      if (toGatewayError(error).status >= 500) return null
    }
  }
  return null
}
