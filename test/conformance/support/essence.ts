import type { Block, FinishReason, NeutralResponse, Usage } from '../../../src/core/protocols/neutral/index.ts'
import { inputTotal, outputTotal } from '../../../src/core/protocols/neutral/index.ts'

/** Reasons that one of the protocols cannot tell apart. */
const sameEnd: Readonly<Partial<Record<FinishReason, FinishReason>>> = {
  'stop-sequence': 'stop',
  'content-filter': 'refusal',
  'context-exceeded': 'length',
}

/** Arguments as a value; a call that the limit on output cut off keeps its text. */
const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text === '' ? '{}' : text)
  } catch {
    return text
  }
}

/** Pages that a text cites, each once. Where in the text it does so is told by every protocol in its own way. */
export const citedPages = (blocks: readonly Block[]): string[] => {
  const citations = blocks.flatMap((block) => (block.kind === 'text' ? (block.citations ?? []) : []))
  const urls = citations.map((citation) => {
    const nested = citation['url_citation']
    return typeof nested === 'object' && nested !== null && 'url' in nested ? nested['url'] : citation['url']
  })
  return [...new Set(urls.filter((url) => typeof url === 'string'))].toSorted()
}

/** What has to arrive whichever protocols lie between: words, calls, and how it ended. Blocks of text may be joined, marks of a vendor may stay behind. */
export const essence = ({ choices }: NeutralResponse) =>
  choices.map(({ blocks, finish }) => {
    const words = (...kinds: readonly string[]): string =>
      blocks.map((block) => (kinds.includes(block.kind) && 'text' in block ? block.text : '')).join('')
    return {
      // A refusal is told in text where a protocol has no other place for it.
      text: words('text', 'refusal'),
      thinking: words('thinking'),
      calls: blocks
        .filter((block) => block.kind === 'tool-call')
        .map((call) => ({ name: call.name, arguments: call.custom ? call.arguments : valueOf(call.arguments) })),
      ended: sameEnd[finish.reason] ?? finish.reason,
      cited: citedPages(blocks),
    }
  })

/** The buckets that a bill is made of and every protocol can tell. */
export const buckets = (usage: Usage | undefined) =>
  usage && {
    input: inputTotal(usage),
    cacheRead: usage.input.cacheRead,
    cacheWrite: usage.input.cacheWrite5m + usage.input.cacheWrite1h,
    output: outputTotal(usage),
    reasoning: usage.output.reasoning,
  }

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 300 ? `${text.slice(0, 140)} … ${text.slice(-140)}` : text
}

/** In words, what of `before` did not arrive; empty when all of it did. */
export const lost = (before: NeutralResponse, after: NeutralResponse): string[] => {
  const problems: string[] = []
  const [sent, arrived] = [essence(before), essence(after)]
  if (sent.length !== arrived.length) problems.push(`${sent.length} choices became ${arrived.length}`)
  for (const [at, one] of sent.entries()) {
    const other = arrived[at]
    if (!other) continue
    for (const part of ['text', 'thinking', 'calls', 'ended', 'cited'] as const) {
      if (same(one[part], other[part])) continue
      problems.push(`${part} of choice ${at}: ${short(one[part])} became ${short(other[part])}`)
    }
  }
  const [cost, told] = [buckets(before.usage), buckets(after.usage)]
  if (cost && !same(cost, told)) problems.push(`usage: ${short(cost)} became ${short(told)}`)
  return problems
}

/** Equal as JSON, whatever the order of keys. */
const same = (left: unknown, right: unknown): boolean => JSON.stringify(sorted(left)) === JSON.stringify(sorted(right))

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
