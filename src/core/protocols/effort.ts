import type { Effort } from './neutral/index.ts'

/** The effort that a budget of thinking, in tokens, is nearest to, by the steps of the protocols reference, part 13.6. */
export const effortOf = (budget: number): Effort => {
  if (budget === 0) return 'none'
  if (budget <= 1024) return 'minimal'
  if (budget <= 4096) return 'low'
  if (budget <= 12_288) return 'medium'
  if (budget <= 20_480) return 'high'
  return budget <= 28_672 ? 'xhigh' : 'max'
}
