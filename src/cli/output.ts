import type { Io } from './io.ts'
import { paint, safe } from './text.ts'
import type { Paint } from './text.ts'

export type Cell = string | number | boolean | null | undefined

export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => Cell
  readonly right?: boolean
}

/** Writes results for people. With `--json` commands never get here: the operation's output is the output. */
export interface Output {
  readonly paint: Paint
  line(text?: string): void
  /** Aligned on a terminal, tab-separated with a header elsewhere. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string): Promise<void>
  /** A table inside a text for people, aligned wherever it goes. */
  sheet<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string): Promise<void>
  /** Labels and values, one per line; null values are left out. */
  fields(pairs: readonly (readonly [string, Cell])[]): void
}

export const createOutput = (io: Io): Output => {
  const style = paint(io.colour)
  const line = (text = ''): void => io.out(`${text}\n`)
  const write = async <Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string, align: boolean) => {
    if (rows.length === 0) return line(style.dim(empty))
    const cells = rows.map((row) => columns.map((column) => shown(column.value(row))))
    const titles = columns.map((column) => column.title)
    if (align) return line(await aligned(columns, titles.map(style.dim), cells))
    for (const row of [titles, ...cells]) line(row.join('\t'))
  }
  return {
    paint: style,
    line,
    table: (columns, rows, empty) => write(columns, rows, empty, io.outIsTerminal),
    sheet: (columns, rows, empty) => write(columns, rows, empty, true),
    fields(pairs) {
      const kept = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
      const width = Math.max(...kept.map(([label]) => label.length))
      for (const [label, value] of kept) line(`${style.dim(`${label}:`.padEnd(width + 1))} ${shown(value)}`)
    },
  }
}

const shown = (value: Cell): string => {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  return safe(String(value))
}

/** A table without lines, as in `kubectl` and `docker`: easy on the eye and easy to copy from. */
const aligned = async (
  columns: readonly { readonly right?: boolean }[],
  head: string[],
  rows: string[][],
): Promise<string> => {
  const { default: Table } = await import('cli-table3')
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((part) => [part, '']),
  )
  const table = new Table({
    head,
    chars: { ...none, middle: '  ' },
    colAligns: columns.map(({ right }) => (right ? 'right' : 'left')),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows)
  return table.toString().replaceAll(/ +$/gm, '')
}
