import type { RecordView } from '../core/usage/schemas.ts'
import { given as only } from './given.ts'
import type { Given } from './given.ts'
import type { Column } from './output.ts'
import { count, milliseconds, moment } from './show.ts'

/** Options that choose requests, on every report. */
export const filterOptions = [
  ['--user <user>', 'only this user'],
  ['--key <key>', 'only this API key'],
  ['--model <model>', 'only this shadow model'],
  ['--from <time>', 'from then on: 24h, 7d, 2027-01-31'],
  ['--to <time>', 'before then'],
] as const

export const statusOption = ['--status <status>', 'ok, error or an HTTP status'] as const

export const readFilter = (given: Given): object =>
  only({
    user: given.text('user'),
    key: given.text('key'),
    model: given.text('model'),
    from: given.text('from'),
    to: given.text('to'),
  })

export const readListFilter = (given: Given): object => ({
  ...readFilter(given),
  ...only({ status: given.text('status') }),
})

/** The columns of a list of requests. */
export const recordColumns: readonly Column<RecordView>[] = [
  { title: 'TIME (UTC)', value: (row) => moment(row.at) },
  { title: 'USER', value: (row) => row.user.email ?? row.user.id },
  { title: 'KEY', value: (row) => row.key.name ?? row.key.id },
  { title: 'MODEL', value: (row) => row.model },
  { title: 'STATUS', value: (row) => (row.error_code ? `${row.status} ${row.error_code}` : row.status) },
  { title: 'IN', value: (row) => count(row.tokens.input), right: true },
  { title: 'OUT', value: (row) => count(row.tokens.output), right: true },
  { title: 'COST', value: (row) => `${row.cost}${row.usage_quality === 'estimated' ? '~' : ''}`, right: true },
  { title: 'TIME', value: (row) => milliseconds(row.duration_ms), right: true },
  { title: 'ID', value: (row) => row.id },
]
