/** Where servers that speak Chat Completions differ in what they accept and answer, as their quirks (quirks.ts) say. Absent: as OpenAI has it. */
export interface ChatDialect {
  /** The field for a limit on output that we set. */
  readonly maxTokensField?: 'max_tokens'
  /** The client's own limit is renamed too. */
  readonly renamesLimit?: boolean
  /** The field in which earlier reasoning is expected back. Absent: it is not sent. */
  readonly reasoningField?: 'reasoning_content' | 'reasoning'
  /** Messages with calls must have that field, empty when there is no reasoning (DeepSeek answers 400 otherwise). */
  readonly reasoningWithCalls?: boolean
  /** Ids of calls must be exactly nine letters and digits (Mistral). */
  readonly nineCharCallIds?: boolean
  readonly noStreamOptions?: boolean
  readonly toolChoiceAny?: boolean
  readonly systemNotDeveloper?: boolean
  /** Answers end with an empty or unknown reason: they just end. Elsewhere one without a reason was cut. */
  readonly endsUnnamed?: boolean
  /** Answers hold reasoning in their text (think-tags.ts). */
  readonly thinkTags?: boolean
}
