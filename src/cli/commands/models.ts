import type { ModelTestView, ModelView, RouteView } from '../../core/catalog/schemas.ts'
import { strategies } from '../../core/catalog/strategies.ts'
import { formatTarget, parseTarget } from '../../core/catalog/target-syntax.ts'
import { readSmallFile } from '../../core/config/small-file.ts'
import { GatewayError } from '../../core/kernel/errors.ts'
import type { Context } from '../context.ts'
import { given as only } from '../given.ts'
import type { Given } from '../given.ts'
import { listOptions, listVerb } from '../list.ts'
import { priceOptions, priceText, readPrices } from '../prices.ts'
import { count, milliseconds } from '../show.ts'
import { operationVerb } from '../verb.ts'
import type { Noun } from '../verb.ts'

const named = (given: Given): { model: string } => ({ model: given.arg('model') })

const settings = [
  [
    '--target <provider/model...>',
    'what answers, as provider/model[@weight][#priority]; lower #priority is tried first; a name with an @ takes a weight behind it: v/m@latest@1',
  ],
  ...priceOptions,
  ['--free', 'costs nothing, on purpose'],
  ['--strategy <name>', 'how a target is chosen: priority (default), weighted, least-busy or lowest-latency'],
  ['--context-window <tokens>', 'longest request it takes'],
  ['--max-output-tokens <tokens>', 'longest answer it gives'],
  ['--default <name=value...>', 'value for a field that the client leaves out'],
  ['--cap <name=number...>', 'upper bound of a field'],
  ['--strict <on|off>', 'refuse what the target cannot be told exactly, instead of changing or dropping it'],
  ['--drop-unsupported-tools <on|off>', 'leave out hosted tools (web search, …) that the target lacks'],
] as const

const defaults = (given: Given): Record<string, unknown> | undefined => {
  const pairs = given.pairs('default')
  return pairs && Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, jsonOrText(value)]))
}

const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const caps = (given: Given): Record<string, number> | undefined => {
  const pairs = given.pairs('cap')
  if (!pairs) return undefined
  const entries = Object.entries(pairs).map(([name, value]) => {
    const number = Number(value)
    if (value.trim() === '' || !Number.isFinite(number))
      throw new GatewayError('usage_error', `--cap takes name=number, not "${name}=${value}".`)
    return [name, number] as const
  })
  return Object.fromEntries(entries)
}

const onOff = (given: Given, name: string): boolean | undefined => {
  const value = given.choice(name, ['on', 'off'])
  return value === undefined ? undefined : value === 'on'
}

const readSettings = (given: Given) => {
  const targets = given.each('target')
  return only({
    targets: targets.length > 0 ? targets.map(parseTarget) : undefined,
    prices: readPrices(given),
    free: given.flag('free') || undefined,
    strategy: given.choice('strategy', strategies),
    context_window: given.integer('context-window'),
    max_output_tokens: given.integer('max-output-tokens'),
    defaults: defaults(given),
    caps: caps(given),
    strict: onOff(given, 'strict'),
    drop_unsupported_tools: onOff(given, 'drop-unsupported-tools'),
  })
}

const price = (model: ModelView): string =>
  model.free ? 'free' : (priceText(model.prices) ?? 'NONE: requests are refused')

const show = (model: ModelView, { output }: Context): void =>
  output.fields([
    ['id', model.id],
    ['name', model.name],
    ['status', model.status],
    ['price', model.free || model.prices === null ? price(model) : `${price(model)} credits per million tokens`],
    ['strategy', model.targets.length > 1 ? model.strategy : null],
    ['targets', model.targets.map(formatTarget).join(', ')],
    ['context', model.context_window && `${count(model.context_window)} tokens`],
    ['longest answer', model.max_output_tokens && `${count(model.max_output_tokens)} tokens`],
    ['defaults', bag(model.defaults)],
    ['caps', bag(model.caps)],
    ['strict', model.strict ? 'on' : null],
    ['drop unsupported tools', model.drop_unsupported_tools ? 'on' : null],
    ['created', model.created_at],
  ])

const bag = (values: Record<string, unknown>): string | null =>
  Object.keys(values).length > 0 ? JSON.stringify(values) : null

const showRoute = (route: RouteView, { output }: Context): Promise<void> => {
  output.fields([
    ['model', route.model],
    ['client speaks', route.client_protocol],
    ['strategy', route.strategy],
    ['goes to', route.target && `${route.target.provider}/${route.target.model}`],
    ['spoken there', route.target?.protocol],
    ['price', route.free ? 'free' : (priceText(route.price) ?? 'none')],
    ['input', route.hold && `at most ${count(route.hold.prompt_tokens)} tokens`],
    [
      'output',
      route.hold && `at most ${count(route.hold.output_tokens)} tokens (limit of the ${route.hold.output_limit})`,
    ],
    [
      'hold',
      route.hold && (route.hold.min === route.hold.max ? route.hold.max : `${route.hold.min} to ${route.hold.max}`),
    ],
  ])
  for (const problem of route.problems) output.fields([['problem', problem]])
  output.line()
  return output.table<RouteView['targets'][number]>(
    [
      { title: 'TARGET', value: (row) => `${row.provider}/${row.model}` },
      { title: 'PROTOCOL', value: (row) => row.protocol },
      { title: 'PRIORITY', value: (row) => row.priority, right: true },
      { title: 'WEIGHT', value: (row) => row.weight, right: true },
      { title: 'KEYS READY', value: (row) => `${row.keys_ready}/${row.keys}`, right: true },
      { title: 'USABLE', value: (row) => row.usable },
      { title: 'HEALTHY', value: (row) => row.healthy },
      { title: 'REASON', value: (row) => row.reason ?? row.health },
    ],
    route.targets,
    'No targets.',
  )
}

/** Clears by "none" what `update` may set to null. */
const clearing = {
  'context-window': 'context_window',
  'max-output-tokens': 'max_output_tokens',
  default: 'defaults',
  cap: 'caps',
} as const

const readBody = async (given: Given, context: Context): Promise<unknown> => {
  const file = given.text('body')
  if (file === undefined) return undefined
  const text = file === '-' ? await context.io.readAll(32 * 1024 ** 2) : readSmallFile(file, 32 * 1024 ** 2).text
  return given.json('--body', text)
}

export const models: Noun = {
  name: 'models',
  summary: 'shadow models: names we offer, with their own price, that route to real models',
  verbs: [
    operationVerb<ModelView>({
      usage: 'create <model>',
      summary: 'Create a shadow model with its targets and its price',
      operation: 'models.create',
      options: settings,
      examples: [
        [
          'models create fast --target openai/gpt-5-mini --input-price 0.25 --output-price 2',
          'credits per million tokens',
        ],
        [
          'models create smart --target anthropic/claude-opus-4-8 --target "openai/gpt-5.5#2" --input-price 5 --output-price 25 --cached-input-price 0.5',
          'with a second choice',
        ],
        [
          'models create house --target local/llama3 --free --cap max_tokens=4096',
          'costs nothing, answers are bounded',
        ],
      ],
      input(given) {
        const input = readSettings(given)
        if (!input.targets)
          throw new GatewayError('usage_error', '--target is needed.', {
            hint: 'For example --target openai/gpt-5-mini.',
          })
        return { name: given.arg('model'), ...input }
      },
      show(model, context) {
        show(model, context)
        if (!model.free && model.prices === null)
          context.note(
            `\nIt has no price, so requests are refused: gateway prices set ${model.name} --input-price 1 --output-price 3`,
          )
      },
    }),
    listVerb<ModelView>({
      usage: 'list',
      summary: 'List shadow models',
      operation: 'models.list',
      options: [['--search <text>', 'part of the name'], ...listOptions],
      examples: [['models list', 'all of them']],
      input: (given) => only({ q: given.text('search') }),
      columns: [
        { title: 'NAME', value: (row) => row.name },
        { title: 'STATUS', value: (row) => row.status },
        { title: 'PRICE PER MILLION', value: price },
        { title: 'TARGETS', value: (row) => row.targets.map(formatTarget).join(', ') },
        { title: 'ID', value: (row) => row.id },
      ],
      empty:
        'No models. Create one: gateway models create fast --target openai/gpt-5-mini --input-price 0.25 --output-price 2',
    }),
    operationVerb<ModelView>({
      usage: 'show <model>',
      summary: 'Show a shadow model',
      operation: 'models.show',
      examples: [['models show fast', 'by name or id']],
      input: named,
      show,
    }),
    operationVerb<ModelView>({
      usage: 'update <model>',
      summary: 'Change a shadow model',
      details:
        'Targets, defaults and caps are replaced as a whole; prices become a new version. "none" clears --context-window, --max-output-tokens, --default and --cap.',
      operation: 'models.update',
      options: [['--name <name>', 'new name'], ...settings, ['--not-free', 'no longer free']],
      examples: [
        ['models update fast --input-price 0.2 --output-price 1.5', 'a new price, from now on'],
        ['models update fast --target openai/gpt-5-mini@3 --target azure/gpt-5-mini@1', 'other targets'],
      ],
      input(given) {
        const cleared = Object.entries(clearing).filter(([option]) => given.each(option).join() === 'none')
        const changes = {
          ...only({ name: given.text('name') }),
          ...readSettings(given.without(cleared.map(([option]) => option))),
          ...(given.flag('not-free') && { free: false }),
          ...Object.fromEntries(cleared.map(([, field]) => [field, null])),
        }
        if (Object.keys(changes).length === 0) throw new GatewayError('usage_error', 'Nothing to change was given.')
        return { ...named(given), ...changes }
      },
      show,
    }),
    operationVerb<ModelView>({
      usage: 'enable <model>',
      summary: 'Offer a shadow model again',
      operation: 'models.enable',
      examples: [['models enable fast', 'felt within a second']],
      input: named,
      show: (model, { output }) => output.line(`${model.name} is offered again.`),
    }),
    operationVerb<ModelView>({
      usage: 'disable <model>',
      summary: 'Stop offering a shadow model',
      operation: 'models.disable',
      examples: [['models disable fast', 'requests in flight finish']],
      input: named,
      show: (model, { output }) => output.line(`${model.name} is not offered any more.`),
    }),
    operationVerb<{ id: string; name: string }>({
      usage: 'delete <model>',
      summary: 'Delete a shadow model; its requests stay in the log',
      operation: 'models.delete',
      examples: [['models delete fast --yes', 'without being asked']],
      confirm: (given) => `Delete the model ${given.arg('model')}?`,
      input: named,
      show: (removed, { output }) => output.line(`${removed.name} (${removed.id}) is deleted.`),
    }),
    operationVerb<ModelTestView>({
      usage: 'test <model>',
      summary: 'Ask the provider of each target whether it answers and lists the model',
      operation: 'models.test',
      examples: [['models test fast', 'sends no prompt; exit code 1 when a target fails']],
      input: named,
      async show(test, { output }) {
        await output.table<ModelTestView['targets'][number]>(
          [
            { title: 'TARGET', value: (row) => `${row.provider}/${row.model}` },
            { title: 'OK', value: (row) => row.ok },
            { title: 'LISTED', value: (row) => (row.listed === null ? 'unknown' : row.listed) },
            { title: 'TIME', value: (row) => milliseconds(row.latency_ms), right: true },
            { title: 'MESSAGE', value: (row) => row.message },
          ],
          test.targets,
          'It has no targets.',
        )
      },
      exit: (test) => (test.ok ? 0 : 1),
    }),
    operationVerb<RouteView>({
      usage: 'route <model>',
      summary: 'Dry run: which target, which hold, which price; calls nothing',
      operation: 'models.route',
      options: [
        ['--body <file>', 'request as a client would send it, as JSON; - reads stdin'],
        [
          '--protocol <protocol>',
          'protocol of the client: openai-chat (default), openai-responses, anthropic-messages or gemini',
        ],
      ],
      examples: [['models route fast --body request.json', 'what this request would be held and sent to']],
      input: async (given, context) => ({
        ...named(given),
        ...only({
          body: await readBody(given, context),
          protocol: given.choice('protocol', ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']),
        }),
      }),
      show: showRoute,
    }),
  ],
}
