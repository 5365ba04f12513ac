/** When a target is given up for a while, and for how long. Times in milliseconds. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly consecutive: number
  /** Or this share of at least so many attempts within the window. */
  readonly share: number
  readonly least: number
  readonly windowMs: number
  /** How long it stays open the first time, and at most. Doubles when a probe fails. */
  readonly openMs: number
  readonly maxOpenMs: number
  /** A probe that was not heard of for so long no longer keeps others from trying. */
  readonly probeMs: number
}

export const breakerDefaults: BreakerSettings = {
  consecutive: 5,
  share: 0.5,
  least: 20,
  windowMs: 30_000,
  openMs: 5000,
  maxOpenMs: 60_000,
  probeMs: 30_000,
}

/** Gives up on what fails, and tries it again with one request at a time. Pure: time is handed in (milliseconds that never step back). */
export interface Breaker {
  /** Whether an attempt may begin. Changes nothing. */
  ready(now: number): boolean
  /** An attempt begins, ready or not. What is returned goes to `end`: whether this attempt decides if the breaker closes. */
  begin(now: number): boolean
  /** `neutral`: nothing was learned. Results of attempts that are older than the opening change nothing. */
  end(result: 'good' | 'bad' | 'neutral', now: number, probe: boolean): void
  look(now: number): BreakerView
  /** Closes it as if nothing had been. */
  clear(): void
}

export interface BreakerView {
  readonly state: 'closed' | 'open' | 'half-open'
  /** Milliseconds until it may be tried again; 0 when it may. */
  readonly waitMs: number
}

const slots = 6

export const createBreaker = (settings: BreakerSettings = breakerDefaults): Breaker => {
  const slotMs = settings.windowMs / slots
  const bad = new Uint32Array(slots)
  const all = new Uint32Array(slots)
  let slot = -1
  let row = 0
  /** 0: closed. Else when it may be tried again. */
  let until = 0
  let openings = 0
  let closedAt = -Infinity
  let probeAt = -Infinity

  /** Moves the window on and empties what has left it. */
  const place = (now: number): number => {
    const current = Math.floor(now / slotMs)
    if (slot < 0 || current - slot >= slots) {
      bad.fill(0)
      all.fill(0)
    } else for (let old = slot + 1; old <= current; old++) bad[old % slots] = all[old % slots] = 0
    slot = Math.max(slot, current)
    return slot % slots
  }
  const forget = (): void => {
    row = 0
    slot = -1
  }
  const open = (now: number): void => {
    // One that held for a while begins anew.
    if (until === 0 && now - closedAt > settings.maxOpenMs) openings = 0
    until = now + Math.min(settings.maxOpenMs, settings.openMs * 2 ** Math.min(openings, 20))
    openings++
    probeAt = -Infinity
    forget()
  }
  const tooMany = (): boolean => {
    if (row >= settings.consecutive) return true
    let failed = 0
    let total = 0
    for (let index = 0; index < slots; index++) {
      failed += bad[index]!
      total += all[index]!
    }
    return total >= settings.least && failed >= settings.share * total
  }
  const probing = (now: number): boolean => now - probeAt < settings.probeMs

  return {
    ready: (now) => until === 0 || (now >= until && !probing(now)),
    begin(now) {
      if (until === 0) return false
      probeAt = now
      return true
    },
    end(result, now, probe) {
      if (probe) {
        probeAt = -Infinity
        if (until === 0) return
        if (result === 'bad') open(now)
        else if (result === 'good') {
          until = 0
          closedAt = now
          forget()
        }
        return
      }
      if (until !== 0 || result === 'neutral') return
      const index = place(now)
      all[index]!++
      if (result === 'good') row = 0
      else {
        row++
        bad[index]!++
        if (tooMany()) open(now)
      }
    },
    look(now) {
      if (until === 0) return { state: 'closed', waitMs: 0 }
      return now < until ? { state: 'open', waitMs: until - now } : { state: 'half-open', waitMs: 0 }
    },
    clear() {
      until = 0
      openings = 0
      probeAt = -Infinity
      forget()
    },
  }
}
