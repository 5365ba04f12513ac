import { z } from 'zod'

const amount = z.string().min(1).max(40)

/** Prices as people give them: decimal strings in credits per 1 000 000 tokens (`request`: per request). Parsed and bounded by `parsePrices`. */
export const priceFields = {
  input: amount.describe('Input tokens, credits per million.'),
  output: amount.describe('Output tokens, credits per million.'),
  cached_input: amount.optional().describe('Input read from the cache; the price of input if absent.'),
  cache_write: amount.optional().describe('Input written to the cache for 5 minutes; the price of input if absent.'),
  cache_write_1h: amount.optional().describe('Input written to the cache for 1 hour; the price of input if absent.'),
  reasoning: amount.optional().describe('Reasoning tokens; the price of output if absent.'),
  request: amount.optional().describe('Credits per request, whatever its size; 0 if absent.'),
}

export const pricesInput = z.strictObject(priceFields)
export type PricesInput = z.infer<typeof pricesInput>

/** Prices as they are shown: every kind of token with the price that is really used. */
export const pricesView = z.object({
  input: z.string(),
  output: z.string(),
  cached_input: z.string(),
  cache_write: z.string(),
  cache_write_1h: z.string(),
  reasoning: z.string(),
  request: z.string(),
})
export type PricesView = z.infer<typeof pricesView>

/** One version: `current` is the one in force now, `future` has yet to begin, `past` was replaced. */
export const priceVersion = pricesView.extend({
  id: z.string(),
  model: z.string(),
  effective_from: z.string(),
  state: z.enum(['past', 'current', 'future']),
  created_at: z.string(),
  actor: z.string(),
})
export type PriceVersion = z.infer<typeof priceVersion>

/** A model with its price; `prices` is null for a free model and for one that has no price in force. */
export const modelPrices = z.object({
  model: z.string(),
  free: z.boolean(),
  prices: priceVersion.nullable(),
  next: priceVersion.nullable().describe('The next version that is already planned.'),
})
export type ModelPrices = z.infer<typeof modelPrices>

/** A line of a bill. `amount` is exact (up to 15 decimals), not rounded: only the sum is. */
export const chargeLine = z.object({
  what: z.string(),
  quantity: z.number(),
  price: z.string(),
  per: z.number().describe('1000000 for tokens, 1 for requests.'),
  amount: z.string(),
})

export const explanation = z.object({
  lines: z.array(chargeLine),
  exact: z.string().describe('Exact sum of the lines.'),
  total: z.string().describe('The sum rounded up once to the next nano-credit: what is charged.'),
})
export type Explanation = z.infer<typeof explanation>

export const estimateView = explanation.extend({
  model: z.string(),
  free: z.boolean(),
  price_id: z.string().nullable(),
})
export type EstimateView = z.infer<typeof estimateView>
