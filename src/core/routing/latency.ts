/** How much a new measurement counts, and after how many milliseconds without one half of what was known is forgotten. */
const share = 0.2
const halfLifeMs = 30_000

/** A moving average of times to the first byte that fades: what was slow is tried again some day. */
export interface Latency {
  add(ms: number, now: number): void
  /** Milliseconds; 0 when nothing is known. */
  expect(now: number): number
}

export const createLatency = (): Latency => {
  let average = 0
  let at = 0
  return {
    add(ms, now) {
      average = average === 0 ? ms : average + share * (ms - average)
      at = now
    },
    expect: (now) => (average === 0 ? 0 : average * 2 ** -((now - at) / halfLifeMs)),
  }
}
