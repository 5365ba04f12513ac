import { z } from 'zod'
import { listInput as sortedInput } from '../kernel/list-order.ts'
import { explanation, pricesView } from '../pricing/schemas.ts'

/** Tokens in disjoint buckets, and their sums. */
export const tokensView = z.object({
  input: z.number().describe('All input: the four input buckets together.'),
  output: z.number().describe('All output: visible and reasoning together.'),
  input_uncached: z.number(),
  cache_read: z.number(),
  cache_write_5m: z.number(),
  cache_write_1h: z.number(),
  output_visible: z.number(),
  reasoning: z.number(),
})
export type TokensView = z.infer<typeof tokensView>

const quality = z.enum(['exact', 'estimated', 'none'])

export const filterFields = {
  user: z.string().min(1).max(320).optional().describe('E-mail or id.'),
  key: z.string().min(1).max(200).optional().describe('Name or id of an API key.'),
  model: z.string().min(1).max(200).optional().describe('Shadow model as the client asked for it.'),
  from: z.string().min(1).max(40).optional().describe('RFC 3339 time, date, or how long ago: 30m, 24h, 7d.'),
  to: z.string().min(1).max(40).optional().describe('Like `from`; exclusive; now if absent.'),
}
export const reportInput = z.strictObject(filterFields)
export type ReportInput = z.infer<typeof reportInput>

export const listInput = z.strictObject({
  ...filterFields,
  status: z
    .string()
    .regex(/^(ok|error|[1-5]\d\d)$/, 'Use ok, error or an HTTP status.')
    .optional()
    .describe('`ok` (2xx), `error` (anything else) or an HTTP status.'),
  ...sortedInput('-at', ['at', 'cost', 'duration_ms']),
})
export type ListInput = z.infer<typeof listInput>

/** Counts, tokens and money of a set of requests. */
export const totalsView = z.object({
  requests: z.number(),
  succeeded: z.number(),
  success_rate: z.number().nullable().describe('0 to 1; null without requests.'),
  tokens: tokensView,
  cost: z.string().describe('Credits taken from wallets.'),
  written_off: z.string().describe('Credits booked to the house.'),
})
export type TotalsView = z.infer<typeof totalsView>

export const summaryView = totalsView.extend({
  from: z.string(),
  to: z.string(),
  estimated: z.number().describe('Requests whose tokens were estimated.'),
  duration_ms: z
    .object({ avg: z.number(), p50: z.number().nullable(), p95: z.number().nullable() })
    .nullable()
    .describe('Of successful requests; percentiles are null when there are too many to rank.'),
})
export type SummaryView = z.infer<typeof summaryView>

export const dayView = totalsView.extend({ date: z.string().describe('Day in UTC.') })
export type DayView = z.infer<typeof dayView>

/** One exchange of the request log. No content of prompts or answers. */
export const recordView = z.object({
  id: z.string(),
  at: z.string(),
  user: z.object({ id: z.string(), email: z.string().nullable() }),
  key: z.object({ id: z.string(), name: z.string().nullable() }),
  model: z.string(),
  stream: z.boolean(),
  status: z.number(),
  error_code: z.string().nullable(),
  finish: z.string().nullable(),
  duration_ms: z.number(),
  first_byte_ms: z.number().nullable(),
  tokens: tokensView,
  cost: z.string(),
  written_off: z.string(),
  held: z.string(),
  usage_quality: quality,
})
export type RecordView = z.infer<typeof recordView>

export const requestView = recordView.extend({
  client_protocol: z.string(),
  provider_protocol: z.string().nullable(),
  provider: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
  provider_key: z.object({ id: z.string(), label: z.string().nullable() }).nullable(),
  target_model: z.string().nullable(),
  price_id: z.string().nullable(),
  hold_id: z.string().nullable(),
  upstream_id: z.string().nullable(),
  client_request_id: z.string().nullable(),
  attempts: z.array(z.json()),
  warnings: z.array(z.json()),
})
export type RequestView = z.infer<typeof requestView>

/** Why a request cost what it cost. */
export const explainView = z.object({
  request: requestView,
  attempts: z.array(z.json()),
  tokens: tokensView,
  price: pricesView
    .extend({ id: z.string().nullable() })
    .nullable()
    .describe('The price frozen at admission; null for a free model.'),
  ...explanation.shape,
  hold: z
    .object({
      id: z.string(),
      amount: z.string(),
      state: z.enum(['open', 'posted', 'voided', 'expired']),
      posted: z.string(),
      released: z.string(),
      created_at: z.string(),
      resolved_at: z.string().nullable(),
    })
    .nullable(),
  cost: z.string(),
  written_off: z.string(),
  usage_quality: quality,
  transfers: z.array(
    z.object({
      id: z.string(),
      kind: z.string(),
      from: z.string(),
      to: z.string(),
      amount: z.string(),
      note: z.string().nullable(),
      created_at: z.string(),
    }),
  ),
  notes: z.array(z.string()).describe('What is special about this request, in sentences.'),
})
export type ExplainView = z.infer<typeof explainView>
