import type { TokenView } from '../../core/identity/schemas.ts'
import { given as only } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { day } from '../show.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

type CreatedToken = TokenView & { readonly secret: string | null }

export const tokens: Noun = {
  name: 'tokens',
  summary: 'admin tokens: administration over HTTP, for people and programs',
  verbs: [
    operationVerb<CreatedToken>({
      usage: 'create <name>',
      summary: 'Create an admin token and show it once',
      operation: 'tokens.create',
      options: [
        ['--role <role>', 'admin (default) or operator'],
        ['--expires <time>', '30d, 2027-01-31 or a full time (default: never)'],
      ],
      examples: [
        ['tokens create deploy --role operator --expires 90d', 'may look, but not touch money, roles or secrets'],
      ],
      input: (given, context) => ({
        name: given.arg('name'),
        role: given.choice('role', ['admin', 'operator']) ?? 'admin',
        ...only({ expires_at: given.moment('expires', context.now()) }),
      }),
      show(token, context) {
        const { output } = context
        output.fields([
          ['id', token.id],
          ['name', token.name],
          ['role', token.role],
          ['expires', token.expires_at ?? 'never'],
        ])
        output.line(`\n  ${output.paint.bold(token.secret ?? 'The token was shown when it was made.')}`)
        context.note('\nThis is the only time the token is shown. Use it with "gateway login URL" or GATEWAY_TOKEN.')
      },
    }),
    listVerb<TokenView>({
      usage: 'list',
      summary: 'List admin tokens, the newest first',
      operation: 'tokens.list',
      options: listOptions,
      examples: [['tokens list', 'without their secrets']],
      input: () => ({}),
      columns: [
        { title: 'NAME', value: (row) => row.name },
        { title: 'ROLE', value: (row) => row.role },
        { title: 'STATUS', value: (row) => row.status },
        { title: 'EXPIRES', value: (row) => (row.expires_at === null ? 'never' : day(row.expires_at)) },
        { title: 'CREATED', value: (row) => day(row.created_at) },
        { title: 'ID', value: (row) => row.id },
      ],
      empty: 'No tokens. Create one: gateway tokens create deploy',
    }),
    operationVerb<TokenView>({
      usage: 'revoke <token>',
      summary: 'Revoke an admin token at once',
      operation: 'tokens.revoke',
      examples: [['tokens revoke deploy --yes', 'by name or id']],
      confirm: (given) => `Revoke the token ${given.arg('token')}?`,
      input: (given) => ({ token: given.arg('token') }),
      show: (token, { output }) => output.line(`${token.name} (${token.id}) is revoked.`),
    }),
  ],
}
