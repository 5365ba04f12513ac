import { formatCredits } from '../kernel/money.ts'
import type { HoldResult, QuotaClaim } from '../ledger/commands.ts'
import type { KeyPrincipal, KeyQuota } from '../keys/verdict.ts'

/** The key's claim on its quota for the period that `now` lies in; undefined for a key without quota. Periods are calendar days, ISO weeks and months in UTC. */
export const quotaClaim = (
  principal: KeyPrincipal,
  now: number,
  { claimTokens, minTokens }: Pick<QuotaClaim, 'claimTokens' | 'minTokens'>,
): QuotaClaim | undefined =>
  principal.quota
    ? {
        counter: `${principal.keyId}:${periodStart(principal.quota.period, now)}`,
        keyId: principal.keyId,
        credits: principal.quota.credits,
        tokens: principal.quota.tokens,
        requests: principal.quota.requests,
        claimTokens,
        minTokens,
      }
    : undefined

const periodStart = (period: KeyQuota['period'], now: number): string => {
  const date = new Date(now)
  switch (period) {
    case 'total':
      return 'total'
    case 'month':
      return date.toISOString().slice(0, 7)
    case 'week':
      date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7))
      return `w${date.toISOString().slice(0, 10)}`
    case 'day':
      return date.toISOString().slice(0, 10)
  }
}

/** What a refusal says of a quota that does not let a request pass: used up, or too small for it. `needed` in nano-credits, tokens or requests. */
export const quotaRefusal = (
  { which, left }: Extract<HoldResult, { readonly code: 'quota_exceeded' }>,
  period: KeyQuota['period'] | undefined,
  needed: number,
): string => {
  const span = period === 'total' ? 'in all' : `per ${period ?? 'period'}`
  if (left === 0) return `The quota of this API key (${which} ${span}) is used up.`
  const show = (amount: number): string => (which === 'credits' ? formatCredits(amount) : String(amount))
  return (
    `What is left of the quota of this API key (${show(left)} ${which} ${span}) is not enough for this request, ` +
    `which needs ${show(needed)}. Shorten it or lower its limit on output tokens.`
  )
}

/** Seconds until the period that `now` lies in is over; undefined for a quota that never renews. */
export const secondsToRenewal = (period: KeyQuota['period'], now: number): number | undefined => {
  if (period === 'total') return undefined
  const end = new Date(now)
  end.setUTCHours(0, 0, 0, 0)
  if (period === 'month') end.setUTCMonth(end.getUTCMonth() + 1, 1)
  else end.setUTCDate(end.getUTCDate() + (period === 'day' ? 1 : 7 - ((end.getUTCDay() + 6) % 7)))
  return Math.ceil((end.getTime() - now) / 1000)
}
