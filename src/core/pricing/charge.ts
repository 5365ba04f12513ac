import { formatCredits, maxNanos, type Nanos } from '../kernel/money.ts'
import type { FrozenPrice } from '../ledger/commands.ts'
import type { Usage } from '../protocols/neutral/index.ts'
import type { Explanation } from './schemas.ts'

/** Prices are per million tokens; a fixed part per request. Amounts are summed in millionths of a nano-credit, so that nothing is lost before the one rounding. */
const tokensPerPrice = 1_000_000
const millionths = 1_000_000n

interface Line {
  readonly what: string
  readonly quantity: number
  /** Nano-credits per `per`. */
  readonly price: Nanos
  readonly per: number
}

const linesOf = (price: FrozenPrice, usage: Usage): Line[] => {
  const tokens = (what: string, quantity: number, each: Nanos): Line => ({
    what,
    quantity: whole(quantity),
    price: each,
    per: tokensPerPrice,
  })
  return [
    tokens('input', usage.input.uncached, price.input),
    tokens('cached input', usage.input.cacheRead, price.cachedInput),
    tokens('cache write (5 minutes)', usage.input.cacheWrite5m, price.cacheWrite5m),
    tokens('cache write (1 hour)', usage.input.cacheWrite1h, price.cacheWrite1h),
    tokens('output', usage.output.visible, price.output),
    tokens('reasoning', usage.output.reasoning, price.reasoning),
    // What the provider ran beside the main model is sold at the price of the model that was asked for.
    ...(usage.extra ?? []).flatMap((part) => [
      tokens(`input of ${part.kind}`, part.input, price.input),
      tokens(`output of ${part.kind}`, part.output, price.output),
    ]),
    { what: 'request', quantity: 1, price: price.request, per: 1 },
  ]
}

/** Counts come from providers: whatever they claim, a charge is computed from whole numbers of zero or more. Fractions count as one more, nonsense as none. */
const whole = (quantity: number): number => (quantity > 0 ? Math.min(Math.ceil(quantity), Number.MAX_SAFE_INTEGER) : 0)

const exactAmount = ({ quantity, price, per }: Line): bigint =>
  BigInt(quantity) * BigInt(price) * (per === 1 ? millionths : 1n)

const roundUp = (exact: bigint): Nanos => {
  const nanos = (exact + millionths - 1n) / millionths
  return nanos > BigInt(maxNanos) ? maxNanos : Number(nanos)
}

/** 15 decimals: nine of the nano-credit, six below it. */
const formatExact = (exact: bigint): string => {
  const digits = exact.toString().padStart(16, '0')
  const fraction = digits.slice(-15).replace(/0+$/, '')
  return `${digits.slice(0, -15)}${fraction && `.${fraction}`}`
}

/**
 * The sum in plain numbers, exact when it is a safe integer: all terms are whole and none is negative, so no step before it was larger. NaN for what plain numbers are
 * not for. Ordinary requests end here, without the allocations of BigInt.
 */
const plainSum = (price: FrozenPrice, { input, output, extra }: Usage): number => {
  const { uncached, cacheRead, cacheWrite5m, cacheWrite1h } = input
  const { visible, reasoning } = output
  const least = Math.min(uncached, cacheRead, cacheWrite5m, cacheWrite1h, visible, reasoning)
  const tokens = uncached + cacheRead + cacheWrite5m + cacheWrite1h + visible + reasoning
  if (extra?.length || !(least >= 0) || !Number.isSafeInteger(tokens)) return Number.NaN
  if (!Number.isInteger(uncached) || !Number.isInteger(cacheRead) || !Number.isInteger(cacheWrite5m)) return Number.NaN
  if (!Number.isInteger(cacheWrite1h) || !Number.isInteger(visible)) return Number.NaN
  return (
    uncached * price.input +
    cacheRead * price.cachedInput +
    cacheWrite5m * price.cacheWrite5m +
    cacheWrite1h * price.cacheWrite1h +
    visible * price.output +
    reasoning * price.reasoning +
    price.request * 1e6
  )
}

/**
 * What an exchange costs: every bucket times its price, exactly, rounded up once to the next nano-credit. Never negative and never throws: it runs at settlement,
 * where money that is already spent must be booked; an absurd claim stops at the largest amount there is.
 */
export const chargeFor = (price: FrozenPrice, usage: Usage): Nanos => {
  const small = plainSum(price, usage)
  if (Number.isSafeInteger(small)) return Math.floor(small / 1e6) + (small % 1e6 > 0 ? 1 : 0)
  let exact = 0n
  for (const line of linesOf(price, usage)) if (line.quantity > 0 && line.price > 0) exact += exactAmount(line)
  return roundUp(exact)
}

/** The arithmetic of `chargeFor`, line by line. Lines without quantity are left out, and the one per request when it is free. */
export const explainCharge = (price: FrozenPrice, usage: Usage): Explanation => {
  const lines = linesOf(price, usage).filter((line) => line.quantity > 0 && (line.per !== 1 || line.price > 0))
  let exact = 0n
  for (const line of lines) exact += exactAmount(line)
  return {
    lines: lines.map((line) => ({
      what: line.what,
      quantity: line.quantity,
      price: formatCredits(line.price),
      per: line.per,
      amount: formatExact(exactAmount(line)),
    })),
    exact: formatExact(exact),
    total: formatCredits(roundUp(exact)),
  }
}
