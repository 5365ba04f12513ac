import type { ExplainView } from '../core/usage/schemas.ts'
import type { Output } from './output.ts'
import { milliseconds } from './show.ts'

/** What was tried, in order, where more than one attempt was made or the only one failed. */
export const showAttempts = async (attempts: ExplainView['attempts'], output: Output): Promise<void> => {
  const rows = attempts.map(read)
  if (rows.length < 2 && rows.every(({ reason }) => reason === null)) return
  output.line(`\n${output.paint.bold('Attempts')}`)
  await output.sheet<Row>(
    [
      { title: 'TARGET', value: (row) => `${row.provider ?? '?'}/${row.model ?? '?'}` },
      { title: 'PROVIDER KEY', value: (row) => row.key },
      { title: 'STATUS', value: (row) => row.status },
      { title: 'ERROR', value: (row) => row.error },
      { title: 'REASON', value: (row) => row.reason },
      { title: 'TIME', value: (row) => (row.ms === null ? null : milliseconds(row.ms)), right: true },
    ],
    rows,
    '',
  )
}

interface Row {
  readonly provider: string | null
  readonly model: string | null
  readonly key: string | null
  readonly status: number | null
  readonly error: string | null
  readonly reason: string | null
  readonly ms: number | null
}

/** Rows of older requests have fewer fields. */
const read = (attempt: ExplainView['attempts'][number]): Row => {
  const fields = typeof attempt === 'object' && attempt !== null && !Array.isArray(attempt) ? attempt : {}
  const text = (name: string): string | null => {
    const value = fields[name]
    return typeof value === 'string' ? value : null
  }
  const number = (name: string): number | null => {
    const value = fields[name]
    return typeof value === 'number' ? value : null
  }
  return {
    provider: text('provider'),
    model: text('model'),
    key: text('key'),
    status: number('status'),
    error: text('error'),
    reason: text('reason'),
    ms: number('ms'),
  }
}
