import type { ClearedView, CooldownsView, ProviderKeyView, ProviderTestView } from '../../core/catalog/schemas.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { day } from '../show.ts'
import { call, operationVerb } from '../verb.ts'
import type { Noun, Verb } from '../verb.ts'
import { showTest } from './providers.ts'

const named = (given: Given): { key: string } => ({ key: given.arg('key') })

const show = (key: ProviderKeyView, { output }: Context): void =>
  output.fields([
    ['id', key.id],
    ['provider', key.provider.name],
    ['label', key.label],
    ['secret', `…${key.hint}`],
    ['weight', key.weight],
    ['status', key.status_reason ? `${key.status} (${key.status_reason})` : key.status],
    ['created', key.created_at],
  ])

/** Lists with one operation and clears with another: which, the flag says. */
const cooldowns: Verb = {
  usage: 'cooldowns',
  summary: 'Keys that rest because they failed; with --clear they are used again at once',
  details: 'The daemon knows them. They do not survive its restart, and none rests longer than an hour.',
  operations: ['provider_keys.cooldowns', 'provider_keys.clear_cooldowns'],
  options: [
    ['--clear', 'use all of them again at once'],
    ['--key <key>', 'with --clear: only this one'],
  ],
  examples: [
    ['provider-keys cooldowns', 'which rest, why and for how long'],
    ['provider-keys cooldowns --clear --key openai/backup', 'one key; without --key all'],
  ],
  async run(context, given) {
    const key = given.text('key')
    if (given.flag('clear')) {
      const done = await call<ClearedView>(context, 'provider_keys.clear_cooldowns', only({ key }))
      return context.result(done, () =>
        context.output.line(done.cleared === 0 ? 'None was resting.' : `Used again at once: ${done.cleared}.`),
      )
    }
    if (key !== undefined) throw new GatewayError('usage_error', '--key is for --clear only.')
    const list = await call<CooldownsView>(context, 'provider_keys.cooldowns', {})
    return context.result(list, () =>
      context.output.table<CooldownsView['keys'][number]>(
        [
          { title: 'KEY', value: (row) => `${row.provider}/${row.label}` },
          { title: 'REASON', value: (row) => row.reason },
          {
            title: 'TRIED AGAIN',
            value: (row) => (row.seconds_left === 0 ? 'by the next request' : `in ${row.seconds_left} s`),
          },
          { title: 'ID', value: (row) => row.id },
        ],
        list.keys,
        'No key rests.',
      ),
    )
  },
}

export const providerKeys: Noun = {
  name: 'provider-keys',
  summary: 'our credentials at providers, encrypted at rest',
  verbs: [
    operationVerb<ProviderKeyView>({
      usage: 'add <provider>',
      summary: 'Add a key of a provider; it is sealed and never shown again',
      operation: 'provider_keys.add',
      options: [
        ['--label <label>', 'name for people'],
        ['--weight <n>', 'share of the traffic, beside other keys (default 1)'],
      ],
      secrets: ['secret'],
      examples: [
        ['provider-keys add openai --secret-env OPENAI_API_KEY', 'from the environment'],
        ['provider-keys add openai --label backup --secret-file key.txt', 'from a file'],
      ],
      async input(given, context) {
        const secret = await context.secret(given, 'secret', 'Secret: ')
        if (secret === null)
          throw new GatewayError('usage_error', 'No secret was given.', {
            hint: 'Use --secret-stdin, --secret-file or --secret-env.',
          })
        return {
          provider: given.arg('provider'),
          secret,
          ...only({ label: given.text('label'), weight: given.integer('weight') }),
        }
      },
      show,
    }),
    listVerb<ProviderKeyView>({
      usage: 'list',
      summary: 'List provider keys, without their secrets',
      operation: 'provider_keys.list',
      options: [['--provider <provider>', 'only keys of this provider'], ...listOptions],
      examples: [['provider-keys list --provider openai', 'keys of one provider']],
      input: (given) => only({ provider: given.text('provider') }),
      columns: [
        { title: 'PROVIDER', value: (row) => row.provider.name },
        { title: 'LABEL', value: (row) => row.label },
        { title: 'SECRET', value: (row) => `…${row.hint}` },
        { title: 'WEIGHT', value: (row) => row.weight, right: true },
        { title: 'STATUS', value: (row) => row.status },
        { title: 'CREATED', value: (row) => day(row.created_at) },
        { title: 'ID', value: (row) => row.id },
      ],
      empty: 'No provider keys. Add one: gateway provider-keys add openai --secret-env OPENAI_API_KEY',
    }),
    operationVerb<ProviderKeyView>({
      usage: 'enable <key>',
      summary: 'Use a provider key again',
      operation: 'provider_keys.enable',
      examples: [['provider-keys enable openai/backup', 'by id, label, or provider/label']],
      input: named,
      show,
    }),
    operationVerb<ProviderKeyView>({
      usage: 'disable <key>',
      summary: 'Stop using a provider key',
      operation: 'provider_keys.disable',
      examples: [['provider-keys disable openai/backup', 'requests in flight finish']],
      input: named,
      show,
    }),
    operationVerb<ProviderTestView>({
      usage: 'test <key>',
      summary: 'Call the provider once with this key',
      operation: 'provider_keys.test',
      examples: [['provider-keys test openai/backup', 'exit code 1 when it fails']],
      input: named,
      show: showTest,
      exit: (test) => (test.ok ? 0 : 1),
    }),
    cooldowns,
    operationVerb<{ id: string; name: string }>({
      usage: 'remove <key>',
      summary: 'Remove a provider key',
      operation: 'provider_keys.remove',
      examples: [['provider-keys remove openai/backup --yes', 'without being asked']],
      confirm: (given) => `Remove the provider key ${given.arg('key')}?`,
      input: named,
      show: (removed, { output }) => output.line(`${removed.name} (${removed.id}) is removed.`),
    }),
  ],
}
