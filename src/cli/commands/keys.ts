import { GatewayError } from '../../core/kernel/errors.ts'
import type { KeyView } from '../../core/keys/schemas.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { day, names } from '../show.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

type IssuedKey = KeyView & { readonly secret: string | null }

const periods = ['day', 'week', 'month', 'total'] as const

const settings = [
  ['--name <name>', 'name for people'],
  ['--models <names>', 'models it may use, separated by commas; "all" for every one'],
  ['--expires <time>', '30d, 2027-01-31 or a full time; "never"'],
  ['--quota-credits <amount>', 'credits it may spend per period'],
  ['--quota-tokens <n>', 'tokens it may use per period'],
  ['--quota-requests <n>', 'requests it may send per period'],
  ['--quota-period <period>', 'day, week, month (default) or total'],
  ['--rpm <n>', 'requests per minute'],
  ['--tpm <n>', 'tokens per minute'],
  ['--concurrency <n>', 'requests at the same time'],
  ['--allow-ip <cidr...>', 'addresses or networks it may be used from'],
  ['--tag <name=value...>', 'label for reports'],
] as const

const quota = (given: Given): object | undefined => {
  const limits = only({
    credits: given.credits('quota-credits'),
    tokens: given.integer('quota-tokens'),
    requests: given.integer('quota-requests'),
  })
  const period = given.choice('quota-period', periods)
  if (Object.keys(limits).length > 0) return { ...limits, period: period ?? 'month' }
  if (period)
    throw new GatewayError('usage_error', '--quota-period needs --quota-credits, --quota-tokens or --quota-requests.')
  return undefined
}

const common = (given: Given, now: number) => ({
  name: given.text('name'),
  models: given.list('models'),
  expires_at: given.moment('expires', now),
  quota: quota(given),
  rpm: given.integer('rpm'),
  tpm: given.integer('tpm'),
  concurrency: given.integer('concurrency'),
  allow_ips: given.list('allow-ip'),
  tags: given.pairs('tag'),
})

/** Which fields an option clears with its word for "no limit". */
const clearing: readonly (readonly [option: string, word: string, field: string])[] = [
  ['models', 'all', 'models'],
  ['expires', 'never', 'expires_at'],
  ['rpm', 'none', 'rpm'],
  ['tpm', 'none', 'tpm'],
  ['concurrency', 'none', 'concurrency'],
  ['allow-ip', 'all', 'allow_ips'],
  ['tag', 'none', 'tags'],
]

/** The settings given, with null for those that a word such as "never" clears. */
const readSettings = (given: Given, now: number): Record<string, unknown> => {
  const cleared = clearing.filter(([option, word]) => given.each(option).join() === word)
  const rest = given.without(cleared.map(([option]) => option))
  const nothing = Object.fromEntries(cleared.map(([, , field]) => [field, null]))
  return { ...only(common(rest, now)), ...nothing, ...(given.off('quota') && { quota: null }) }
}

const named = (given: Given): { key: string } => ({ key: given.arg('key') })

const quotaText = ({ quota: limits }: KeyView): string | null => {
  if (limits === null) return null
  const parts = [
    limits.credits !== null && `${limits.credits} credits`,
    limits.tokens !== null && `${limits.tokens} tokens`,
    limits.requests !== null && `${limits.requests} requests`,
  ]
  return `${parts.filter(Boolean).join(', ')} per ${limits.period === 'total' ? 'lifetime' : limits.period}`
}

const show = (key: KeyView, { output }: Context): void =>
  output.fields([
    ['id', key.id],
    ['name', key.name],
    ['key', key.start],
    ['user', key.user.email],
    ['status', key.status],
    ['models', names(key.models, 'all')],
    ['addresses', names(key.allow_ips, 'all')],
    ['expires', key.expires_at ?? 'never'],
    ['quota', quotaText(key)],
    [
      'per minute',
      [key.rpm !== null && `${key.rpm} requests`, key.tpm !== null && `${key.tpm} tokens`].filter(Boolean).join(', '),
    ],
    ['at once', key.concurrency],
    [
      'tags',
      Object.entries(key.tags)
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
    ],
    ['created', key.created_at],
  ])

const showSecret = (key: IssuedKey, context: Context): void => {
  show(key, context)
  context.output.line()
  if (key.secret === null) return context.output.line('The secret was shown when this key was made.')
  context.output.line(`  ${context.output.paint.bold(key.secret)}`)
  context.note('\nThis is the only time the key is shown. Clients send it as "Authorization: Bearer …" or "x-api-key".')
}

const state = (verb: string, operation: string, summary: string, done: string, question?: string) =>
  operationVerb<KeyView>({
    usage: `${verb} <key>`,
    summary,
    operation,
    examples: [[`keys ${verb} ci-runner${question ? ' --yes' : ''}`, 'by name or id']],
    ...(question && { confirm: (given: Given) => `${question} ${given.arg('key')}?` }),
    input: named,
    show: (key, { output }) => output.line(`${key.name} (${key.id}) ${done}.`),
  })

export const keys: Noun = {
  name: 'keys',
  summary: 'API keys: who may use which models, how much, from where',
  verbs: [
    operationVerb<IssuedKey>({
      usage: 'create',
      summary: 'Create an API key for a user and show it once',
      operation: 'keys.create',
      options: [['--user <user>', 'e-mail address or id (needed)'], ...settings],
      examples: [
        ['keys create --user ada@example.com', 'a key for everything this user may do'],
        [
          'keys create --user ada@example.com --name ci --models fast,smart --expires 30d --quota-credits 5 --rpm 60',
          'a key with limits',
        ],
        ['keys create --user ada@example.com --json | jq -r .secret', 'only the secret'],
      ],
      input(given, context) {
        const input = readSettings(given, context.now())
        return {
          user: given.required('user'),
          ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)),
        }
      },
      show: showSecret,
    }),
    listVerb<KeyView>({
      usage: 'list',
      summary: 'List API keys, the newest first',
      operation: 'keys.list',
      options: [
        ['--user <user>', 'only keys of this user'],
        ['--status <status>', 'active, disabled or revoked'],
        ['--search <text>', 'part of the name, or how the key begins'],
        ...listOptions,
      ],
      examples: [['keys list --user ada@example.com', 'keys of one user']],
      input: (given) =>
        only({
          user: given.text('user'),
          status: given.choice('status', ['active', 'disabled', 'revoked']),
          q: given.text('search'),
        }),
      columns: [
        { title: 'NAME', value: (key) => key.name },
        { title: 'KEY', value: (key) => key.start },
        { title: 'USER', value: (key) => key.user.email },
        { title: 'STATUS', value: (key) => key.status },
        { title: 'MODELS', value: (key) => names(key.models, 'all') },
        { title: 'QUOTA', value: quotaText },
        { title: 'EXPIRES', value: (key) => (key.expires_at === null ? 'never' : day(key.expires_at)) },
        { title: 'ID', value: (key) => key.id },
      ],
      empty: 'No keys. Create one: gateway keys create --user ada@example.com',
    }),
    operationVerb<KeyView>({
      usage: 'show <key>',
      summary: 'Show an API key without its secret',
      operation: 'keys.show',
      examples: [['keys show ci', 'by name or id']],
      input: named,
      show,
    }),
    operationVerb<KeyView>({
      usage: 'update <key>',
      summary: 'Change name, limits and permissions of an API key',
      operation: 'keys.update',
      options: [...settings, ['--no-quota', 'remove the quota']],
      examples: [
        ['keys update ci --rpm 120 --models fast', 'other limits'],
        ['keys update ci --rpm none --expires never --models all --no-quota', 'no limits'],
      ],
      input(given, context) {
        const changes = readSettings(given, context.now())
        if (Object.keys(changes).length === 0) throw new GatewayError('usage_error', 'Nothing to change was given.')
        return { ...named(given), ...changes }
      },
      show,
    }),
    state('enable', 'keys.enable', 'Let a disabled API key work again', 'works again'),
    state('disable', 'keys.disable', 'Stop an API key until it is enabled again', 'is disabled'),
    operationVerb<IssuedKey>({
      usage: 'rotate <key>',
      summary: 'Give an API key a new secret',
      operation: 'keys.rotate',
      options: [['--grace <time>', 'how long the old secret still works, such as 1h (default: not at all)']],
      examples: [['keys rotate ci --grace 1h', 'time to deploy the new secret']],
      input: (given) => ({ ...named(given), ...only({ grace_seconds: given.duration('grace') }) }),
      show: showSecret,
    }),
    state('revoke', 'keys.revoke', 'Stop an API key for good, within a second', 'is revoked', 'Revoke for good'),
    state('delete', 'keys.delete', 'Remove an API key; its usage stays in the log', 'is deleted', 'Delete'),
  ],
}
