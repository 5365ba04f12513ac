import { maxNanos } from '../kernel/money.ts'
import type { HoldResult, QuotaClaim } from './commands.ts'

/** The decisions of the ledger, free of statements: what a wallet, a quota and a hold allow. All amounts are whole nano-credits. */
export interface Wallet {
  readonly credits_posted: number
  readonly debits_posted: number
  readonly debits_pending: number
}

export interface QuotaUse {
  readonly credits: number
  readonly tokens: number
  readonly requests: number
  readonly credits_pending: number
  readonly tokens_pending: number
}

export const availableOf = (wallet: Wallet): number =>
  wallet.credits_posted - wallet.debits_posted - wallet.debits_pending

/** Room for another credit of `amount`: the total that ever came in stays a safe integer. */
export const fits = (wallet: Wallet, amount: number): boolean => amount <= maxNanos - wallet.credits_posted

const left = (limit: number | null, used: number): number => (limit === null ? Number.POSITIVE_INFINITY : limit - used)

/**
 * Reserves as much of `max` as the wallet and the key's quota leave, if that is at least `min`, and as many of the tokens claimed as the quota leaves. The quota is checked first: a used-up quota is what the owner of
 * the key decided, whatever the wallet holds.
 */
export const decideHold = (
  wallet: Wallet,
  amount: { readonly min: number; readonly max: number },
  claim: QuotaClaim | undefined,
  use: QuotaUse | null,
): HoldResult => {
  let most = amount.max
  let granted = 0
  if (claim && use) {
    if (left(claim.requests, use.requests) < 1) return exceeded('requests', 0)
    const tokens = left(claim.tokens, use.tokens + use.tokens_pending)
    if (tokens < Math.max(1, claim.minTokens)) return exceeded('tokens', tokens)
    granted = Math.min(claim.claimTokens, tokens)
    const credits = left(claim.credits, use.credits + use.credits_pending)
    if (credits <= 0 || credits < amount.min) return exceeded('credits', credits)
    most = Math.min(most, credits)
  }
  const available = availableOf(wallet)
  if (available < amount.min) return { ok: false, code: 'insufficient_credits', available }
  return { ok: true, held: Math.min(most, available), tokens: granted }
}

const exceeded = (which: 'credits' | 'tokens' | 'requests', rest: number): HoldResult => ({
  ok: false,
  code: 'quota_exceeded',
  which,
  left: Math.max(0, rest),
})

/** What a settlement takes from the wallet and what the house bears. `wallet` still counts the hold as pending. */
export const decidePost = (
  wallet: Wallet,
  held: number,
  cost: number,
): { readonly posted: number; readonly writtenOff: number } => {
  const posted = Math.min(cost, held + availableOf(wallet))
  return { posted, writtenOff: cost - posted }
}

/** How much of an expired grant can go now: what open holds still reserve stays. */
export const decideExpiry = (wallet: Wallet, remaining: number): number => Math.min(remaining, availableOf(wallet))
