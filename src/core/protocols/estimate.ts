import type { Block, Usage } from './neutral/index.ts'

const charsPerToken = 4

export const estimateTokens = (chars: number): number => Math.ceil(chars / charsPerToken)

/** What an answer is said to have used when the provider told nothing, as it is charged: the local estimate of the prompt, and what was delivered, counted roughly. */
export const estimateUsage = (inputTokens: number, deliveredChars: number): Usage => ({
  input: { uncached: inputTokens, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 },
  output: { visible: estimateTokens(deliveredChars), reasoning: 0 },
})

export const textLength = (block: Block): number =>
  'text' in block ? block.text.length : block.kind === 'tool-call' ? block.arguments.length : 0
