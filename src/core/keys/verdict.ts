/** Whom a verified key speaks for, and what it may do. Immutable; replaced as a whole when the key or its owner changes. */
export interface KeyPrincipal {
  readonly keyId: string
  readonly userId: string
  /** The wallet that pays. */
  readonly accountId: string
  /** Shadow model names, null for all. */
  readonly models: ReadonlySet<string> | null
  /** CIDR list, null for all. */
  readonly allowIps: readonly string[] | null
  readonly quota: KeyQuota | null
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  readonly concurrency: number | null
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null
}

export interface KeyQuota {
  readonly period: 'day' | 'week' | 'month' | 'total'
  /** Nano-credits. */
  readonly credits: number | null
  readonly tokens: number | null
  readonly requests: number | null
}

export type KeyVerdict =
  | { readonly status: 'valid'; readonly principal: KeyPrincipal }
  | { readonly status: 'malformed' | 'unknown' | 'expired' | 'disabled' }

/** Verdicts from memory: no I/O, bounded time, the same answer for a key that never existed and one that is not ours. */
export interface KeyVerifier {
  verify(secret: string): KeyVerdict
}
