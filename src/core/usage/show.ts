import { toTimestamp } from '../kernel/clock.ts'
import { formatCredits } from '../kernel/money.ts'
import type { Usage } from '../protocols/neutral/index.ts'
import type { RequestsTable } from '../storage/schema.ts'
import type { Totals } from './repository.ts'
import type { RecordView, TokensView, TotalsView } from './schemas.ts'

export type Names = ReadonlyMap<string, string>

type Buckets = Pick<
  RequestsTable,
  | 'input_uncached'
  | 'input_cache_read'
  | 'input_cache_write_5m'
  | 'input_cache_write_1h'
  | 'output_visible'
  | 'output_reasoning'
>

export const showTokens = (row: Buckets): TokensView => ({
  input: row.input_uncached + row.input_cache_read + row.input_cache_write_5m + row.input_cache_write_1h,
  output: row.output_visible + row.output_reasoning,
  input_uncached: row.input_uncached,
  cache_read: row.input_cache_read,
  cache_write_5m: row.input_cache_write_5m,
  cache_write_1h: row.input_cache_write_1h,
  output_visible: row.output_visible,
  reasoning: row.output_reasoning,
})

export const usageOf = (row: Buckets): Usage => ({
  input: {
    uncached: row.input_uncached,
    cacheRead: row.input_cache_read,
    cacheWrite5m: row.input_cache_write_5m,
    cacheWrite1h: row.input_cache_write_1h,
  },
  output: { visible: row.output_visible, reasoning: row.output_reasoning },
})

export const showTotals = (row: Totals): TotalsView => ({
  requests: row.requests,
  succeeded: row.succeeded,
  success_rate: row.requests === 0 ? null : row.succeeded / row.requests,
  tokens: showTokens(row),
  cost: formatCredits(row.cost),
  written_off: formatCredits(row.written_off),
})

export const noTotals: Totals = {
  requests: 0,
  succeeded: 0,
  estimated: 0,
  input_uncached: 0,
  input_cache_read: 0,
  input_cache_write_5m: 0,
  input_cache_write_1h: 0,
  output_visible: 0,
  output_reasoning: 0,
  cost: 0,
  written_off: 0,
  duration_sum: 0,
}

export const showRecord = (
  row: RequestsTable,
  { users, keys }: { readonly users: Names; readonly keys: Names },
): RecordView => ({
  id: row.id,
  at: toTimestamp(row.at),
  user: { id: row.user_id, email: users.get(row.user_id) ?? null },
  key: { id: row.key_id, name: keys.get(row.key_id) ?? null },
  model: row.model,
  stream: row.stream === 1,
  status: row.status,
  error_code: row.error_code,
  finish: row.finish,
  duration_ms: row.duration_ms,
  first_byte_ms: row.first_byte_ms,
  tokens: showTokens(row),
  cost: formatCredits(row.cost),
  written_off: formatCredits(row.written_off),
  held: formatCredits(row.held),
  usage_quality: row.quality,
})
