/** Where servers that speak Chat Completions differ in what they accept. Absent: as OpenAI has it. */
export interface ChatDialect {
  /** The field for the limit on output; servers older than OpenAI's reasoning models know only `max_tokens`. */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens'
  /** The field in which earlier reasoning is expected back. Absent: it is not sent. */
  readonly reasoningField?: 'reasoning_content' | 'reasoning'
  /** Ids of calls must be exactly nine letters and digits (Mistral). */
  readonly nineCharCallIds?: boolean
}
