import type { ResolvedModel, Target } from '../catalog/resolved.ts'
import { chooseKey, type Member, type PoolKey } from './key-pool.ts'
import { Leg, type TargetState } from './leg.ts'
import type { RetryBudget } from './retry-budget.ts'
import { pick, type Candidate } from './strategy.ts'
import { blamesKey, type Verdict } from './verdict.ts'

/** A target as routing sees it. */
export interface Place {
  readonly target: Target
  readonly state: TargetState
  /** The keys of its provider; none for a provider without. */
  readonly members: readonly Member[]
}

export interface TripOptions {
  readonly model: ResolvedModel
  readonly places: readonly Place[]
  /** 0: the request has no preference among keys. */
  readonly sticky: number
  readonly budget: RetryBudget
  readonly monotonic: () => number
  readonly random: () => number
  /** No attempt begins later than so many milliseconds after the first. */
  readonly deadlineMs: number
}

/** Attempts that may each ask another target. */
const mostAttempts = 3
/** With those that only turn to another key of the same pool. */
const mostLegs = 10
const none: readonly never[] = []

/** The way of one request from attempt to attempt. */
export class Trip {
  readonly #options: TripOptions
  readonly #startedAt: number
  #attempts = 1
  #legs = 0
  #current: Place | null = null
  #triedKeys: PoolKey[] | null = null
  #excluded: Place[] | null = null

  constructor(options: TripOptions) {
    this.#options = options
    this.#startedAt = options.monotonic()
    options.budget.request(this.#startedAt)
  }

  /** The first attempt. Null when every key rests; a target whose breaker is open is asked rather than none. */
  first(): Leg | null {
    const { places } = this.#options
    const only = places.length === 1 ? places[0]! : undefined
    // Nobody else could be asked: the provider is left to speak for itself.
    if (only && only.members.length <= 1) return this.#go(only, only.members[0])
    return this.#choose() ?? this.#lastResort()
  }

  /** The attempt after one that ended so; null when there is to be none. */
  next(after: Verdict): Leg | null {
    const { monotonic, budget, deadlineMs } = this.#options
    const now = monotonic()
    const here = this.#current
    if (!here || !after.moves || this.#legs >= mostLegs || now - this.#startedAt >= deadlineMs) return null
    // Another key of the same pool is no further attempt: the provider did no work, and said at once that it would not.
    if (blamesKey(after.fault)) {
      const member = this.#keyAt(here, now)
      if (member && here.state.breaker.ready(now)) return this.#go(here, member)
    }
    if (this.#attempts >= mostAttempts) return null
    const elsewhere = this.#find(now, here)
    const again = elsewhere || after.fault !== 'broken' ? undefined : this.#keyAt(here, now)
    if ((!elsewhere && !again) || !budget.take(now)) return null
    this.#attempts++
    if (!elsewhere) return this.#go(here, again)
    this.#exclude(here)
    return this.#choose()
  }

  /** Another target in place of the last, which cannot express the request. Nothing was sent. */
  skip(): Leg | null {
    if (this.#current) this.#exclude(this.#current)
    return this.#choose()
  }

  /** Whole seconds until a key may be used again, at least 1. */
  retryAfter(): number {
    const now = this.#options.monotonic()
    let wait = Infinity
    for (const { members } of this.#options.places)
      for (const { known } of members) wait = Math.min(wait, known.health.waitMs(now))
    return wait === Infinity ? 30 : Math.max(1, Math.ceil(wait / 1000))
  }

  #exclude(place: Place): void {
    this.#excluded ??= []
    this.#excluded.push(place)
  }

  #keyAt({ members }: Place, now: number): Member | undefined {
    return chooseKey(members, this.#triedKeys ?? none, this.#options.sticky, now)
  }

  /** Whether another place than `but` can be asked. */
  #find(now: number, but: Place): boolean {
    return this.#options.places.some((place) => place !== but && this.#open(place, now))
  }

  #open(place: Place, now: number): boolean {
    if (this.#excluded?.includes(place) || !place.state.breaker.ready(now)) return false
    if (place.members.length === 0) return true
    const tried = this.#triedKeys
    for (const { known } of place.members) if (known.health.ready(now) && !tried?.includes(known)) return true
    return false
  }

  #choose(): Leg | null {
    const { model, places, monotonic, random } = this.#options
    const now = monotonic()
    const open: Place[] = []
    for (const place of places) if (this.#open(place, now)) open.push(place)
    if (open.length === 0) return null
    const index = open.length === 1 ? 0 : pick(model.strategy, candidates(open, now), random)
    const place = open[index]!
    return this.#go(place, this.#keyAt(place, now))
  }

  /** All are given up for the moment: whoever may be asked again the soonest, though never with a key that rests. */
  #lastResort(): Leg | null {
    const now = this.#options.monotonic()
    let best: Place | undefined
    let member: Member | undefined
    let least = Infinity
    for (const place of this.#options.places) {
      const rested = place.members.find(({ known }) => known.health.waitMs(now) === 0)
      const wait = place.state.breaker.look(now).waitMs
      if ((place.members.length > 0 && !rested) || wait >= least) continue
      best = place
      member = rested
      least = wait
    }
    return best ? this.#go(best, member) : null
  }

  #go(place: Place, member: Member | undefined): Leg {
    const { monotonic } = this.#options
    this.#current = place
    this.#legs++
    if (member) {
      this.#triedKeys ??= []
      this.#triedKeys.push(member.known)
    }
    return new Leg(place.target, place.state, member, monotonic)
  }
}

const candidates = (open: readonly Place[], now: number): Candidate[] =>
  open.map(({ target, state }) => ({
    weight: target.weight,
    priority: target.priority,
    busy: state.busy,
    latencyMs: state.latency.expect(now),
  }))
