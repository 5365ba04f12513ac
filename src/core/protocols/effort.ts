import type { Effort } from './neutral/index.ts'

/** OpenAI's models that do not reason: they refuse every word about it. */
export const neverReasons = /^(?:gpt-3|gpt-4|chatgpt-4o)/

/** The least effort that OpenAI's models take, by their names, the first that fits; none where a model takes no such word. */
const leastEfforts: readonly (readonly [model: RegExp, effort?: Effort])[] = [
  [/^gpt-5.*-(?:pro|chat)|^o1-(?:mini|preview)/],
  [/^gpt-5.*-codex|^o\d/, 'low'],
  [/^gpt-5\.\d|^gpt-[6-9]/, 'none'],
  [/^gpt-5/, 'minimal'],
]

/** How an OpenAI model, or one of a reseller's, is told to reason as little as it can. Undefined where nothing may be told: servers of other models may refuse the field. */
export const leastEffort = (model: string, searches = false): Effort | undefined => {
  const name = model.toLowerCase().replace(/^.*\//, '')
  const least = leastEfforts.find(([pattern]) => pattern.test(name))?.[1]
  // Nobody searches the web with the least effort.
  return least === 'minimal' && searches ? 'low' : least
}

/** The effort that a budget of thinking, in tokens, is nearest to, by the steps of the protocols reference, part 13.6. */
export const effortOf = (budget: number): Effort => {
  if (budget === 0) return 'none'
  if (budget <= 1024) return 'minimal'
  if (budget <= 4096) return 'low'
  if (budget <= 12_288) return 'medium'
  if (budget <= 20_480) return 'high'
  return budget <= 28_672 ? 'xhigh' : 'max'
}

const budgets: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 24_576,
  max: 32_000,
}

/** The budget of thinking, in tokens, for models that know no efforts, by the same steps. */
export const budgetOf = (effort: Effort): number => budgets[effort]
