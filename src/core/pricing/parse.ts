import { GatewayError } from '../kernel/errors.ts'
import { formatCredits, nanosPerCredit, parseCredits, type Nanos } from '../kernel/money.ts'
import type { FrozenPrice } from '../ledger/commands.ts'
import type { PricesTable } from '../storage/schema.ts'
import type { PricesInput, PricesView } from './schemas.ts'

/** One credit for one token: beyond any model, and far enough below the bound of an account that a hold can be computed. */
export const maxPrice: Nanos = 1_000_000 * nanosPerCredit

/** The amounts of a price version: the columns of `prices`, null where the price follows from another. */
export type PriceAmounts = Pick<
  PricesTable,
  'input' | 'output' | 'cached_input' | 'cache_write_5m' | 'cache_write_1h' | 'reasoning' | 'request'
>

const parsePrice = (text: string, field: string): Nanos => {
  const nanos = parseCredits(text, field)
  const wrong = (why: string): GatewayError => new GatewayError('invalid_request', `${field}: ${why}`, { param: field })
  if (nanos < 0) throw wrong('a price cannot be negative.')
  if (nanos > maxPrice) throw wrong(`a price is at most ${formatCredits(maxPrice)} credits.`)
  return nanos
}

const optional = (text: string | undefined, field: string): Nanos | null =>
  text === undefined ? null : parsePrice(text, field)

/** Prices as people write them → nano-credits. Refuses negative, huge and malformed ones, and a price list of zeros only: what costs nothing is `free`, on purpose. */
export const parsePrices = (given: PricesInput): PriceAmounts => {
  const amounts: PriceAmounts = {
    input: parsePrice(given.input, 'input'),
    output: parsePrice(given.output, 'output'),
    cached_input: optional(given.cached_input, 'cached_input'),
    cache_write_5m: optional(given.cache_write, 'cache_write'),
    cache_write_1h: optional(given.cache_write_1h, 'cache_write_1h'),
    reasoning: optional(given.reasoning, 'reasoning'),
    request: optional(given.request, 'request') ?? 0,
  }
  if (amounts.input === 0 && amounts.output === 0 && amounts.request === 0) {
    throw new GatewayError(
      'invalid_request',
      'prices: all prices are zero. A model that costs nothing must be free on purpose.',
      {
        param: 'prices',
        hint: 'Create or update the model with free (--free) instead of prices.',
      },
    )
  }
  return amounts
}

/** Every price filled in: cached and written input cost what input costs, reasoning what output costs, unless the version says otherwise. */
export const freezePrice = (row: PriceAmounts): FrozenPrice => ({
  input: row.input,
  output: row.output,
  cachedInput: row.cached_input ?? row.input,
  cacheWrite5m: row.cache_write_5m ?? row.input,
  cacheWrite1h: row.cache_write_1h ?? row.input,
  reasoning: row.reasoning ?? row.output,
  request: row.request,
})

export const showPrice = (price: FrozenPrice): PricesView => ({
  input: formatCredits(price.input),
  output: formatCredits(price.output),
  cached_input: formatCredits(price.cachedInput),
  cache_write: formatCredits(price.cacheWrite5m),
  cache_write_1h: formatCredits(price.cacheWrite1h),
  reasoning: formatCredits(price.reasoning),
  request: formatCredits(price.request),
})
