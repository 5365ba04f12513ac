import { z } from 'zod'
import { defineOperation, type Operation } from '../kernel/operation.ts'
import { listInput } from '../kernel/list-order.ts'
import { pageOf } from '../kernel/page.ts'
import type { WriteTransaction } from '../storage/storage.ts'
import type { Prices } from './prices.ts'
import { estimateView, modelPrices, priceFields, priceVersion } from './schemas.ts'

export interface PricingDomains {
  readonly prices: Prices
}

const define = <Input, Output>(operation: Operation<PricingDomains, Input, Output, WriteTransaction>) =>
  defineOperation(operation)

const model = z.string().min(1).max(200).describe('Name or id of a shadow model.')
const tokens = z.coerce.number().int().min(0).max(1_000_000_000)

export const pricingOperations = [
  define({
    id: 'prices.list',
    method: 'GET',
    path: '/prices',
    role: 'operator',
    summary: 'Prices of all shadow models',
    input: z.strictObject({ q: z.string().max(200).optional(), ...listInput('name', ['name']) }),
    output: pageOf(modelPrices),
    run: ({ prices }, input, { now }) => prices.list(input, now),
  }),
  define({
    id: 'prices.show',
    method: 'GET',
    path: '/prices/:model',
    role: 'operator',
    summary: 'Price of a shadow model',
    input: z.strictObject({ model }),
    output: modelPrices,
    run: ({ prices }, input, { now }) => prices.show(input.model, now),
  }),
  define({
    id: 'prices.set',
    method: 'POST',
    path: '/prices/:model',
    role: 'admin',
    summary: 'New price version of a shadow model, from now or from a later time',
    input: z.strictObject({
      model,
      ...priceFields,
      from: z.string().max(40).optional().describe('RFC 3339 time or date from which it is in force; now if absent.'),
    }),
    output: priceVersion,
    audit: 'price.set',
    run: ({ prices }, { model: name, from, ...given }, context) => prices.set(name, given, from, context),
  }),
  define({
    id: 'prices.history',
    method: 'GET',
    path: '/prices/:model/history',
    role: 'operator',
    summary: 'All price versions of a shadow model, the latest first',
    input: z.strictObject({ model, ...listInput('-from', ['from']) }),
    output: pageOf(priceVersion),
    run: ({ prices }, input, { now }) => prices.history(input, now),
  }),
  define({
    id: 'prices.estimate',
    method: 'GET',
    path: '/prices/:model/estimate',
    role: 'operator',
    summary: 'What a request of this size costs',
    input: z.strictObject({
      model,
      input_tokens: tokens.describe('All input tokens, cached ones included.'),
      output_tokens: tokens.describe('All output tokens, reasoning included.'),
      cached_input_tokens: tokens.default(0).describe('How many of the input tokens are read from the cache.'),
    }),
    output: estimateView,
    run: ({ prices }, input, { now }) => prices.estimate(input, now),
  }),
]
