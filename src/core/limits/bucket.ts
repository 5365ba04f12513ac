/**
 * A token bucket: `limit` per minute, refilled continuously, at most `limit` at once. Plain numbers, no timers; time is monotonic milliseconds.
 */
export class Bucket {
  readonly limit: number
  #level: number
  #at: number

  constructor(limit: number, now: number) {
    this.limit = limit
    this.#level = limit
    this.#at = now
  }

  /** What may be taken now; negative after use beyond an estimate. */
  level(now: number): number {
    this.#refill(now)
    return this.#level
  }

  /** Takes `amount` if it is there. An amount above the whole limit is let through when the bucket is full, else it could never pass. */
  take(amount: number, now: number): boolean {
    this.#refill(now)
    if (this.#level < Math.min(amount, this.limit)) return false
    this.#level -= amount
    return true
  }

  /** Corrects an estimate: a positive amount is given back, a negative one is taken without asking. */
  correct(amount: number): void {
    this.#level = Math.min(this.limit, this.#level + amount)
  }

  /** Milliseconds until `amount` can be taken. */
  wait(amount: number, now: number): number {
    this.#refill(now)
    return Math.max(0, ((Math.min(amount, this.limit) - this.#level) / this.limit) * 60_000)
  }

  #refill(now: number): void {
    if (now > this.#at) this.#level = Math.min(this.limit, this.#level + ((now - this.#at) * this.limit) / 60_000)
    this.#at = now
  }
}
