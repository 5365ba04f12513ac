/**
 * How a Claude model is brought to think: `adaptive` with an effort from 4.6 on, before that a budget of tokens, and before 3.7 not at all. Any other name is taken for
 * that of a newer model (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, .../extended-thinking).
 */
export type Thinks = 'adaptive' | 'budget' | 'never'

/** `claude-opus-4-1-20250805`, `claude-sonnet-4.5`, `anthropic.claude-haiku-4-5@20251001`; the digits of a date are no version. */
const named = /claude-(?:opus|sonnet|haiku)-(\d+)(?:[-.](\d)(?!\d))?/i
/** `claude-3-7-sonnet-latest`, `claude-2.1`. */
const numbered = /claude-(?:instant|([1-3])(?:[-.](\d)(?!\d))?)/i

export const howItThinks = (model: string): Thinks => {
  const old = numbered.exec(model)
  if (old) return old[1] === '3' && old[2] === '7' ? 'budget' : 'never'
  const [, major, minor = '0'] = named.exec(model) ?? []
  if (major === undefined) return 'adaptive'
  return Number(major) < 4 || (major === '4' && Number(minor) < 6) ? 'budget' : 'adaptive'
}
