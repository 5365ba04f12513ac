/** One generated page of the reference. */
export interface Page {
  /** Below docs/. */
  readonly file: string
  render(): Promise<string>
}

/** A cell of a Markdown table: one line, no bar that would end it. */
export const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll(/\s*\n\s*/g, ' ')

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(cell))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')

export const code = (text: string): string => `\`${text}\``
