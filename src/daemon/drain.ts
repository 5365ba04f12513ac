import type { Exchange } from '../core/exchange/exchange.ts'
import { GatewayError } from '../core/kernel/errors.ts'

/** The end of a daemon: first no new work, then the running exchanges, then everything else. */
export interface Drain {
  /** True from the first signal on: readiness is gone, new requests get 503. */
  readonly draining: boolean
  /** Begins to drain; called again, ends at once what still runs (with an error in its stream, settled). */
  start(): void
  /** Ends at once. */
  now(): void
  /** Resolves when no exchange runs any more and none will begin. */
  readonly done: Promise<void>
}

/** How often the running exchanges are counted while draining. */
const lookMs = 25

export const createDrain = ({
  exchange,
  timeoutMs,
}: {
  readonly exchange: Exchange
  readonly timeoutMs: number
}): Drain => {
  let draining = false
  let finish: () => void = () => {}
  const done = new Promise<void>((resolve) => (finish = resolve))

  const cut = (): void => {
    draining = true
    exchange
      .cancelAll(new GatewayError('draining', 'This gateway was stopped before the answer was complete.'))
      .then(finish, finish)
  }
  return {
    get draining() {
      return draining
    },
    start() {
      if (draining) return cut()
      draining = true
      const deadline = setTimeout(cut, timeoutMs)
      const look = setInterval(() => {
        if (exchange.running > 0) return
        clearInterval(look)
        clearTimeout(deadline)
        finish()
      }, lookMs)
      if (timeoutMs === 0) cut()
    },
    now: cut,
    done,
  }
}
