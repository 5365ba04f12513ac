/** Models of which it is known that they cache prompts at cache points; others refuse them. Names may be those of inference profiles (`us.…`) or ARNs that hold them. */
export const cachesPrompts = (model: string): boolean => /anthropic\.claude|amazon\.nova|inference-profile/.test(model)

/** How a model is told to reason: in fields of its vendor (`additionalModelRequestFields`). Undefined for models without such a switch. */
export type ReasoningDialect = 'claude' | 'nova' | 'effort'

export const reasoningDialectOf = (model: string): ReasoningDialect | undefined => {
  if (/anthropic\.claude/.test(model)) return 'claude'
  if (/amazon\.nova-2/.test(model)) return 'nova'
  if (/openai\.gpt-oss/.test(model)) return 'effort'
  return undefined
}
