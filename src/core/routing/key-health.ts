import type { KeyFault } from './verdict.ts'

/** How long a key rests. Milliseconds; each grows by doubling while it goes on failing, up to its cap. */
export interface RestSettings {
  readonly first: number
  readonly cap: number
}

const second = 1000
const minute = 60 * second

export const restSettings: Readonly<Record<KeyFault, RestSettings>> = {
  'rate-limited': { first: 2 * second, cap: minute },
  rejected: { first: minute, cap: 10 * minute },
  exhausted: { first: 5 * minute, cap: 60 * minute },
}
/** The longest that a provider's own Retry-After is followed. */
export const longestRetryAfter = 10 * minute
const shortestRest = second
/** A probe that was not heard of for so long no longer keeps others from trying. */
const probeMs = 30 * second

/** Whether one provider key can be used. Pure: time is handed in (milliseconds that never step back). */
export interface KeyHealth {
  /** Whether an attempt may begin: it does not rest, or its rest is over and nobody tries it yet. Changes nothing. */
  ready(now: number): boolean
  /** Milliseconds of rest that are left; 0 when none are. */
  waitMs(now: number): number
  begin(now: number): void
  /** It worked in an attempt that began at `begunAt`: healthy at once, unless it was sent to rest since. */
  good(begunAt: number): void
  /** It failed in an attempt that began at `begunAt`. Many that ran at the same time count once. */
  bad(fault: KeyFault, begunAt: number, now: number, restMs?: number): void
  /** An attempt with it ended without telling anything. */
  neutral(): void
  /** Why it rests or waits for its probe; null for a healthy one. */
  readonly fault: KeyFault | null
  clear(): void
}

export const createKeyHealth = (): KeyHealth => {
  let fault: KeyFault | null = null
  let until = 0
  let restedAt = -Infinity
  let times = 0
  let probeAt = -Infinity

  const clear = (): void => {
    fault = null
    until = 0
    times = 0
    probeAt = -Infinity
  }
  return {
    ready: (now) => fault === null || (now >= until && now - probeAt >= probeMs),
    waitMs: (now) => (fault === null ? 0 : Math.max(0, until - now)),
    begin(now) {
      if (fault !== null) probeAt = now
    },
    good(begunAt) {
      if (fault !== null && begunAt >= restedAt) clear()
    },
    bad(kind, begunAt, now, restMs) {
      const { first, cap } = restSettings[kind]
      const known = fault === kind && begunAt < restedAt
      if (!known) {
        times = fault === kind ? times + 1 : 0
        restedAt = now
      }
      fault = kind
      probeAt = -Infinity
      const rest =
        restMs === undefined
          ? Math.min(cap, first * 2 ** Math.min(times, 20))
          : Math.min(kind === 'exhausted' ? cap : longestRetryAfter, Math.max(shortestRest, restMs))
      // Of those that ran at the same time only one that was told a time says something new.
      if (!known) until = now + rest
      else if (restMs !== undefined) until = Math.max(until, now + rest)
    },
    neutral() {
      probeAt = -Infinity
    },
    get fault() {
      return fault
    },
    clear,
  }
}
