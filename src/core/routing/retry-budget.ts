/** Second attempts are at most this share of recent requests, beside a few that are always allowed. */
const share = 0.2
const floor = 30
const slotMs = 1000
const slots = 10

/** Keeps a gateway whose providers all fail from multiplying its own traffic. Counts the last ten seconds. Pure: time is handed in. */
export interface RetryBudget {
  /** A request came. */
  request(now: number): void
  /** Takes one further attempt; false when the budget is used up. */
  take(now: number): boolean
}

export const createRetryBudget = (): RetryBudget => {
  const requests = new Uint32Array(slots)
  const retries = new Uint32Array(slots)
  let last = -1
  const place = (now: number): number => {
    const current = Math.floor(now / slotMs)
    if (current - last >= slots) {
      requests.fill(0)
      retries.fill(0)
    } else for (let old = last + 1; old <= current; old++) requests[old % slots] = retries[old % slots] = 0
    last = Math.max(last, current)
    return last % slots
  }
  const sum = (counts: Uint32Array): number => {
    let total = 0
    for (let index = 0; index < slots; index++) total += counts[index]!
    return total
  }
  return {
    request(now) {
      requests[place(now)]!++
    },
    take(now) {
      const index = place(now)
      if (sum(retries) >= Math.max(floor, share * sum(requests))) return false
      retries[index]!++
      return true
    },
  }
}
