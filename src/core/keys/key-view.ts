import { toTimestamp } from '../kernel/clock.ts'
import { formatCredits } from '../kernel/money.ts'
import type { KeyRow } from './repository.ts'
import type { KeyView } from './schemas.ts'

/** What people see of a key: no hash, no secret. */
export const toKeyView = (row: KeyRow): KeyView => ({
  id: row.id,
  name: row.name,
  start: row.start,
  user: { id: row.user_id, email: row.email },
  status: row.status,
  models: row.models === null ? null : (JSON.parse(row.models) as string[]),
  allow_ips: row.allow_ips === null ? null : (JSON.parse(row.allow_ips) as string[]),
  expires_at: row.expires_at === null ? null : toTimestamp(row.expires_at),
  quota:
    row.quota_period === null
      ? null
      : {
          credits: row.quota_credits === null ? null : formatCredits(row.quota_credits),
          tokens: row.quota_tokens,
          requests: row.quota_requests,
          period: row.quota_period,
        },
  rpm: row.rpm,
  tpm: row.tpm,
  concurrency: row.concurrency,
  tags: JSON.parse(row.tags) as Record<string, string>,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
})
