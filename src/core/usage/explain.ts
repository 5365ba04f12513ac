import { toTimestamp } from '../kernel/clock.ts'
import { formatCredits } from '../kernel/money.ts'
import type { FrozenPrice } from '../ledger/commands.ts'
import { unpackContext } from '../ledger/hold-context.ts'
import { explainCharge } from '../pricing/charge.ts'
import { freezePrice, showPrice } from '../pricing/parse.ts'
import type { Explanation } from '../pricing/schemas.ts'
import type { Usage } from '../protocols/neutral/index.ts'
import type { HoldsTable, PricesTable, RequestsTable, TransfersTable } from '../storage/schema.ts'
import type { ExplainView, RequestView } from './schemas.ts'
import { usageOf } from './show.ts'

export interface Evidence {
  readonly row: RequestsTable
  readonly request: RequestView
  readonly hold: HoldsTable | undefined
  /** The price version by its id, for requests whose hold is not there. */
  readonly version: PricesTable | undefined
  readonly transfers: readonly TransfersTable[]
}

const nothing: Explanation = { lines: [], exact: '0', total: '0' }

/** Why a request cost what it cost: the price as it was frozen with the hold, the arithmetic, and what moved in the ledger. */
export const explain = ({ row, request, hold, version, transfers }: Evidence): ExplainView => {
  const price = frozenPrice(hold, version)
  const settled = row.hold_id !== null && row.quality !== 'none'
  const arithmetic = price && settled ? explainCharge(price, settledUsage(row, hold)) : nothing
  return {
    request,
    attempts: request.attempts,
    tokens: request.tokens,
    price: price ? { id: row.price_id, ...showPrice(price) } : null,
    ...arithmetic,
    hold: hold ? showHold(hold) : null,
    cost: formatCredits(row.cost),
    written_off: formatCredits(row.written_off),
    usage_quality: row.quality,
    transfers: transfers.map(showTransfer),
    notes: [...notes(row, hold, price, settled, transfers), ...difference(row, arithmetic, settled)],
  }
}

const frozenPrice = (hold: HoldsTable | undefined, version: PricesTable | undefined): FrozenPrice | null => {
  if (hold) return unpackContext(hold.context).price
  return version ? freezePrice(version) : null
}

/** The buckets of the record; the hold's copy also knows what ran beside the main model. */
const settledUsage = (row: RequestsTable, hold: HoldsTable | undefined): Usage => {
  const stored = hold?.usage ? (JSON.parse(hold.usage) as Usage) : null
  return stored?.extra ? { ...usageOf(row), extra: stored.extra } : usageOf(row)
}

const showHold = (hold: HoldsTable): NonNullable<ExplainView['hold']> => ({
  id: hold.id,
  amount: formatCredits(hold.amount),
  state: hold.state,
  posted: formatCredits(hold.posted),
  released: formatCredits(hold.state === 'open' ? 0 : Math.max(0, hold.amount - hold.posted)),
  created_at: toTimestamp(hold.created_at),
  resolved_at: hold.resolved_at === null ? null : toTimestamp(hold.resolved_at),
})

const showTransfer = (transfer: TransfersTable): ExplainView['transfers'][number] => ({
  id: transfer.id,
  kind: transfer.kind,
  from: transfer.debit_account,
  to: transfer.credit_account,
  amount: formatCredits(transfer.amount),
  note: transfer.note,
  created_at: toTimestamp(transfer.created_at),
})

const notes = (
  row: RequestsTable,
  hold: HoldsTable | undefined,
  price: FrozenPrice | null,
  settled: boolean,
  transfers: readonly TransfersTable[],
): string[] => {
  const said: string[] = []
  if (row.hold_id === null) said.push(`Refused before anything was held or sent (${row.error_code ?? row.status}).`)
  else if (!settled) said.push('Nothing was delivered: the hold was released and nothing was charged.')
  if (settled && !price) said.push('The model was free when the request was admitted.')
  if (row.quality === 'estimated')
    said.push('The provider did not report complete usage: the prompt and what was delivered were counted here.')
  if (hold && row.cost > hold.amount)
    said.push(
      `The cost went beyond the hold by ${formatCredits(row.cost - hold.amount)}, taken from the available balance.`,
    )
  if (row.written_off > 0)
    said.push(`${formatCredits(row.written_off)} more than the balance could pay were booked to the house.`)
  if (transfers.some((transfer) => transfer.kind === 'reversal')) said.push('The charge was given back later.')
  return said
}

const difference = (row: RequestsTable, arithmetic: Explanation, settled: boolean): string[] => {
  if (!settled || arithmetic.total === formatCredits(row.cost + row.written_off)) return []
  return row.quality === 'estimated'
    ? ['An estimated charge never exceeds what was held.']
    : ['The sum of the lines differs from what was charged: report this as a bug.']
}
