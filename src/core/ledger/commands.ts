import type { RequestValues } from './request-row.ts'

/**
 * The commands the ledger understands: the only way money moves. They run inside the writer, many in one transaction (group commit), each all or nothing. Every
 * command is idempotent by its id or reference: repeating it changes nothing and answers the same.
 */
export type LedgerCommand =
  | HoldCommand
  | PostCommand
  | VoidCommand
  | GrantCommand
  | AdjustCommand
  | ReverseCommand
  | ExpireLotCommand
  | RecordCommand

export interface HoldCommand {
  readonly op: 'hold'
  /** `hld_…`, made by the caller. */
  readonly id: string
  readonly account: string
  readonly requestId: string
  /** The most this exchange can cost. What is held is min(max, available), if that is at least `min`; else `insufficient_credits`. */
  readonly min: number
  readonly max: number
  /** HoldContext as `packContext` writes it. */
  readonly context: string
  readonly quota?: QuotaClaim
  /** The daemon run that opens it. */
  readonly epoch: string
  readonly at: number
}

/**
 * Limits of the key for the current period; null means unlimited. The claim is checked against committed plus pending use: what is granted is
 * min(claimTokens, what is left), if that is at least `minTokens`; else `quota_exceeded`.
 */
export interface QuotaClaim {
  /** quota_counters.id. */
  readonly counter: string
  readonly keyId: string
  readonly credits: number | null
  readonly tokens: number | null
  readonly requests: number | null
  /** Tokens this exchange may use at most. */
  readonly claimTokens: number
  /** The fewest tokens with which this exchange makes sense, at most `claimTokens`. */
  readonly minTokens: number
}

export type HoldResult =
  | {
      readonly ok: true
      readonly held: number
      /** Tokens granted from the quota, at most `claimTokens`; 0 without a quota. */
      readonly tokens: number
    }
  | { readonly ok: false; readonly code: 'insufficient_credits'; readonly available: number }
  | {
      readonly ok: false
      readonly code: 'quota_exceeded'
      readonly which: 'credits' | 'tokens' | 'requests'
      /** What the quota still has: nano-credits, tokens or requests; 0 when it is used up. */
      readonly left: number
    }

export interface PostCommand {
  readonly op: 'post'
  readonly hold: string
  /** Real cost. Beyond hold + available it is written off to the house. */
  readonly amount: number
  /** JSON of Usage. */
  readonly usage: string
  readonly tokens: number
  readonly quality: 'exact' | 'estimated' | 'none'
  /** Row for the request log, written after the money is committed; `cost` and `written_off` are filled in by the ledger. */
  readonly record?: RequestValues
  readonly at: number
}

/** `state` tells what this call found: `posted` now, or the earlier resolution that stands. */
export interface ResolveResult {
  readonly state: 'posted' | 'voided' | 'expired'
  readonly first: boolean
  readonly posted: number
  readonly writtenOff: number
}

export interface VoidCommand {
  readonly op: 'void'
  readonly hold: string
  readonly state: 'voided' | 'expired'
  readonly record?: RequestValues
  readonly at: number
}

export interface GrantCommand {
  readonly op: 'grant'
  readonly account: string
  readonly amount: number
  /** Unique; the caller's idempotency key or the new id. */
  readonly reference: string
  readonly note: string | null
  readonly actor: string
  readonly expiresAt: number | null
  readonly at: number
}

/** Corrects a balance by a signed amount; a negative one never takes more than is available. */
export interface AdjustCommand {
  readonly op: 'adjust'
  readonly account: string
  readonly amount: number
  readonly reference: string
  readonly note: string
  readonly actor: string
  readonly at: number
}

/** Gives back a charge (all of it), once. */
export interface ReverseCommand {
  readonly op: 'reverse'
  readonly transfer: string
  readonly note: string | null
  readonly actor: string
  readonly at: number
}

/** Takes back what is left of an expired grant and not reserved by an open hold. Repeating it takes what has become free since. */
export interface ExpireLotCommand {
  readonly op: 'expire_lot'
  readonly lot: string
  readonly at: number
}

export interface ExpireLotResult {
  /** Nano-credits taken back by this call. */
  readonly expired: number
  /** False while open holds still keep part of the grant. */
  readonly closed: boolean
}

/** A row for the request log without money: a request that was refused. Moves nothing; may be lost in a crash. */
export interface RecordCommand {
  readonly op: 'record'
  readonly record: RequestValues
}

export interface TransferResult {
  readonly id: string
  /** False when the reference was applied before; `id` is then the earlier transfer. */
  readonly first: boolean
  readonly available: number
}

export interface LedgerResults {
  hold: HoldResult
  post: ResolveResult
  void: ResolveResult
  grant: TransferResult
  adjust: TransferResult
  reverse: TransferResult
  expire_lot: ExpireLotResult
  record: null
}

/** What a hold remembers of its exchange, so that a later run can settle and log it. */
export interface HoldContext {
  readonly userId: string
  readonly keyId: string
  readonly model: string
  readonly modelId: string
  readonly priceId: string | null
  /** The frozen price: nano-credits per million tokens, request per call. */
  readonly price: FrozenPrice | null
  readonly clientProtocol: string
  /** The client's own id of the request; null when it sent none. */
  readonly clientRequestId: string | null
  readonly stream: boolean
  /** Local estimate of the prompt, used when the outcome is never learned. */
  readonly estimatedInputTokens: number
}

export interface FrozenPrice {
  readonly input: number
  readonly output: number
  readonly cachedInput: number
  readonly cacheWrite5m: number
  readonly cacheWrite1h: number
  readonly reasoning: number
  readonly request: number
}
