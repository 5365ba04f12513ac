import type { AuditView } from '../../core/audit/schemas.ts'
import { given as only } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { moment } from '../show.ts'
import type { Noun } from '../verb.ts'

export const audit: Noun = {
  name: 'audit',
  summary: 'who changed what, and when',
  verbs: [
    listVerb<AuditView>({
      usage: 'list',
      summary: 'List administrative acts, the newest first',
      operation: 'audit.list',
      options: [
        ['--actor <id>', 'only acts of this user, token or local account'],
        ['--action <name>', 'only this act, such as key.revoked'],
        ['--target <id>', 'only acts on this thing'],
        ...listOptions,
      ],
      examples: [['audit list --action credits.granted', 'who gave credits to whom']],
      input: (given) =>
        only({ actor: given.text('actor'), action: given.text('action'), target: given.text('target') }),
      columns: [
        { title: 'TIME (UTC)', value: (row) => moment(row.at) },
        { title: 'ACTOR', value: (row) => row.actor },
        { title: 'ACTION', value: (row) => row.action },
        { title: 'TARGET', value: (row) => row.target },
        {
          title: 'DETAILS',
          value: (row) => (Object.keys(row.details).length > 0 ? JSON.stringify(row.details) : null),
        },
      ],
      empty: 'Nothing was changed yet.',
    }),
  ],
}
