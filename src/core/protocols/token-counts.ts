import type { JsonValue } from './neutral/index.ts'

/** No exchange has more tokens of one kind; sums of such counts, and of thousands of them, stay exact. */
export const mostTokens = 1_000_000_000

/** Reads the counts of one usage report. What cannot be a count (no number, negative, not finite, absurd) is 0 and noted. */
export class TokenCounts {
  anomalies = 0

  /** Absent and null are 0 and nothing to note. */
  readonly read = (value: JsonValue | undefined): number => {
    if (value === undefined || value === null) return 0
    if (typeof value === 'number' && value >= 0 && value <= mostTokens) return Math.round(value)
    this.anomalies++
    return 0
  }

  /** `value`, or `most` when it is more, which is noted. */
  atMost(value: number, most: number): number {
    if (value > most) this.anomalies++
    return Math.min(value, most)
  }
}
