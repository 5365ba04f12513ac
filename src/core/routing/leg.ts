import type { Target } from '../catalog/resolved.ts'
import type { Breaker } from './breaker.ts'
import type { Latency } from './latency.ts'
import type { Member, ProviderKey } from './key-pool.ts'
import { blamesKey, type Verdict } from './verdict.ts'

/** What is known of a real model at a provider, whichever shadow models lead to it. */
export interface TargetState {
  readonly breaker: Breaker
  readonly latency: Latency
  /** Attempts that run. */
  busy: number
}

/**
 * One attempt: a target and a key of its provider, from being chosen to being over. It takes part in the counts, and as a probe in the half-open states, from its making
 * on: whoever has one must end it, sent or not.
 */
export class Leg {
  readonly target: Target
  readonly key: ProviderKey | null
  readonly #state: TargetState
  readonly #member: Member | undefined
  readonly #monotonic: () => number
  readonly #probe: boolean
  #begunAt: number
  #over = false

  constructor(target: Target, state: TargetState, member: Member | undefined, monotonic: () => number) {
    this.target = target
    this.key = member?.key ?? null
    this.#state = state
    this.#member = member
    this.#monotonic = monotonic
    this.#begunAt = monotonic()
    state.busy++
    this.#probe = state.breaker.begin(this.#begunAt)
    if (member) {
      member.known.busy++
      member.known.health.begin(this.#begunAt)
    }
  }

  /** It is sent now. */
  sent(): void {
    this.#begunAt = this.#monotonic()
  }

  /** Milliseconds since it was sent. */
  get ms(): number {
    return this.#monotonic() - this.#begunAt
  }

  /** The head of a good answer is here: the key works, and this is how long it took. */
  answered(): void {
    if (this.#over) return
    const now = this.#monotonic()
    this.#state.latency.add(now - this.#begunAt, now)
    this.#member?.known.health.good(this.#begunAt)
  }

  /** It is over. Only the first call counts. */
  end(verdict: Verdict): void {
    if (this.#over) return
    this.#over = true
    const now = this.#monotonic()
    const { fault } = verdict
    this.#state.busy--
    const failed = fault === 'broken' || fault === 'unknown-model'
    this.#state.breaker.end(fault === 'none' ? 'good' : failed ? 'bad' : 'neutral', now, this.#probe)
    if (!this.#member) return
    const { known } = this.#member
    known.busy--
    if (blamesKey(fault)) known.health.bad(fault, this.#begunAt, now, verdict.restMs)
    else if (fault === 'none') known.health.good(this.#begunAt)
    else known.health.neutral()
  }
}
