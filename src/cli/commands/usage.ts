import { setTimeout as wait } from 'node:timers/promises'
import type { Page } from '../../core/kernel/operation.ts'
import type { DayView, RecordView, SummaryView } from '../../core/usage/schemas.ts'
import type { Context } from '../context.ts'
import { listOptions, listVerb } from '../list.ts'
import { count, day, milliseconds } from '../show.ts'
import { safe } from '../text.ts'
import { filterOptions, readFilter, readListFilter, recordColumns, statusOption } from '../usage-filter.ts'
import { call, operationVerb } from '../verb.ts'
import type { Noun, Verb } from '../verb.ts'

const percent = (share: number | null): string | null => (share === null ? null : `${(share * 100).toFixed(1)} %`)

const pollMs = 1000
const pageRows = 200
/** More rows than this in one second are not shown one by one. */
const mostPages = 20
const widths = [19, 26, 18, 18, 6, 8, 8, 14, 8, 0]

const tailLine = (cells: readonly string[]): string =>
  cells
    .map((cell, index) => (recordColumns[index]?.right ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!)))
    .join('  ')

/**
 * Rows of the newest pages that were not there the last time, oldest first, and the ids now there. The newest page is always read whole, so what is in it and was
 * not seen is new, wherever a slow request has put it.
 */
const poll = async (context: Context, input: object, seen: ReadonlySet<string>) => {
  const rows: RecordView[] = []
  let cursor: string | null = null
  for (let pages = 0; pages < mostPages; pages++) {
    const page: Page<RecordView> = await call(context, 'usage.list', {
      ...input,
      limit: pageRows,
      ...(cursor !== null && { cursor }),
    })
    rows.push(...page.data)
    cursor = page.next_cursor
    if (cursor === null || seen.size === 0 || page.data.some(({ id }) => seen.has(id))) break
  }
  return { fresh: rows.filter(({ id }) => !seen.has(id)).toReversed(), ids: new Set(rows.map(({ id }) => id)) }
}

/** Follows the log by asking for the newest rows: works the same over every connection. */
const tail: Verb = {
  usage: 'tail',
  summary: 'Show requests as they are settled, until Ctrl-C',
  options: [...filterOptions.slice(0, 3), statusOption, ['--count <n>', 'stop after so many']],
  examples: [
    ['usage tail', 'the last ten, then what comes'],
    ['usage tail --user ada@example.com --json', 'one JSON object per line'],
  ],
  operations: ['usage.list'],
  async run(context, given) {
    let left = given.integer('count') ?? Infinity
    const input = readListFilter(given)
    const { io, output } = context
    if (!context.json) output.line(output.paint.dim(tailLine(recordColumns.map(({ title }) => title))))
    let seen: ReadonlySet<string> = new Set()
    for (let first = true; ; first = false) {
      const { fresh, ids } = await poll(context, input, seen)
      seen = ids
      for (const row of (first ? fresh.slice(-10) : fresh).slice(0, left)) {
        if (context.json) io.out(`${JSON.stringify(row)}\n`)
        else output.line(tailLine(recordColumns.map((column) => safe(String(column.value(row) ?? '-')))))
        left--
      }
      if (left <= 0) return
      await wait(pollMs)
    }
  },
}

export const usage: Noun = {
  name: 'usage',
  summary: 'what was used and what it cost',
  verbs: [
    operationVerb<SummaryView>({
      usage: 'summary',
      summary: 'Totals of a time, the last 30 days if none is given',
      operation: 'usage.summary',
      options: filterOptions,
      examples: [['usage summary --user ada@example.com --from 7d', 'one user, one week']],
      input: readFilter,
      show: (sum, { output }) =>
        output.fields([
          ['time', `${day(sum.from)} to ${day(sum.to)}`],
          ['requests', `${count(sum.requests)} (${percent(sum.success_rate) ?? '-'} answered)`],
          ['input', `${count(sum.tokens.input)} tokens, ${count(sum.tokens.cache_read)} of them from the cache`],
          ['output', `${count(sum.tokens.output)} tokens, ${count(sum.tokens.reasoning)} of them reasoning`],
          ['cost', `${sum.cost} credits`],
          ['written off', sum.written_off === '0' ? null : `${sum.written_off} credits`],
          ['estimated', sum.estimated > 0 ? `${count(sum.estimated)} requests` : null],
          [
            'duration',
            sum.duration_ms &&
              `${milliseconds(sum.duration_ms.p50)} median, ${milliseconds(sum.duration_ms.p95)} for 95 %`,
          ],
        ]),
    }),
    operationVerb<Page<DayView>>({
      usage: 'daily',
      summary: 'Totals per day in UTC',
      operation: 'usage.daily',
      options: filterOptions,
      examples: [['usage daily --from 14d', 'two weeks']],
      input: readFilter,
      show: ({ data }, { output }) =>
        output.table<DayView>(
          [
            { title: 'DAY', value: (row) => row.date },
            { title: 'REQUESTS', value: (row) => count(row.requests), right: true },
            { title: 'ANSWERED', value: (row) => percent(row.success_rate), right: true },
            { title: 'IN', value: (row) => count(row.tokens.input), right: true },
            { title: 'OUT', value: (row) => count(row.tokens.output), right: true },
            { title: 'COST', value: (row) => row.cost, right: true },
          ],
          data,
          'No days.',
        ),
    }),
    listVerb<RecordView>({
      usage: 'list',
      summary: 'Requests with tokens and cost, the newest first',
      operation: 'usage.list',
      options: [...filterOptions, statusOption, ...listOptions],
      examples: [['usage list --model fast --from 24h', 'one model, one day']],
      input: readListFilter,
      columns: recordColumns,
      empty: 'No requests.',
    }),
    tail,
  ],
}
