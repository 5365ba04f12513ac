import type { StatusView } from '../../core/system/schemas.ts'
import { bytes, count, moment } from '../show.ts'
import { operationVerb } from '../verb.ts'

const uptime = (seconds: number): string => {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
  ] as const
  return (
    parts
      .filter(([value]) => value > 0)
      .map(([value, unit]) => `${value} ${unit}`)
      .join(' ') || `${Math.floor(seconds)} s`
  )
}

/** Worth a line only when rows may be missing. */
export const requestLog = ({ created_at: made, request_log: log }: StatusView['database']): string | null =>
  log.replaced
    ? `begun anew ${moment(log.since)} UTC, the database is of ${moment(made)} UTC: older requests are as the ledger knows them, or missing`
    : null

export const status = operationVerb<StatusView>({
  usage: 'status',
  summary: 'What runs here, since when, with how much in it',
  operation: 'status',
  examples: [
    ['status', 'of the daemon, or of the database when none runs'],
    ['status --no-direct', 'exit code 69 when no daemon answers'],
  ],
  input: () => ({}),
  show: (result, { output }) =>
    output.fields([
      [
        'daemon',
        result.mode === 'daemon'
          ? `running at ${result.url ?? '?'} (pid ${result.pid}) for ${uptime(result.uptime_seconds)}`
          : 'not running',
      ],
      ['version', result.version],
      ['data', result.data_dir],
      [
        'database',
        `${result.database.engine} ${result.database.engine_version}, schema ${result.database.schema_version}, ${bytes(result.database.size_bytes)}`,
      ],
      ['request log', requestLog(result.database)],
      ['users', count(result.users)],
      ['active keys', count(result.keys)],
      ['providers', count(result.providers)],
      ['models', count(result.models)],
      ['open holds', count(result.holds_open)],
    ]),
})
