import { GatewayError } from '../kernel/errors.ts'
import { exactCost, type Nanos } from '../kernel/money.ts'
import type { FrozenPrice } from '../ledger/commands.ts'

/** Tokens counted for an input that the body only points to (an image or document by URL). */
export const remotePartTokens = 2000

/**
 * Tokens that a provider writes around the definitions of tools, in no body. Of 178 recorded exchanges with a body and reported usage, 13 without server-side tools count
 * more input tokens than bytes, by fewer than this.
 */
export const toolOverheadTokens = 512

/**
 * Tokens of prompt held for a request whose tools the provider runs (web search, fetch, code execution, MCP), when the model's context window is not known: what
 * such tools return is prompt that is in no body, as much as the window takes. 200 000 is the usual window of the models that have such tools.
 */
export const hostedToolsPromptTokens = 200_000

/** Tokens of a text by its length, where no provider counted them: four characters a token, rounded up. Used for records and estimated charges, never for holds. */
export const estimateTokens = (chars: number): number => Math.ceil(Math.max(0, chars) / 4)

export interface HoldInput {
  /** Null for a free model: every bound is then 0. */
  readonly price: FrozenPrice | null
  readonly bodyBytes: number
  readonly remoteParts: number
  /** The body defines tools. */
  readonly hasTools: boolean
  /** The provider runs tools for it: their results become prompt that the body does not show. */
  readonly hostedTools: boolean
  /** Tokens; null when unknown. */
  readonly contextWindow: number | null
  /** The model's largest output in tokens; null when unknown. */
  readonly maxOutputTokens: number | null
  /** The client's own limit on output, caps applied. */
  readonly clientMaxTokens: number | undefined
  /** Answers asked for; each may be as long as the limit. */
  readonly choices: number
  /** Output assumed when neither client nor model sets a limit. */
  readonly defaultReserveTokens: number
}

export interface HoldBounds {
  /**
   * Tokens of prompt the hold pays for: a token is at least one byte, and no prompt is longer than the window; what the body only points to is counted apart, and so
   * are the provider's own words around tools. With tools that the provider runs it is the whole window, or `hostedToolsPromptTokens` when that is not known; a provider
   * that counts the prompt anew for each round of them can still charge beyond the hold.
   */
  readonly promptTokens: number
  /** Limit on output of each choice, and who set it. */
  readonly outputTokens: number
  readonly outputLimit: 'client' | 'model' | 'reserve'
  readonly choices: number
  /** The least that must be held: the prompt and one token of each choice, or all of it when the client fixed the length itself. Nano-credits. */
  readonly min: Nanos
  /** The most that this request can cost within its limits. Nano-credits. */
  readonly max: Nanos
  /** Worst cost of the prompt and this many output tokens of each choice. */
  costFor(outputTokens: number): Nanos
  /** The longest output of each choice that `held` nano-credits pay for whatever the prompt turns out to be, at most `outputTokens`. 0 when nothing is left. */
  affordable(held: Nanos): number
}

/**
 * The bounds of a hold, at the dearest price that a token of the prompt (fresh, cached, written to a cache) and of the output (visible, reasoning) can have.
 * Throws `invalid_request` when the request asks for more than any account can pay.
 */
export const holdBounds = (input: HoldInput): HoldBounds => {
  const { price, choices } = input
  const shownTokens =
    Math.min(input.bodyBytes, input.contextWindow ?? Number.POSITIVE_INFINITY) +
    input.remoteParts * remotePartTokens +
    (input.hasTools ? toolOverheadTokens : 0)
  const promptTokens = input.hostedTools
    ? Math.max(shownTokens, input.contextWindow ?? hostedToolsPromptTokens)
    : shownTokens
  const { outputTokens, outputLimit } = outputBound(input)
  const promptPrice = price ? Math.max(price.input, price.cachedInput, price.cacheWrite5m, price.cacheWrite1h) : 0
  const outputPrice = price ? Math.max(price.output, price.reasoning) : 0
  const requestPrice = price?.request ?? 0

  const costFor = (tokens: number): Nanos => {
    const output = tokens * choices
    if (!Number.isSafeInteger(output) || !Number.isSafeInteger(promptTokens)) {
      throw new GatewayError('invalid_request', 'This request asks for more output than can be counted.', {
        param: 'max_tokens',
      })
    }
    return exactCost([
      { quantity: promptTokens, price: promptPrice, per: 1e6 },
      { quantity: output, price: outputPrice, per: 1e6 },
      { quantity: 1, price: requestPrice, per: 1 },
    ])
  }

  const max = costFor(outputTokens)
  return {
    promptTokens,
    outputTokens,
    outputLimit,
    choices,
    min: outputLimit === 'client' ? max : costFor(Math.min(1, outputTokens)),
    max,
    costFor,
    affordable(held) {
      if (held >= max) return outputTokens
      // held < max, so that the output has a price or the prompt alone is too dear; exact because a sum that is at most a whole number stays so when rounded up.
      const left = (BigInt(held) - BigInt(requestPrice)) * 1_000_000n - BigInt(promptTokens) * BigInt(promptPrice)
      const each = BigInt(outputPrice) * BigInt(choices)
      return left <= 0n || each === 0n ? 0 : Math.min(outputTokens, Number(left / each))
    },
  }
}

const outputBound = (
  input: HoldInput,
): { readonly outputTokens: number; readonly outputLimit: HoldBounds['outputLimit'] } => {
  const model = input.maxOutputTokens
  if (input.clientMaxTokens !== undefined) {
    // A limit above what the model can give is the model's own; it is still the client's wish that it be paid in full.
    return { outputTokens: Math.min(input.clientMaxTokens, model ?? Number.POSITIVE_INFINITY), outputLimit: 'client' }
  }
  return model !== null && model <= input.defaultReserveTokens
    ? { outputTokens: model, outputLimit: 'model' }
    : { outputTokens: input.defaultReserveTokens, outputLimit: 'reserve' }
}
