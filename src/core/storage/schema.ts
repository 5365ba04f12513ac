/**
 * Table types for Kysely: the portable subset of SQLite and PostgreSQL. Ids are text, money and times are integers (nano-credits, milliseconds since the
 * epoch), flags are 0/1, lists and objects are JSON text. Money lives in `gateway.db`; the request log in `usage.db`.
 */
type Flag = 0 | 1

export interface UsersTable {
  id: string
  email: string
  name: string | null
  role: 'user' | 'operator' | 'admin'
  status: 'active' | 'suspended' | 'deleted'
  status_reason: string | null
  /** argon2id; null until a password is set. */
  password_hash: string | null
  created_at: number
  updated_at: number
}

/** Admin tokens (made by `gateway init`, `tokens create`): SHA-256 only. */
export interface AdminTokensTable {
  id: string
  hash: string
  name: string
  role: 'operator' | 'admin'
  user_id: string | null
  created_at: number
  expires_at: number | null
  revoked_at: number | null
}

/**
 * Accounts in the words of double entry. A user's wallet: available = credits_posted − debits_posted − debits_pending, never below zero (CHECK). House accounts
 * (`house:grants`, `house:revenue`, `house:write-off`, `house:adjustments`, `house:expired`) may go either way.
 */
export interface AccountsTable {
  id: string
  kind: 'user' | 'house'
  /** users.id for wallets. */
  owner_id: string | null
  debits_posted: number
  credits_posted: number
  debits_pending: number
  /** 1 when a grant of this wallet expires, so that settlement looks at lots. */
  has_expiring: Flag
}

/** Money that moved. Append-only (triggers refuse update and delete). Every row moves `amount` > 0 from `debit_account` to `credit_account`. */
export interface TransfersTable {
  seq: number
  id: string
  kind: 'grant' | 'charge' | 'write_off' | 'adjustment' | 'reversal' | 'expiry'
  debit_account: string
  credit_account: string
  amount: number
  hold_id: string | null
  /** Unique: the same reference is applied once. `charge:<hold>`, `grant:<idempotency key>`, `reversal:<transfer>`, … */
  reference: string
  note: string | null
  actor: string | null
  created_at: number
}

/** Credit reserved for one exchange. A state leaves `open` once and never changes again (trigger). */
export interface HoldsTable {
  id: string
  account_id: string
  request_id: string
  /** Reserved. */
  amount: number
  state: 'open' | 'posted' | 'voided' | 'expired'
  /** Taken from the wallet: at most amount + what was available. */
  posted: number
  /** Real cost beyond that, booked to the house. */
  written_off: number
  /** HoldContext (ledger/hold-context.ts), packed: what is needed to settle or explain this exchange without the process that opened it. */
  context: string
  /** JSON of the settled usage, null while open. */
  usage: string | null
  quality: 'exact' | 'estimated' | 'none' | null
  /** quota_counters.id this hold claims from (its amount and `claim_tokens`), null for keys without quota. */
  quota_counter: string | null
  claim_tokens: number
  /** The daemon run that opened it; a later run resolves what an earlier one left open. */
  epoch: string
  created_at: number
  resolved_at: number | null
}

/** Grants that expire, consumed in the order of expiry. */
export interface GrantLotsTable {
  id: string
  account_id: string
  transfer_id: string
  remaining: number
  expires_at: number
  closed_at: number | null
}

/** Use of a key's quota in one period: committed and reserved. `id` is `<key id>:<period start or total>`. */
export interface QuotaCountersTable {
  id: string
  key_id: string
  credits: number
  tokens: number
  requests: number
  credits_pending: number
  tokens_pending: number
}

export interface ApiKeysTable {
  id: string
  user_id: string
  name: string
  /** SHA-256 of the whole key. */
  hash: string
  /** First characters, for people: `sk-tg-AbC1…`. */
  start: string
  status: 'active' | 'disabled' | 'revoked'
  /** JSON array of shadow model names, null for all. */
  models: string | null
  /** JSON array of CIDR, null for all. */
  allow_ips: string | null
  expires_at: number | null
  quota_credits: number | null
  quota_tokens: number | null
  quota_requests: number | null
  quota_period: 'day' | 'week' | 'month' | 'total' | null
  rpm: number | null
  tpm: number | null
  concurrency: number | null
  /** JSON object. */
  tags: string
  /** While rotating: the old hash works until grace_until. */
  previous_hash: string | null
  grace_until: number | null
  created_at: number
  updated_at: number
}

export interface ProvidersTable {
  id: string
  name: string
  kind: string
  base_url: string
  /** JSON array of protocol ids, null for the kind's default. */
  speaks: string | null
  /** JSON array of hosts or CIDR that may be private (`--allow-private`). */
  allow_private: string | null
  /** Milliseconds to the first byte of the answer. */
  timeout_ms: number | null
  /** JSON object of what filled the braces of its kind's base URL. */
  settings: string | null
  /** JSON object of quirks that were switched: `{"think-tags":true,"no-done":false}`. */
  quirks: string | null
  status: 'active' | 'disabled'
  created_at: number
  updated_at: number
}

export interface ProviderKeysTable {
  id: string
  provider_id: string
  label: string
  /** Vault.seal(secret, id). */
  sealed: string
  /** Last four characters, for people. */
  hint: string
  weight: number
  status: 'active' | 'disabled'
  status_reason: string | null
  created_at: number
  updated_at: number
}

export interface ModelsTable {
  id: string
  name: string
  status: 'active' | 'disabled'
  /** Unpriced on purpose. */
  free: Flag
  strategy: 'priority' | 'weighted' | 'least-busy' | 'lowest-latency'
  context_window: number | null
  max_output_tokens: number | null
  /** JSON objects: values for fields the client leaves out; upper bounds. */
  defaults: string
  caps: string
  /** Whatever the target's protocol cannot say exactly is refused instead of changed or dropped. */
  strict: Flag
  /** Hosted tools that the target lacks are left out instead of refused. */
  drop_unsupported_tools: Flag
  created_at: number
  updated_at: number
}

export interface ModelTargetsTable {
  id: string
  model_id: string
  provider_id: string
  /** The real model's name at the provider. */
  model: string
  weight: number
  priority: number
}

/** A price version. Never changed; a new price is a new row with its own `effective_from`. Nano-credits per million tokens, except request. */
export interface PricesTable {
  id: string
  model_id: string
  effective_from: number
  input: number
  output: number
  cached_input: number | null
  cache_write_5m: number | null
  cache_write_1h: number | null
  reasoning: number | null
  request: number
  created_at: number
  actor: string
}

export interface AuditTable {
  seq: number
  id: string
  at: number
  actor: string
  action: string
  target: string | null
  /** JSON; no secret ever. */
  details: string
  request_id: string | null
}

/** First result of a write with an Idempotency-Key; replayed for the same input, refused for another. */
export interface IdempotencyTable {
  /** `<operation>:<actor>:<key>`. */
  id: string
  input_hash: string
  output: string
  created_at: number
}

/** A topic's number rises with every write; a process whose number differs is stale. */
export interface RevisionsTable {
  topic: string
  value: number
}

/** Which migrations this file has seen. */
export interface MigrationsTable {
  id: string
  applied_at: number
}

export interface GatewaySchema {
  users: UsersTable
  admin_tokens: AdminTokensTable
  accounts: AccountsTable
  transfers: TransfersTable
  holds: HoldsTable
  grant_lots: GrantLotsTable
  quota_counters: QuotaCountersTable
  api_keys: ApiKeysTable
  providers: ProvidersTable
  provider_keys: ProviderKeysTable
  models: ModelsTable
  model_targets: ModelTargetsTable
  prices: PricesTable
  audit: AuditTable
  idempotency: IdempotencyTable
  revisions: RevisionsTable
  migrations: MigrationsTable
}

/** One row per exchange, also refused ones once the key is known. No content of prompts or answers. */
export interface RequestsTable {
  id: string
  hold_id: string | null
  /** Start of the request. */
  at: number
  user_id: string
  key_id: string
  /** Shadow model as asked, and its id once resolved. */
  model: string
  model_id: string | null
  provider_id: string | null
  provider_key_id: string | null
  /** The real model. */
  target_model: string | null
  client_protocol: string
  provider_protocol: string | null
  stream: Flag
  /** Status sent to the client; 499 when the client left first. */
  status: number
  error_code: string | null
  finish: string | null
  duration_ms: number
  first_byte_ms: number | null
  input_uncached: number
  input_cache_read: number
  input_cache_write_5m: number
  input_cache_write_1h: number
  output_visible: number
  output_reasoning: number
  /** Nano-credits taken from the wallet, and booked to the house. */
  cost: number
  written_off: number
  held: number
  price_id: string | null
  quality: 'exact' | 'estimated' | 'none'
  upstream_id: string | null
  /** The client's request id when it sent one. */
  client_request_id: string | null
  /** JSON array of attempts (target, status, ms, why it moved on) and JSON array of warnings. */
  attempts: string
  warnings: string
}

export interface UsageSchema {
  requests: RequestsTable
  migrations: MigrationsTable
}
