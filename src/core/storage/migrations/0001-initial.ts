import type { Migration } from './migration.ts'

const safe = Number.MAX_SAFE_INTEGER

/** Money, identity and catalogue. What must never happen to money is refused by the tables themselves, whoever writes. */
export const initialGateway: Migration = {
  id: '0001-initial',
  sqlite: [
    `create table migrations (id text primary key not null, applied_at integer not null) strict`,
    // How far the journal of answered batches (storage/journal.ts) has been applied to these tables.
    `create table journal (id integer primary key not null check (id = 1), applied integer not null) strict`,
    `insert into journal (id, applied) values (1, 0)`,

    `create table users (
      id text primary key not null,
      email text not null,
      name text,
      role text not null check (role in ('user', 'operator', 'admin')),
      status text not null check (status in ('active', 'suspended', 'deleted')),
      status_reason text,
      password_hash text,
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    `create unique index users_email on users (email) where status <> 'deleted'`,
    `create index users_updated on users (updated_at, id)`,
    `create table admin_tokens (
      id text primary key not null,
      hash text not null unique,
      name text not null,
      role text not null check (role in ('operator', 'admin')),
      user_id text references users (id),
      created_at integer not null,
      expires_at integer,
      revoked_at integer
    ) strict`,

    `create table accounts (
      id text primary key not null,
      kind text not null check (kind in ('user', 'house')),
      owner_id text references users (id),
      debits_posted integer not null default 0 check (debits_posted >= 0),
      credits_posted integer not null default 0 check (credits_posted >= 0),
      debits_pending integer not null default 0 check (debits_pending >= 0),
      has_expiring integer not null default 0 check (has_expiring in (0, 1)),
      check ((kind = 'user') = (owner_id is not null)),
      check (kind = 'house' or credits_posted - debits_posted - debits_pending >= 0),
      check (kind = 'house' or credits_posted <= ${safe})
    ) strict, without rowid`,
    `create unique index accounts_owner on accounts (owner_id) where owner_id is not null`,
    `insert into accounts (id, kind) values ('house:grants', 'house'), ('house:revenue', 'house'),
      ('house:write-off', 'house'), ('house:adjustments', 'house'), ('house:expired', 'house')`,
    `create trigger accounts_begin_empty before insert on accounts
      when new.debits_posted <> 0 or new.credits_posted <> 0 or new.debits_pending <> 0
      begin select raise(abort, 'an account begins empty'); end`,
    `create trigger accounts_keep_owner before update of id, kind, owner_id on accounts
      begin select raise(abort, 'an account keeps its owner'); end`,
    `create trigger accounts_stay before delete on accounts
      begin select raise(abort, 'accounts are never deleted'); end`,

    // Rows are inserted at the end of the primary key (ids begin with time), found by it, and rewritten once. One that was opened and resolved between two commits
    // is inserted in its final state.
    `create table holds (
      id text primary key not null,
      account_id text not null references accounts (id),
      request_id text not null,
      amount integer not null check (amount >= 0),
      state text not null check (state in ('open', 'posted', 'voided', 'expired')),
      posted integer not null default 0 check (posted >= 0),
      written_off integer not null default 0 check (written_off >= 0),
      context text not null,
      usage text,
      quality text check (quality in ('exact', 'estimated', 'none')),
      quota_counter text,
      claim_tokens integer not null default 0 check (claim_tokens >= 0),
      epoch text not null,
      created_at integer not null,
      resolved_at integer,
      check ((state = 'open') = (resolved_at is null)),
      check (state = 'posted' or (posted = 0 and written_off = 0)),
      check (state = 'open' or quality is not null)
    ) strict, without rowid`,
    `create index holds_open on holds (id) where state = 'open'`,
    `create trigger holds_one_way before update on holds
      when old.state <> 'open' or new.state = 'open' or new.id <> old.id or new.amount <> old.amount
        or new.account_id <> old.account_id or new.context <> old.context
      begin select raise(abort, 'a hold is resolved once and keeps what it was opened with'); end`,
    `create trigger holds_stay before delete on holds
      begin select raise(abort, 'holds are never deleted'); end`,

    `create table transfers (
      seq integer primary key not null,
      id text not null unique,
      kind text not null check (kind in ('grant', 'charge', 'write_off', 'adjustment', 'reversal', 'expiry')),
      debit_account text not null references accounts (id),
      credit_account text not null references accounts (id),
      amount integer not null check (amount > 0 and amount <= ${safe}),
      hold_id text references holds (id),
      reference text not null unique,
      note text,
      actor text,
      created_at integer not null,
      check (debit_account <> credit_account),
      check ((kind in ('charge', 'write_off')) = (hold_id is not null))
    ) strict`,
    // House accounts take part in every transfer; only wallets are looked up by account.
    `create index transfers_debit on transfers (debit_account, seq) where debit_account < 'house:'`,
    `create index transfers_credit on transfers (credit_account, seq) where credit_account < 'house:'`,
    `create trigger transfers_no_update before update on transfers
      begin select raise(abort, 'transfers are never changed'); end`,
    `create trigger transfers_no_delete before delete on transfers
      begin select raise(abort, 'transfers are never deleted'); end`,

    `create table grant_lots (
      id text primary key not null,
      account_id text not null references accounts (id),
      transfer_id text not null unique references transfers (id),
      remaining integer not null check (remaining >= 0),
      expires_at integer not null,
      closed_at integer,
      check (closed_at is null or remaining = 0)
    ) strict`,
    `create index grant_lots_open on grant_lots (account_id, expires_at, id) where closed_at is null`,
    `create index grant_lots_due on grant_lots (expires_at) where closed_at is null`,

    `create table api_keys (
      id text primary key not null,
      user_id text not null references users (id),
      name text not null,
      hash text not null unique,
      start text not null,
      status text not null check (status in ('active', 'disabled', 'revoked')),
      models text,
      allow_ips text,
      expires_at integer,
      quota_credits integer check (quota_credits >= 0),
      quota_tokens integer check (quota_tokens >= 0),
      quota_requests integer check (quota_requests >= 0),
      quota_period text check (quota_period in ('day', 'week', 'month', 'total')),
      rpm integer check (rpm > 0),
      tpm integer check (tpm > 0),
      concurrency integer check (concurrency > 0),
      tags text not null,
      previous_hash text,
      grace_until integer,
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    `create index api_keys_user on api_keys (user_id)`,
    `create index api_keys_name on api_keys (name)`,
    // The verifier asks what has changed since it last looked.
    `create index api_keys_updated on api_keys (updated_at, id)`,
    `create table quota_counters (
      id text primary key not null,
      key_id text not null,
      credits integer not null default 0 check (credits >= 0),
      tokens integer not null default 0 check (tokens >= 0),
      requests integer not null default 0 check (requests >= 0),
      credits_pending integer not null default 0 check (credits_pending >= 0),
      tokens_pending integer not null default 0 check (tokens_pending >= 0)
    ) strict, without rowid`,
    `create index quota_counters_key on quota_counters (key_id)`,

    `create table providers (
      id text primary key not null,
      name text not null unique,
      kind text not null,
      base_url text not null,
      speaks text,
      allow_private text,
      timeout_ms integer check (timeout_ms > 0),
      status text not null check (status in ('active', 'disabled')),
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    `create table provider_keys (
      id text primary key not null,
      provider_id text not null references providers (id) on delete cascade,
      label text not null,
      sealed text not null,
      hint text not null,
      weight integer not null check (weight >= 0),
      status text not null check (status in ('active', 'disabled')),
      status_reason text,
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    `create index provider_keys_provider on provider_keys (provider_id)`,
    `create table models (
      id text primary key not null,
      name text not null unique,
      status text not null check (status in ('active', 'disabled')),
      free integer not null check (free in (0, 1)),
      strategy text not null,
      context_window integer check (context_window > 0),
      max_output_tokens integer check (max_output_tokens > 0),
      defaults text not null,
      caps text not null,
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    `create table model_targets (
      id text primary key not null,
      model_id text not null references models (id) on delete cascade,
      provider_id text not null references providers (id),
      model text not null,
      weight integer not null check (weight >= 0),
      priority integer not null
    ) strict`,
    `create index model_targets_model on model_targets (model_id)`,
    `create index model_targets_provider on model_targets (provider_id)`,
    // Without a reference to models: what a request cost can be explained after its model was deleted.
    `create table prices (
      id text primary key not null,
      model_id text not null,
      effective_from integer not null,
      input integer not null check (input >= 0),
      output integer not null check (output >= 0),
      cached_input integer check (cached_input >= 0),
      cache_write_5m integer check (cache_write_5m >= 0),
      cache_write_1h integer check (cache_write_1h >= 0),
      reasoning integer check (reasoning >= 0),
      request integer not null check (request >= 0),
      created_at integer not null,
      actor text not null
    ) strict`,
    `create index prices_model on prices (model_id, effective_from)`,
    `create trigger prices_no_update before update on prices
      begin select raise(abort, 'a price is never changed; add a newer one'); end`,

    `create table audit (
      seq integer primary key not null,
      id text not null unique,
      at integer not null,
      actor text not null,
      action text not null,
      target text,
      details text not null,
      request_id text
    ) strict`,
    `create index audit_at on audit (at)`,
    `create trigger audit_no_update before update on audit
      begin select raise(abort, 'the audit log is never changed'); end`,
    `create trigger audit_no_delete before delete on audit
      begin select raise(abort, 'the audit log is never deleted'); end`,
    `create table idempotency (
      id text primary key not null,
      input_hash text not null,
      output text not null,
      created_at integer not null
    ) strict`,
    `create index idempotency_created on idempotency (created_at)`,
    `create table revisions (topic text primary key not null, value integer not null) strict`,
    `insert into revisions (topic, value) values ('keys', 1), ('catalog', 1), ('users', 1), ('tokens', 1)`,
  ],
}
