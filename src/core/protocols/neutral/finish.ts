/** Why the model stopped, in our words; `raw` keeps the provider's own. */
export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool-calls'
  | 'stop-sequence'
  | 'content-filter'
  | 'refusal'
  | 'context-exceeded'
  | 'pause'
  | 'malformed-tool-call'
  | 'other'

export interface Finish {
  readonly reason: FinishReason
  readonly raw: string | null
  /** The stop sequence that matched, where the provider tells. */
  readonly stopSequence?: string
  /** Explanation of a refusal, where the provider gives one. */
  readonly explanation?: string
}
