import type { ResolvedModel, ResolvedProvider, Target } from '../catalog/resolved.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ScannedObject } from '../protocols/json-scan.ts'
import { createBreaker, type BreakerView } from './breaker.ts'
import { createPoolKey, type Member, type PoolKey } from './key-pool.ts'
import { createLatency } from './latency.ts'
import { Leg, type TargetState } from './leg.ts'
import { createRetryBudget } from './retry-budget.ts'
import { stickyHash } from './sticky.ts'
import { Trip, type Place } from './trip.ts'
import type { KeyFault } from './verdict.ts'

/** What is known of targets and keys in this process, and the choice among them. Nothing of it outlives the process. */
export interface Routing {
  /** A request for a model sets out. */
  trip(
    model: ResolvedModel,
    request: { readonly scanned: ScannedObject; readonly headers: Readonly<Record<string, string>> },
  ): Trip
  /** An attempt at exactly this target with its first key, whatever is known of them. */
  only(target: Target): Leg
  /** What is known of a target. Changes nothing. */
  look(provider: Pick<ResolvedProvider, 'id' | 'keys'>, model: string): TargetHealth
  /** Keys that rest or wait for their probe. */
  resting(): readonly RestingKey[]
  /** Forgets what is held against these keys, or all. Resolves to those that were resting. */
  clear(ids?: ReadonlySet<string>): readonly string[]
}

export interface RestingKey {
  /** Id of the provider key. */
  readonly id: string
  readonly fault: KeyFault
  /** Milliseconds until it is tried again; 0: the next request tries it. */
  readonly waitMs: number
}

export interface TargetHealth {
  readonly breaker: BreakerView
  /** Of its keys. */
  readonly resting: readonly RestingKey[]
}

export interface RoutingOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  /** From 0 to below 1. */
  readonly random: () => number
  /** No attempt begins later than so many milliseconds after the first. */
  readonly deadlineMs: number
}

/** Beyond so many, what is healthy and idle is forgotten: targets and keys come and go with the catalogue. */
const mostKept = 4096

export const createRouting = ({ clock, random, deadlineMs }: RoutingOptions): Routing => {
  const monotonic = (): number => clock.monotonic()
  const budget = createRetryBudget()
  const targets = new Map<string, TargetState>()
  const keys = new Map<string, PoolKey>()
  /** By the objects of the catalogue in use: a new one brings new objects, which find their states by name. */
  const placesOf = new WeakMap<ResolvedModel, readonly Place[]>()
  const pools = new WeakMap<ResolvedProvider, readonly Member[]>()

  const nameOf = (providerId: string, model: string): string => `${providerId} ${model}`
  const stateOf = ({ provider, model }: Target): TargetState => {
    const name = nameOf(provider.id, model)
    let state = targets.get(name)
    if (!state) {
      if (targets.size >= mostKept) prune(targets, idle)
      state = { breaker: createBreaker(), latency: createLatency(), busy: 0 }
      targets.set(name, state)
    }
    return state
  }
  const idle = ({ breaker, busy }: TargetState): boolean => busy === 0 && breaker.look(monotonic()).state === 'closed'
  const poolOf = (provider: ResolvedProvider): readonly Member[] => {
    let pool = pools.get(provider)
    if (!pool) {
      if (keys.size >= mostKept) prune(keys, ({ busy, health }) => busy === 0 && health.fault === null)
      pool = provider.keys.map((key) => {
        const known = keys.get(key.id) ?? createPoolKey(key.id)
        keys.set(key.id, known)
        return { key, known }
      })
      pools.set(provider, pool)
    }
    return pool
  }
  const placeOf = (target: Target): Place => ({ target, state: stateOf(target), members: poolOf(target.provider) })
  const places = (model: ResolvedModel): readonly Place[] => {
    let known = placesOf.get(model)
    if (!known) {
      known = model.targets.map(placeOf)
      placesOf.set(model, known)
    }
    return known
  }
  const resting = (known: PoolKey | undefined): RestingKey[] => {
    const fault = known?.health.fault
    return known && fault ? [{ id: known.id, fault, waitMs: known.health.waitMs(monotonic()) }] : []
  }

  return {
    trip(model, { scanned, headers }) {
      const known = places(model)
      const pooled = known.some(({ members }) => members.length > 1)
      const sticky = pooled ? stickyHash(scanned, headers) : 0
      return new Trip({ model, places: known, sticky, budget, monotonic, random, deadlineMs })
    },
    only(target) {
      const { state, members } = placeOf(target)
      return new Leg(target, state, members[0], monotonic)
    },
    look(provider, model) {
      const state = targets.get(nameOf(provider.id, model))
      return {
        breaker: state?.breaker.look(monotonic()) ?? { state: 'closed', waitMs: 0 },
        resting: provider.keys.flatMap(({ id }) => resting(keys.get(id))),
      }
    },
    resting: () => [...keys.values()].flatMap(resting),
    clear(ids) {
      const cleared: string[] = []
      for (const { id, health } of keys.values()) {
        if (health.fault === null || (ids && !ids.has(id))) continue
        health.clear()
        cleared.push(id)
      }
      return cleared
    },
  }
}

const prune = <Value>(from: Map<string, Value>, gone: (value: Value) => boolean): void => {
  for (const [name, value] of from) if (gone(value)) from.delete(name)
}
