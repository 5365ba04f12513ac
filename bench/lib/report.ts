import { quartiles } from './stats.ts'

/** One line of the list of goals. */
export interface Row {
  readonly what: string
  readonly target: string
  readonly measured: string
  /** Null when it could not be measured in this run. */
  readonly pass: boolean | null
}

export interface Table {
  readonly title: string
  readonly head: readonly string[]
  readonly lines: readonly (readonly string[])[]
}

export interface Findings {
  readonly rows: readonly Row[]
  readonly tables: readonly Table[]
}

export const number = (value: number, digits = 2): string =>
  Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: 0 })
    : '–'

/** `median (quartile 1 – quartile 3)`. */
export const spread = (values: readonly number[], digits = 2, unit = ''): string => {
  const { q1, median, q3 } = quartiles(values)
  return `${number(median, digits)}${unit} (${number(q1, digits)} – ${number(q3, digits)})`
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

export const markdownTable = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
  [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n')

const verdict = (pass: boolean | null): string => (pass === null ? 'not measured' : pass ? 'pass' : 'FAIL')

export const renderFindings = ({ rows, tables }: Findings): string =>
  [
    markdownTable(
      ['goal', 'target', 'measured: median (quartiles)', ''],
      rows.map((row) => [row.what, row.target, row.measured, verdict(row.pass)]),
    ),
    ...tables.map((table) => `### ${table.title}\n\n${markdownTable(table.head, table.lines)}`),
  ].join('\n\n')
