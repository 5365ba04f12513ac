/**
 * Bounds what is still read from providers for clients that have left: so many exchanges, so long, so many bytes each. Reading on is how a complete answer is billed
 * as what it was; the bounds are how vanished clients cannot hold the gateway.
 */
export interface DrainBudget {
  /** A place for one exchange; null when all are taken. `timeout` is called when its time is over. The result gives the place back. */
  enter(timeout: () => void): (() => void) | null
  /** False when one exchange has read more than it may. Called with each chunk of the exchange that drains. */
  spend(bytes: number): boolean
}

export interface DrainLimits {
  readonly places: number
  readonly ms: number
  readonly bytes: number
}

/** A budget for one exchange out of shared places. */
export const createDrainBudgets = ({ places, ms, bytes }: DrainLimits) => {
  let taken = 0
  return (): DrainBudget => {
    let left = bytes
    return {
      enter(timeout) {
        if (taken >= places) return null
        taken++
        const timer = setTimeout(timeout, ms)
        let inside = true
        return () => {
          if (!inside) return
          inside = false
          clearTimeout(timer)
          taken--
        }
      },
      spend(read) {
        left -= read
        return left >= 0
      },
    }
  }
}
