import type { Migration } from './migration.ts'

/** Answers that a provider keeps are found by its id of them, each by its user alone. */
export const usageResponses: Migration = {
  id: '0002-usage-responses',
  sqlite: [
    `create index requests_response on requests (upstream_id, user_id)
      where client_protocol = 'openai-responses' and upstream_id is not null`,
  ],
}
