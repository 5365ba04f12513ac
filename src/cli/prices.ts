import type { PricesView } from '../core/pricing/schemas.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import { given as only } from './given.ts'
import type { Given } from './given.ts'

/** Options that give prices, in credits per million tokens. */
export const priceOptions = [
  ['--input-price <credits>', 'per million input tokens'],
  ['--output-price <credits>', 'per million output tokens'],
  ['--cached-input-price <credits>', 'per million tokens read from the cache (default: input)'],
  ['--cache-write-price <credits>', 'per million tokens written to the cache for 5 minutes (default: input)'],
  ['--cache-write-1h-price <credits>', 'per million tokens written to the cache for an hour (default: input)'],
  ['--reasoning-price <credits>', 'per million reasoning tokens (default: output)'],
  ['--request-price <credits>', 'per request (default 0)'],
] as const

/** The prices given, or undefined when none is. Input and output belong together. */
export const readPrices = (given: Given): Record<string, string> | undefined => {
  const prices = only({
    input: given.credits('input-price'),
    output: given.credits('output-price'),
    cached_input: given.credits('cached-input-price'),
    cache_write: given.credits('cache-write-price'),
    cache_write_1h: given.credits('cache-write-1h-price'),
    reasoning: given.credits('reasoning-price'),
    request: given.credits('request-price'),
  })
  if (Object.keys(prices).length === 0) return undefined
  if (prices.input === undefined || prices.output === undefined) {
    throw new GatewayError('usage_error', 'A price needs --input-price and --output-price.', {
      hint: 'Write 0 for the kind that costs nothing.',
    })
  }
  return prices
}

/** `in 2.5, out 10, cached 0.25`: only what differs from what it would be anyway. */
export const priceText = (prices: PricesView | null): string | null => {
  if (prices === null) return null
  const parts: readonly (readonly [string, string, string])[] = [
    ['cached', prices.cached_input, prices.input],
    ['cache write', prices.cache_write, prices.input],
    ['cache write 1h', prices.cache_write_1h, prices.input],
    ['reasoning', prices.reasoning, prices.output],
    ['request', prices.request, '0'],
  ]
  const special = parts.filter(([, price, usual]) => price !== usual).map(([name, price]) => `${name} ${price}`)
  return [`in ${prices.input}`, `out ${prices.output}`, ...special].join(', ')
}
