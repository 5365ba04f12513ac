import { GatewayError } from './errors.ts'

/**
 * Money is whole nano-credits in a safe integer: at most about 9 million credits in one amount or account. Prices are nano-credits per 1 000 000 tokens
 * (or per request). Outside the program both are decimal strings in credits ("2.5").
 */
export type Nanos = number

const SCALE = 9
export const nanosPerCredit = 1_000_000_000
export const maxNanos: Nanos = Number.MAX_SAFE_INTEGER

const decimal = /^(-?)(\d{1,16})(?:\.(\d{1,9}))?$/

/** Parses a decimal string in credits. Refuses floats in disguise: exponents, commas, more than nine decimals, values beyond the bound. */
export const parseCredits = (text: string, field = 'amount'): Nanos => {
  const match = decimal.exec(text)
  const wrong = (why: string): GatewayError =>
    new GatewayError('invalid_request', `${field}: ${why} Write credits as a decimal number such as 12.5.`, {
      param: field,
    })
  if (!match) throw wrong(`"${text.slice(0, 40)}" is not an amount with at most nine decimals.`)
  const nanos = BigInt(match[2]!) * BigInt(nanosPerCredit) + BigInt((match[3] ?? '').padEnd(SCALE, '0'))
  if (nanos > BigInt(maxNanos)) throw wrong(`the amount is larger than ${formatCredits(maxNanos)}.`)
  return Number(match[1] === '-' && nanos !== 0n ? -nanos : nanos)
}

/** The decimal string of an amount, without trailing zeros: 2500000000 → "2.5". */
export const formatCredits = (nanos: Nanos): string => {
  assertNanos(nanos)
  const digits = Math.abs(nanos)
    .toString()
    .padStart(SCALE + 1, '0')
  const fraction = digits.slice(-SCALE).replace(/0+$/, '')
  return `${nanos < 0 ? '-' : ''}${digits.slice(0, -SCALE)}${fraction && `.${fraction}`}`
}

export const assertNanos = (nanos: Nanos): void => {
  if (!Number.isSafeInteger(nanos))
    throw new GatewayError('internal_error', `not a whole number of nano-credits: ${nanos}`)
}

/** Tokens or other counted things, each with its price in nano-credits per million (`per: 1e6`) or each (`per: 1`). */
export interface CostLine {
  readonly quantity: number
  readonly price: Nanos
  readonly per: number
}

/** Exact cost of all lines together, rounded up once to the next nano-credit. Throws on anything that is not a non-negative whole number. */
export const exactCost = (lines: readonly CostLine[]): Nanos => {
  // In plain numbers while the sum is a safe integer: all terms are whole and none is negative, so no step before it was larger.
  let small = 0
  for (const { quantity, price, per } of lines) {
    small += Number.isSafeInteger(quantity) && quantity >= 0 && price >= 0 ? quantity * price * (1e6 / per) : Number.NaN
  }
  if (Number.isSafeInteger(small)) return Math.floor(small / 1e6) + (small % 1e6 > 0 ? 1 : 0)
  let numerator = 0n
  const denominator = 1_000_000n
  for (const { quantity, price, per } of lines) {
    if (quantity === 0 || price === 0) continue
    if (!Number.isSafeInteger(quantity) || quantity < 0 || !Number.isSafeInteger(price) || price < 0) {
      throw new GatewayError('internal_error', `cost of ${quantity} × ${price} cannot be computed`)
    }
    numerator += BigInt(quantity) * BigInt(price) * (denominator / BigInt(per))
  }
  const cost = (numerator + denominator - 1n) / denominator
  if (cost > BigInt(maxNanos))
    throw new GatewayError('invalid_request', 'The cost of this request is beyond what one account can hold.')
  return Number(cost)
}
