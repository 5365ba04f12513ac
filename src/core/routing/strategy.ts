import type { Strategy } from '../catalog/resolved.ts'

/** What a strategy looks at. */
export interface Candidate {
  readonly weight: number
  readonly priority: number
  /** Attempts that run. */
  readonly busy: number
  /** Expected milliseconds to the first byte; 0 when nothing is known. */
  readonly latencyMs: number
}

/** The index of the candidate to try next; -1 when there is none. `random` gives numbers from 0 to below 1. */
export const pick = (strategy: Strategy, from: readonly Candidate[], random: () => number): number => {
  if (from.length <= 1) return from.length - 1
  switch (strategy) {
    case 'priority':
      return weighted(from, lowest(from), random)
    case 'weighted':
      return weighted(from, null, random)
    case 'least-busy':
      return leastBusy(from, random)
    case 'lowest-latency':
      return fasterOfTwo(from, random)
  }
}

const lowest = (from: readonly Candidate[]): number => {
  let least = Infinity
  for (const { priority } of from) if (priority < least) least = priority
  return least
}

/** By weight among those of one priority, or all. */
const weighted = (from: readonly Candidate[], priority: number | null, random: () => number): number => {
  let total = 0
  let members = 0
  let last = -1
  for (let index = 0; index < from.length; index++) {
    if (priority !== null && from[index]!.priority !== priority) continue
    total += weightOf(from[index]!)
    members++
    last = index
  }
  if (members <= 1) return last
  let drawn = random() * total
  for (let index = 0; index < from.length; index++) {
    if (priority !== null && from[index]!.priority !== priority) continue
    drawn -= weightOf(from[index]!)
    if (drawn < 0) return index
  }
  return last
}

/** The fewest running attempts for its weight; begins somewhere, so that equals share. */
const leastBusy = (from: readonly Candidate[], random: () => number): number => {
  const start = Math.floor(random() * from.length)
  let best = start
  let least = Infinity
  for (let step = 0; step < from.length; step++) {
    const index = (start + step) % from.length
    const load = (from[index]!.busy + 1) / weightOf(from[index]!)
    if (load < least) {
      least = load
      best = index
    }
  }
  return best
}

/** The faster of two that were drawn: nobody is drowned in the traffic of all, as the fastest of all would be. */
const fasterOfTwo = (from: readonly Candidate[], random: () => number): number => {
  const one = Math.floor(random() * from.length)
  const other = (one + 1 + Math.floor(random() * (from.length - 1))) % from.length
  return from[other]!.latencyMs < from[one]!.latencyMs ? other : one
}

const weightOf = ({ weight }: Candidate): number => Math.max(1, weight)
