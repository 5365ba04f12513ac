import type { Page } from '../core/kernel/operation.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import type { Context } from './context.ts'
import type { Given } from './given.ts'
import type { Column } from './output.ts'
import { safe } from './text.ts'
import { call } from './verb.ts'
import type { Verb } from './verb.ts'

/** Options of a list with one order. */
export const pageOptions = [
  ['--limit <n>', 'most rows to show (default 50)'],
  ['--cursor <cursor>', 'go on after an earlier page'],
  ['--all', 'every row'],
] as const

/** Options of every other list. */
export const listOptions = [['--sort <field>', 'order by it; -<field> for the largest first'], ...pageOptions] as const

const largestPage = 500

/** What to say when there are no rows: that there is nothing at all, or that nothing is as it was asked for. */
const emptyText = (options: Verb['options'], given: Given, none: string): string => {
  const general = new Set<string>(listOptions.map(([flags]) => flags))
  const narrowing = (options ?? [])
    .filter(([flags]) => !general.has(flags))
    .map(([flags]) => /^--([a-z-]+)/.exec(flags)?.[1] ?? '')
    .filter((name) => given.has(name))
  if (given.has('cursor')) return 'There is nothing after this cursor.'
  if (narrowing.length === 0) return none
  const wanted = narrowing.map((name) => [`--${name}`, ...(given.flag(name) ? [] : given.each(name))].join(' '))
  return `Nothing matches ${wanted.map(safe).join(' and ')}.`
}

export interface ListVerb<Row> extends Omit<Verb, 'run' | 'operations'> {
  readonly operation: string
  input(given: Given): object
  readonly columns: readonly Column<Row>[]
  /** Said when there are no rows although none were left out. */
  readonly empty: string
}

/** A verb that shows pages of things. With `--all` and `--json` rows are written as they come, so that memory stays bounded. */
export const listVerb = <Row>(verb: ListVerb<Row>): Verb => ({
  ...verb,
  operations: [verb.operation],
  async run(context, given) {
    const sort = given.text('sort')
    const input = { ...verb.input(given), ...(sort !== undefined && { sort }) }
    if (given.flag('all')) {
      if (given.has('limit')) throw new GatewayError('usage_error', '--all and --limit exclude each other.')
      return everything(verb, context, input, given)
    }
    const wanted = given.integer('limit') ?? 50
    const rows: Row[] = []
    let cursor = given.text('cursor') ?? null
    do {
      const page = await call<Page<Row>>(context, verb.operation, {
        ...input,
        limit: Math.min(largestPage, wanted - rows.length),
        ...(cursor !== null && { cursor }),
      })
      rows.push(...page.data)
      cursor = page.next_cursor
    } while (cursor !== null && rows.length < wanted)
    await context.result({ data: rows, next_cursor: cursor }, () =>
      context.output.table(verb.columns, rows, emptyText(verb.options, given, verb.empty)),
    )
    if (cursor !== null) context.note(`\nThere are more: add --cursor ${cursor} or --all.`)
  },
})

const everything = async <Row>(verb: ListVerb<Row>, context: Context, input: object, given: Given): Promise<void> => {
  let cursor = given.text('cursor') ?? null
  let written = 0
  let pages = 0
  do {
    const page = await call<Page<Row>>(context, verb.operation, {
      ...input,
      limit: largestPage,
      ...(cursor !== null && { cursor }),
    })
    if (context.json) {
      if (pages++ === 0) context.io.out('{"data":[')
      for (const row of page.data) context.io.out(`${written++ > 0 ? ',' : ''}${JSON.stringify(row)}`)
    } else if (page.data.length > 0 || written === 0) {
      await context.output.table(verb.columns, page.data, emptyText(verb.options, given, verb.empty))
      written += page.data.length
    }
    cursor = page.next_cursor
  } while (cursor !== null)
  if (context.json) context.io.out('],"next_cursor":null}\n')
}
