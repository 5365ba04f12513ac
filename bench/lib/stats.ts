/** What one slice of a measurement tells about its times, in milliseconds. */
export interface Times {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** The value below which a share of the sorted samples lies (nearest rank). NaN without samples. */
export const quantile = (sorted: ArrayLike<number>, share: number): number =>
  sorted.length === 0
    ? Number.NaN
    : sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!

export interface Quartiles {
  readonly q1: number
  readonly median: number
  readonly q3: number
}

export const quartiles = (values: readonly number[]): Quartiles => {
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b)
  const at = (share: number): number => {
    if (sorted.length === 0) return Number.NaN
    const place = share * (sorted.length - 1)
    const low = sorted[Math.floor(place)]!
    return low + (sorted[Math.ceil(place)]! - low) * (place % 1)
  }
  return { q1: at(0.25), median: at(0.5), q3: at(0.75) }
}

export const median = (values: readonly number[]): number => quartiles(values).median

/** Collects microseconds, tells milliseconds. */
export class Samples {
  #values = new Float64Array(4096)
  #count = 0

  add(microseconds: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = microseconds
  }

  get count(): number {
    return this.#count
  }

  times(): Times {
    const sorted = this.#values.subarray(0, this.#count).sort()
    const ms = (share: number): number => quantile(sorted, share) / 1000
    return { count: this.#count, p50: ms(0.5), p90: ms(0.9), p99: ms(0.99), max: ms(1) }
  }
}
