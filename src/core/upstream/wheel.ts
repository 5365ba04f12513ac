import type { Clock } from '../kernel/clock.ts'

/** Something with at most one deadline. Subclasses do what is due in `expire`. */
export abstract class Timed {
  /** Wheel time at which it is due. */
  due = 0
  /** The tick whose slot it lies in; -1 when it lies in none. */
  tick = -1
  before: Timed | null = null
  after: Timed | null = null
  abstract expire(): void
}

const slotCount = 512

/**
 * One timer for all deadlines (Varghese and Lauck's hashed wheel): setting one anew costs an addition, so it can be done for every chunk. A deadline that moves
 * away is not moved in the wheel but found not to be due when its old slot comes up.
 *
 * Deadlines are met one to two ticks late, never early. Wheel time goes on by at most four ticks per tick: when the process was stopped or blocked for long, all
 * deadlines wait as well, because the answers may already lie in the sockets.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #slots: (Timed | null)[] = Array.from({ length: slotCount }, () => null)
  #time = 0
  #tick = 0
  #last = 0
  #size = 0
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock, tickMs = 100) {
    this.#clock = clock
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#size
  }

  /** Due in `ms` from now; 0 or less: never. */
  set(entry: Timed, ms: number): void {
    if (ms <= 0) {
      this.clear(entry)
      return
    }
    if (this.#timer === undefined) this.#start()
    entry.due = this.#time + ms + this.#tickMs
    if (entry.tick !== -1) {
      if (entry.due >= entry.tick * this.#tickMs) return
      this.clear(entry)
    }
    this.#insert(entry)
  }

  clear(entry: Timed): void {
    if (entry.tick === -1) return
    if (entry.before) entry.before.after = entry.after
    else this.#slots[entry.tick % slotCount] = entry.after
    if (entry.after) entry.after.before = entry.before
    entry.before = null
    entry.after = null
    entry.tick = -1
    this.#size--
  }

  /** Moves time on and expires what is due. The wheel's own interval calls it. */
  advance(): void {
    const now = this.#clock.monotonic()
    this.#time += Math.min(Math.max(0, now - this.#last), 4 * this.#tickMs)
    this.#last = now
    const target = Math.floor(this.#time / this.#tickMs)
    while (this.#tick < target) this.#turn(++this.#tick)
    if (this.#size === 0) this.stop()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #start(): void {
    this.#last = this.#clock.monotonic()
    this.#timer = setInterval(() => this.advance(), this.#tickMs)
    this.#timer.unref()
  }

  #insert(entry: Timed): void {
    entry.tick = Math.min(Math.max(Math.floor(entry.due / this.#tickMs), this.#tick + 1), this.#tick + slotCount - 1)
    const slot = entry.tick % slotCount
    const head = this.#slots[slot] ?? null
    entry.after = head
    if (head) head.before = entry
    this.#slots[slot] = entry
    this.#size++
  }

  #turn(tick: number): void {
    // Each round takes the head off, so an `expire` that clears or sets others of this slot does no harm. What is inserted again goes to a later slot.
    for (let entry = this.#slots[tick % slotCount]; entry; entry = this.#slots[tick % slotCount]) {
      this.clear(entry)
      if (entry.due <= this.#time) entry.expire()
      else this.#insert(entry)
    }
  }
}
