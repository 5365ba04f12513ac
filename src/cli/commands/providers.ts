import type { KindView, ProviderTestView, ProviderView } from '../../core/catalog/schemas.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

const named = (given: Given): { provider: string } => ({ provider: given.arg('provider') })

const settings = [
  ['--base-url <url>', 'with its version segment, such as https://api.openai.com/v1'],
  [
    '--speaks <protocols>',
    'protocols used towards it, the preferred first: openai-chat,openai-responses,anthropic-messages,gemini',
  ],
  ['--set <name=value...>', 'what fills the braces of the address of its kind, such as region=us-east-1'],
  ['--quirk <quirk...>', 'its server differs from its kind in this, such as think-tags (docs/providers.md)'],
  ['--no-quirk <quirk...>', 'its server has not this quirk of its kind'],
  ['--timeout <time>', 'longest wait for the first byte, such as 60s'],
  ['--allow-private [hosts...]', 'let it live on a private address: its own host, or those named'],
] as const

const readSettings = (given: Given) => {
  const timeout = given.duration('timeout')
  return only({
    base_url: given.text('base-url'),
    speaks: given.list('speaks'),
    settings: given.pairs('set'),
    quirks: readQuirks(given),
    timeout_ms: timeout === undefined ? undefined : timeout * 1000,
    allow_private: given.flag('allow-private') ? true : given.list('allow-private'),
  })
}

/** `--quirk a --no-quirk b`: the second kind of values is marked (verb.ts). */
const readQuirks = (given: Given): Record<string, boolean> | undefined => {
  const named = given.each('quirk').map((quirk) => [quirk.replace(/^!/, ''), !quirk.startsWith('!')] as const)
  return named.length > 0 ? Object.fromEntries(named) : undefined
}

const show = (provider: ProviderView, { output }: Context): void =>
  output.fields([
    ['id', provider.id],
    ['name', provider.name],
    ['kind', provider.kind],
    ['address', provider.base_url],
    ['speaks', provider.speaks.join(', ')],
    ['status', provider.status],
    ['keys', provider.keys],
    [
      'settings',
      Object.entries(provider.settings)
        .map((pair) => pair.join('='))
        .join(', '),
    ],
    ['quirks', provider.quirks.join(', ')],
    ['timeout', provider.timeout_ms === null ? null : `${provider.timeout_ms} ms`],
    ['private', provider.allow_private.join(', ')],
    ['created', provider.created_at],
  ])

export const showTest = (test: ProviderTestView, { output }: Context): void => {
  const { paint } = output
  const listed = test.models === null ? '' : `, lists ${test.models} models`
  output.line(
    `${test.ok ? paint.good('ok') : paint.bad('failed')}  ${test.provider}${test.key ? ` (${test.key})` : ''}: ${test.message} (${Math.round(test.latency_ms)} ms${listed})`,
  )
}

export const providers: Noun = {
  name: 'providers',
  summary: 'vendors and servers that answer requests',
  verbs: [
    operationVerb<ProviderView>({
      usage: 'add <name>',
      summary: 'Add a provider; a secret given here becomes its first key',
      operation: 'providers.add',
      options: [['--kind <kind>', 'see "gateway providers kinds" (needed)'], ...settings],
      secrets: ['secret'],
      examples: [
        [
          'providers add openai --kind openai --secret-env OPENAI_API_KEY',
          'a vendor, with the key from the environment',
        ],
        [
          'providers add local --kind ollama --base-url http://127.0.0.1:11434/v1 --allow-private',
          'a server on this machine',
        ],
        ['providers add bedrock --kind bedrock --set region=us-east-1', 'a cloud, whose address has a region'],
        ['providers add demo --kind simulated', 'answers by itself, without a network'],
      ],
      input: async (given, context) => ({
        name: given.arg('name'),
        kind: given.required('kind'),
        ...readSettings(given),
        ...only({ secret: (await context.secret(given, 'secret', null)) ?? undefined }),
      }),
      show(provider, context) {
        show(provider, context)
        context.note(
          `\nNext: gateway models create my-model --target ${provider.name}/MODEL --input-price 1 --output-price 3`,
        )
      },
    }),
    listVerb<ProviderView>({
      usage: 'list',
      summary: 'List providers',
      operation: 'providers.list',
      options: [['--search <text>', 'part of the name'], ...listOptions],
      examples: [['providers list', 'all of them']],
      input: (given) => only({ q: given.text('search') }),
      columns: [
        { title: 'NAME', value: (row) => row.name },
        { title: 'KIND', value: (row) => row.kind },
        { title: 'ADDRESS', value: (row) => row.base_url },
        { title: 'SPEAKS', value: (row) => row.speaks.join(', ') },
        { title: 'STATUS', value: (row) => row.status },
        { title: 'KEYS', value: (row) => row.keys, right: true },
        { title: 'ID', value: (row) => row.id },
      ],
      empty: 'No providers. Add one: gateway providers add openai --kind openai --secret-env OPENAI_API_KEY',
    }),
    operationVerb<{ data: KindView[] }>({
      usage: 'kinds',
      summary: 'The kinds of provider this gateway knows',
      operation: 'providers.kinds',
      examples: [['providers kinds', 'what --kind takes']],
      input: () => ({}),
      show: ({ data }, { output }) =>
        output.table<KindView>(
          [
            { title: 'KIND', value: (row) => row.id },
            { title: 'TITLE', value: (row) => row.title },
            { title: 'SPEAKS', value: (row) => row.speaks.join(', ') },
            {
              title: 'ADDRESS',
              value: (row) => row.base_url ?? (row.id === 'simulated' ? '(inside the program)' : '(give --base-url)'),
            },
            { title: 'SETTINGS', value: (row) => row.settings.map(({ name }) => name).join(', ') },
            { title: 'KEY', value: (row) => (row.keyless ? 'optional' : 'needed') },
            { title: 'AUTHENTICATES BY', value: (row) => row.auth },
          ],
          data,
          'None.',
        ),
    }),
    operationVerb<ProviderView>({
      usage: 'show <provider>',
      summary: 'Show a provider',
      operation: 'providers.show',
      examples: [['providers show openai', 'by name or id']],
      input: named,
      show,
    }),
    operationVerb<ProviderView>({
      usage: 'update <provider>',
      summary: 'Change a provider; "default" restores what its kind says',
      operation: 'providers.update',
      options: [['--name <name>', 'new name'], ...settings, ['--status <status>', 'active or disabled']],
      examples: [
        ['providers update openai --timeout 120s', 'more patience'],
        ['providers update openai --base-url default --speaks default --timeout default', 'as its kind says'],
      ],
      input(given) {
        const restored = ['base-url', 'speaks', 'set', 'quirk', 'timeout', 'allow-private'].filter(
          (option) => given.each(option).join() === 'default',
        )
        const fields = {
          'base-url': 'base_url',
          speaks: 'speaks',
          set: 'settings',
          quirk: 'quirks',
          timeout: 'timeout_ms',
          'allow-private': 'allow_private',
        } as const
        const nothing = Object.fromEntries(restored.map((option) => [fields[option as keyof typeof fields], null]))
        const changes = {
          ...only({ name: given.text('name'), status: given.choice('status', ['active', 'disabled']) }),
          ...readSettings(given.without(restored)),
          ...nothing,
        }
        if (Object.keys(changes).length === 0) throw new GatewayError('usage_error', 'Nothing to change was given.')
        return { ...named(given), ...changes }
      },
      show,
    }),
    operationVerb<{ id: string; name: string }>({
      usage: 'remove <provider>',
      summary: 'Remove a provider that no model uses, with its keys',
      operation: 'providers.remove',
      examples: [['providers remove openai --yes', 'without being asked']],
      confirm: (given) => `Remove ${given.arg('provider')} and its keys?`,
      input: named,
      show: (removed, { output }) => output.line(`${removed.name} (${removed.id}) is removed.`),
    }),
    operationVerb<ProviderTestView>({
      usage: 'test <provider>',
      summary: 'Call the provider once (its list of models, costs nothing)',
      operation: 'providers.test',
      examples: [['providers test openai', 'exit code 1 when it fails']],
      input: named,
      show: showTest,
      exit: (test) => (test.ok ? 0 : 1),
    }),
  ],
}
