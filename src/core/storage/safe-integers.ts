import { GatewayError } from '../kernel/errors.ts'

const bound = Number.MAX_SAFE_INTEGER

/**
 * better-sqlite3 rounds integers beyond 2^53 without a word. Whatever was rounded reads as at least 2^53, so a number beyond the safe bound is refused here
 * instead of being used; sums that may be larger are computed in SQL and read as text.
 */
export const assertSafeRow = (row: unknown): void => {
  if (typeof row !== 'object' || row === null) return
  for (const value of Object.values(row)) {
    if (typeof value === 'number' && (value > bound || value < -bound)) {
      throw new GatewayError('internal_error', `a stored number is beyond what can be read exactly: about ${value}`)
    }
  }
}

/** NaN would bind as NULL, and a float that lost its last digits as another integer. */
export const assertSafeParameters = (parameters: readonly unknown[]): void => {
  for (const value of parameters) {
    if (typeof value === 'number' && (!Number.isFinite(value) || value > bound || value < -bound)) {
      throw new GatewayError('internal_error', `a number cannot be stored exactly: ${value}`)
    }
  }
}
