import { toTimestamp } from '../kernel/clock.ts'
import { GatewayError } from '../kernel/errors.ts'
import { placeOf } from '../kernel/list-order.ts'
import type { Page } from '../kernel/operation.ts'
import { parseTime } from '../kernel/time-range.ts'
import type { RequestsTable } from '../storage/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { explain } from './explain.ts'
import {
  durationsAt,
  findHold,
  findKeyIds,
  findPrice,
  findRequest,
  findUserId,
  listRequests,
  requestOrders,
  namesFor,
  providerKeyLabel,
  providerName,
  totals,
  totalsByDay,
  transfersOf,
  type Filter,
} from './repository.ts'
import type { DayView, ExplainView, ListInput, RecordView, ReportInput, RequestView, SummaryView } from './schemas.ts'
import { noTotals, showRecord, showTotals } from './show.ts'

/** Questions to the request log. Everything runs on the thread for reports and is bounded in time and rows. */
export interface UsageReports {
  summary(input: ReportInput, now: number): Promise<SummaryView>
  daily(input: ReportInput, now: number): Promise<Page<DayView>>
  list(input: ListInput, now: number): Promise<Page<RecordView>>
  show(request: string): Promise<RequestView>
  explain(request: string): Promise<ExplainView>
}

const dayMs = 86_400_000
const defaultDays = 30
const maxDays = { summary: 3660, daily: 366 } as const
/** Beyond this many requests the percentiles are left out: ranking them would keep other reports waiting. */
const maxRanked = 500_000

export const createUsageReports = ({ storage }: { readonly storage: Storage }): UsageReports => {
  const filterOf = async (
    input: ReportInput & { readonly status?: string | undefined },
    now: number,
  ): Promise<Filter> => {
    const userId = input.user === undefined ? undefined : await findUserId(storage.read, input.user)
    if (input.user !== undefined && userId === undefined) throw unknown('user', input.user)
    const keyIds = input.key === undefined ? [] : await findKeyIds(storage.read, input.key, userId)
    if (input.key !== undefined && keyIds.length === 0) throw unknown('key', input.key)
    if (keyIds.length > 1) {
      throw new GatewayError('conflict', `Several keys are named "${input.key}". Give the id, or the user as well.`, {
        param: 'key',
      })
    }
    const from = input.from === undefined ? undefined : parseTime(input.from, 'from', now)
    const to = input.to === undefined ? undefined : parseTime(input.to, 'to', now)
    if (from !== undefined && from >= (to ?? Number.POSITIVE_INFINITY))
      throw new GatewayError('invalid_request', 'from: must be earlier than to.', { param: 'from' })
    return { userId, keyId: keyIds[0], model: input.model, status: input.status, from, to }
  }

  /** A filter with both ends: the last 30 days if none is given. */
  const bounded = async (
    input: ReportInput,
    now: number,
    days: number,
  ): Promise<Filter & { readonly from: number; readonly to: number }> => {
    const filter = await filterOf(input, now)
    const to = filter.to ?? Math.max(now, filter.from ?? 0) + 1
    const from = filter.from ?? to - defaultDays * dayMs
    if (to - from > days * dayMs)
      throw new GatewayError('invalid_request', `from: at most ${days} days in one report.`, { param: 'from' })
    return { ...filter, from, to }
  }

  const need = async (id: string): Promise<RequestsTable> => {
    const row = await findRequest(storage.usage, id)
    if (row) return row
    throw new GatewayError('not_found', `There is no request "${id}" in the log.`, {
      param: 'request',
      hint: 'See: gateway requests list',
    })
  }

  const showRequest = async (row: RequestsTable): Promise<RequestView> => {
    const [names, provider, label] = await Promise.all([
      namesFor(storage.read, [row]),
      row.provider_id === null ? null : providerName(storage.read, row.provider_id),
      row.provider_key_id === null ? null : providerKeyLabel(storage.read, row.provider_key_id),
    ])
    return {
      ...showRecord(row, names),
      client_protocol: row.client_protocol,
      provider_protocol: row.provider_protocol,
      provider: row.provider_id === null ? null : { id: row.provider_id, name: provider },
      provider_key: row.provider_key_id === null ? null : { id: row.provider_key_id, label },
      target_model: row.target_model,
      price_id: row.price_id,
      hold_id: row.hold_id,
      upstream_id: row.upstream_id,
      client_request_id: row.client_request_id,
      attempts: parseArray(row.attempts),
      warnings: parseArray(row.warnings),
    }
  }

  return {
    async summary(input, now) {
      const filter = await bounded(input, now, maxDays.summary)
      const all = await totals(storage.usage, filter)
      return {
        from: toTimestamp(filter.from),
        to: toTimestamp(filter.to),
        ...showTotals(all),
        estimated: all.estimated,
        duration_ms: await durations(storage, filter, all.succeeded, all.duration_sum),
      }
    },

    async daily(input, now) {
      const filter = await bounded(input, now, maxDays.daily)
      const known = new Map((await totalsByDay(storage.usage, filter)).map((day) => [day.day, day]))
      const data: DayView[] = []
      for (let day = Math.floor(filter.from / dayMs); day * dayMs < filter.to; day++) {
        data.push({ date: toTimestamp(day * dayMs).slice(0, 10), ...showTotals(known.get(day) ?? noTotals) })
      }
      return { data, next_cursor: null }
    },

    async list({ limit, cursor, page, sort, ...input }, now) {
      const filter = await filterOf(input, now)
      const place = placeOf({ limit, cursor, page, sort }, '-at', requestOrders)
      const rows = await listRequests(storage.usage, filter, place)
      const names = await namesFor(storage.read, rows)
      return place.page(rows, (row) => showRecord(row, names))
    },

    show: async (id) => showRequest(await need(id)),

    async explain(id) {
      const row = await need(id)
      const [request, hold, version, transfers] = await Promise.all([
        showRequest(row),
        row.hold_id === null ? undefined : findHold(storage.read, row.hold_id),
        row.price_id === null ? undefined : findPrice(storage.read, row.price_id),
        row.hold_id === null ? [] : transfersOf(storage.read, row.hold_id),
      ])
      return explain({ row, request, hold, version, transfers })
    },
  }
}

const durations = async (
  storage: Storage,
  filter: Filter,
  count: number,
  total: number,
): Promise<SummaryView['duration_ms']> => {
  if (count === 0) return null
  const avg = Math.round(total / count)
  if (count > maxRanked) return { avg, p50: null, p95: null }
  const rank = (share: number): number => Math.max(0, Math.ceil(count * share) - 1)
  const [p50 = null, p95 = null] = await durationsAt(storage.usage, { ...filter, status: 'ok' }, [
    rank(0.5),
    rank(0.95),
  ])
  return { avg, p50, p95 }
}

const unknown = (what: 'user' | 'key', name: string): GatewayError =>
  new GatewayError('not_found', `There is no ${what} "${name}".`, { param: what, hint: `See: gateway ${what}s list` })

type Json = RequestView['attempts']
const parseArray = (text: string): Json => {
  const value: unknown = JSON.parse(text)
  return Array.isArray(value) ? (value as Json) : []
}
