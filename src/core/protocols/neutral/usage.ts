/**
 * Tokens of one exchange in disjoint buckets: the sum of all input buckets is the whole input, the sum of both output buckets the whole output. Nothing is
 * counted twice whichever provider reported it (design: protocols reference, part 11).
 */
export interface Usage {
  readonly input: {
    readonly uncached: number
    readonly cacheRead: number
    readonly cacheWrite5m: number
    readonly cacheWrite1h: number
  }
  readonly output: {
    readonly visible: number
    /** Hidden or shown reasoning, part of the output. */
    readonly reasoning: number
  }
  /** Parts of the buckets above, for prices that differ by modality; zero when unknown. */
  readonly detail?: {
    readonly audioIn?: number
    readonly audioOut?: number
    readonly imageIn?: number
    /** Prompt that tools of the provider added (Gemini's `toolUsePromptTokenCount`), part of `uncached`. */
    readonly toolPrompt?: number
  }
  /** What the provider ran beside the main model inside this exchange, billed too. */
  readonly extra?: readonly {
    readonly model: string
    readonly kind: string
    readonly input: number
    readonly output: number
  }[]
  /** Numbers the provider sent that could not be true and were clamped. */
  readonly anomalies?: number
}

export const emptyUsage: Usage = {
  input: { uncached: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: 0, reasoning: 0 },
}

export const inputTotal = (usage: Usage): number =>
  usage.input.uncached + usage.input.cacheRead + usage.input.cacheWrite5m + usage.input.cacheWrite1h

export const outputTotal = (usage: Usage): number => usage.output.visible + usage.output.reasoning
