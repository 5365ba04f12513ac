import type { FrozenPrice } from '../ledger/commands.ts'
import { chargeFor } from '../pricing/charge.ts'
import { estimateTokens } from '../pricing/estimate.ts'
import { emptyUsage, inputTotal, outputTotal, type Usage } from '../protocols/neutral/index.ts'
import type { Observed } from '../protocols/protocol.ts'

/** What an exchange costs, from what is known at its end. */
export interface Settlement {
  /** Nothing was delivered and nothing reported: the hold is released. */
  readonly release: boolean
  readonly usage: Usage
  readonly tokens: number
  /** Nano-credits. */
  readonly amount: number
  readonly quality: 'exact' | 'estimated' | 'none'
}

const nothing: Settlement = { release: true, usage: emptyUsage, tokens: 0, amount: 0, quality: 'none' }

/**
 * The one rule of settlement (contract, part 5): credible usage reported with a finished answer is exact (or our own count, then `estimated`); else what was delivered is counted and flagged `estimated`,
 * with the provider's own count of the prompt where it came; else nothing was delivered and nothing is owed. An estimate of the prompt never costs more than the hold;
 * a prompt that the provider counted does, and what the balance cannot pay of it is written off.
 */
export const settlementOf = (
  observed: Observed,
  price: FrozenPrice | null,
  { estimatedInputTokens, held }: { readonly estimatedInputTokens: number; readonly held: number },
): Settlement => {
  const reported = observed.usage
  if (reported && observed.complete && isCredible(reported, observed.deliveredChars)) {
    return observed.estimated
      ? priced(reported, price, 'estimated', held)
      : priced(reported, price, 'exact', Number.POSITIVE_INFINITY)
  }
  // Perhaps the provider counted a prompt, but no answer came: what ran is not known to have been billed.
  if (observed.deliveredChars === 0) return nothing
  const delivered = estimateTokens(observed.deliveredChars)
  const counted = reported !== undefined && inputTotal(reported) > 0
  const input = counted ? reported.input : { ...emptyUsage.input, uncached: estimatedInputTokens }
  const output = {
    visible: Math.max(delivered, reported?.output.visible ?? 0),
    reasoning: reported?.output.reasoning ?? 0,
  }
  const bound = counted && !reported.anomalies ? Number.POSITIVE_INFINITY : held
  return priced({ input, output }, price, 'estimated', bound)
}

/** Numbers that can be true: none had to be corrected, there was a prompt, and text was not made of nothing. */
const isCredible = (usage: Usage, deliveredChars: number): boolean =>
  !usage.anomalies && inputTotal(usage) > 0 && (deliveredChars === 0 || outputTotal(usage) > 0)

const priced = (
  usage: Usage,
  price: FrozenPrice | null,
  quality: 'exact' | 'estimated',
  bound: number,
): Settlement => ({
  release: false,
  usage,
  tokens: inputTotal(usage) + outputTotal(usage),
  amount: price ? Math.min(chargeFor(price, usage), bound) : 0,
  quality,
})
