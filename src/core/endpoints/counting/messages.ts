/** What the serving thread and the tokenizer's thread say to each other. */
export interface CountTask {
  readonly id: number
  readonly texts: readonly string[]
}

export interface CountReply {
  readonly id: number
  readonly tokens: number
}
