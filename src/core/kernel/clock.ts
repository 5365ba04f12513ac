/** Time as a dependency. `now` is wall time for records; `monotonic` is for durations and deadlines and never steps. Both in milliseconds. */
export interface Clock {
  now(): number
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

/** Milliseconds since the epoch as RFC 3339 UTC, the only form of time in JSON. */
export const toTimestamp = (ms: number): string => new Date(ms).toISOString()
