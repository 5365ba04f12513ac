import type { DatabaseCheckView, DatabaseStatusView, MigrateView } from '../../core/system/schemas.ts'
import { bytes, count, milliseconds } from '../show.ts'
import { operationVerb } from '../verb.ts'
import { requestLog } from './status.ts'
import type { Noun } from '../verb.ts'

export const db: Noun = {
  name: 'db',
  summary: 'the database',
  verbs: [
    operationVerb<DatabaseStatusView>({
      usage: 'status',
      summary: 'Version, size and rows of the database',
      operation: 'db.status',
      examples: [['db status', 'what is in there']],
      input: () => ({}),
      async show(status, { output }) {
        output.fields([
          ['engine', `${status.engine} ${status.engine_version}`],
          ['path', status.path],
          ['schema', status.schema_version],
          ['size', bytes(status.size_bytes)],
          ['request log', requestLog(status)],
        ])
        output.line()
        await output.table<DatabaseStatusView['tables'][number]>(
          [
            { title: 'TABLE', value: (row) => row.name },
            { title: 'ROWS', value: (row) => count(row.rows), right: true },
          ],
          status.tables,
          'No tables.',
        )
      },
    }),
    operationVerb<MigrateView>({
      usage: 'migrate',
      summary: 'Bring the database to the schema of this version, after a backup',
      operation: 'db.migrate',
      details:
        'Opening a database migrates it: without a daemon this command does so, and a running daemon has done so at its start and only reports.',
      examples: [['db migrate', 'also happens at every start']],
      input: () => ({}),
      show: (result, { output }) => {
        output.line(`The database has schema ${result.schema_version}.`)
        for (const name of result.applied) output.line(`applied ${name}`)
      },
    }),
    operationVerb<DatabaseCheckView>({
      usage: 'check',
      summary: 'Check the structure of the database files; exit code 1 if something is wrong',
      operation: 'db.check',
      examples: [['db check', 'structure of the files; "credits verify" checks the money']],
      input: () => ({}),
      show: (result, { output }) => {
        output.line(
          `${result.ok ? output.paint.good('ok') : output.paint.bad('WRONG')}  checked in ${milliseconds(result.duration_ms)}`,
        )
        for (const problem of result.problems) output.fields([['problem', problem]])
      },
      exit: (result) => (result.ok ? 0 : 1),
    }),
  ],
}
