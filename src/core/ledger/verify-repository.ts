import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { GatewaySchema } from '../storage/schema.ts'

/** One check: what should hold, and a query for the rows where it does not. Sums stay in SQL (64 bits, overflow is an error) and are read as text. */
export interface LedgerCheck {
  readonly rule: string
  /** Rows `{ id, found }`: what is wrong, and how. */
  readonly query: string
}

export const ledgerChecks: readonly LedgerCheck[] = [
  {
    rule: 'what left an account is the sum of its transfers',
    query: `select a.id, 'debits ' || a.debits_posted || ', transfers ' || coalesce(t.total, 0) as found from accounts a
      left join (select debit_account, sum(amount) as total from transfers group by debit_account) t on t.debit_account = a.id
      where a.debits_posted <> coalesce(t.total, 0)`,
  },
  {
    rule: 'what came into an account is the sum of its transfers',
    query: `select a.id, 'credits ' || a.credits_posted || ', transfers ' || coalesce(t.total, 0) as found from accounts a
      left join (select credit_account, sum(amount) as total from transfers group by credit_account) t on t.credit_account = a.id
      where a.credits_posted <> coalesce(t.total, 0)`,
  },
  {
    rule: 'what is reserved in an account is the sum of its open holds',
    query: `select a.id, 'reserved ' || a.debits_pending || ', holds ' || coalesce(h.total, 0) as found from accounts a
      left join (select account_id, sum(amount) as total from holds where state = 'open' group by account_id) h on h.account_id = a.id
      where a.debits_pending <> coalesce(h.total, 0)`,
  },
  {
    rule: 'all accounts together add up to zero',
    query: `select 'all accounts' as id, 'off by ' || sum(credits_posted - debits_posted) as found from accounts
      having sum(credits_posted - debits_posted) <> 0`,
  },
  {
    rule: 'no wallet is below zero',
    query: `select id, 'available ' || (credits_posted - debits_posted - debits_pending) as found from accounts
      where kind = 'user' and credits_posted - debits_posted - debits_pending < 0`,
  },
  {
    rule: 'a hold has exactly the charge it was posted with',
    query: `select h.id, 'posted ' || h.posted || ', charge ' || coalesce(t.amount, 0) as found from holds h
      left join transfers t on t.reference = 'charge:' || h.id and t.kind = 'charge' and t.hold_id = h.id
        and t.debit_account = h.account_id and t.credit_account = 'house:revenue'
      where h.posted <> coalesce(t.amount, 0)`,
  },
  {
    rule: 'a hold has exactly the write-off it was posted with',
    query: `select h.id, 'written off ' || h.written_off || ', booked ' || coalesce(t.amount, 0) as found from holds h
      left join transfers t on t.reference = 'write_off:' || h.id and t.kind = 'write_off' and t.hold_id = h.id
        and t.debit_account = 'house:write-off' and t.credit_account = 'house:revenue'
      where h.written_off <> coalesce(t.amount, 0)`,
  },
  {
    rule: 'a charge or write-off belongs to one posted hold',
    query: `select t.id, t.reference as found from transfers t
      left join holds h on h.id = t.hold_id
      where t.kind in ('charge', 'write_off')
        and (h.state is null or h.state <> 'posted' or t.reference <> t.kind || ':' || h.id)`,
  },
  {
    rule: 'a reversal gives back one charge, all of it, to whom it was taken from',
    query: `select r.id, r.reference as found from transfers r
      left join transfers c on c.id = substr(r.reference, length('reversal:') + 1)
      where r.kind = 'reversal' and (c.kind is null or c.kind <> 'charge' or c.amount <> r.amount
        or c.debit_account <> r.credit_account or r.debit_account <> 'house:revenue')`,
  },
  {
    rule: 'transfers are numbered without a gap',
    query: `select 'transfers' as id, count(*) || ' rows, numbered to ' || max(seq) as found from transfers
      having count(*) > 0 and (count(*) <> max(seq) or min(seq) <> 1)`,
  },
  {
    rule: 'what is left of expiring grants is in their wallet',
    query: `select a.id, 'balance ' || (a.credits_posted - a.debits_posted) || ', grants ' || l.total as found from accounts a
      join (select account_id, sum(remaining) as total from grant_lots where closed_at is null group by account_id) l on l.account_id = a.id
      where l.total > a.credits_posted - a.debits_posted`,
  },
  {
    rule: 'an expiring grant is never more than was granted',
    query: `select l.id, 'left ' || l.remaining || ', granted ' || coalesce(t.amount, 0) as found from grant_lots l
      left join transfers t on t.id = l.transfer_id and t.kind = 'grant' and t.credit_account = l.account_id
      where l.remaining > coalesce(t.amount, 0)`,
  },
  {
    rule: 'a wallet knows whether it has expiring grants',
    query: `select a.id, 'marked ' || a.has_expiring as found from accounts a
      where a.kind = 'user' and a.has_expiring
        <> (exists (select 1 from grant_lots l where l.account_id = a.id and l.closed_at is null))`,
  },
  {
    rule: 'what a quota has reserved is the sum of its open holds',
    query: `select q.id, 'reserved ' || q.credits_pending || ' and ' || q.tokens_pending || ' tokens, holds '
        || coalesce(h.credits, 0) || ' and ' || coalesce(h.tokens, 0) as found from quota_counters q
      left join (select quota_counter, sum(amount) as credits, sum(claim_tokens) as tokens from holds
        where state = 'open' and quota_counter is not null group by quota_counter) h on h.quota_counter = q.id
      where q.credits_pending <> coalesce(h.credits, 0) or q.tokens_pending <> coalesce(h.tokens, 0)`,
  },
]

export const runCheck = async (
  db: Kysely<GatewaySchema>,
  check: LedgerCheck,
  limit: number,
): Promise<readonly { readonly id: string; readonly found: string }[]> => {
  const query = sql<{
    id: string
    found: string
  }>`select id, found from (${sql.raw(check.query)}) as bad limit ${limit}`
  return (await query.execute(db)).rows
}

export const ledgerCounts = async (
  db: Kysely<GatewaySchema>,
): Promise<{ readonly accounts: number; readonly transfers: number; readonly holds_open: number }> => {
  const query = sql<{ accounts: number; transfers: number; holds_open: number }>`select
    (select count(*) from accounts) as accounts, (select count(*) from transfers) as transfers,
    (select count(*) from holds where state = 'open') as holds_open`
  return (await query.execute(db)).rows[0]!
}
