import { describeConfig } from '../../core/config/describe.ts'
import type { DescribedOption } from '../../core/config/describe.ts'
import type { Context } from '../context.ts'
import type { Cell } from '../output.ts'
import { call } from '../verb.ts'
import type { Noun, Verb } from '../verb.ts'

const cell = (value: unknown): Cell =>
  Array.isArray(value)
    ? value.join(', ')
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : (value as Cell)

const source = ({ source: kind, from }: DescribedOption): string | null =>
  kind === 'default' || kind === null ? kind : from

const showLocal = async (context: Context): Promise<void> => {
  const { config, origins } = context.config()
  const described = describeConfig(config, origins)
  const value = Object.fromEntries(
    described.map((row) => [row.name, { value: row.value, source: row.source, from: row.from }]),
  )
  await context.result(value, () =>
    context.output.table<DescribedOption>(
      [
        { title: 'OPTION', value: (row) => row.name },
        { title: 'VALUE', value: (row) => cell(row.value) },
        { title: 'FROM', value: source },
      ],
      described,
      '',
    ),
  )
}

const show: Verb = {
  usage: 'show',
  summary: 'Show every option with its value; secrets are masked',
  details:
    'While a daemon runs, these are the values it runs with; otherwise the values a daemon would start with, and where each comes from.',
  examples: [
    ['config show', 'what is in force'],
    ['config show --direct', 'what this environment, flags and file say'],
  ],
  operations: ['config.show'],
  async run(context) {
    if ((await context.client()).via === 'direct') return showLocal(context)
    const values = await call<Record<string, unknown>>(context, 'config.show', {})
    await context.result(values, () =>
      context.output.fields(Object.entries(values).map(([name, value]) => [name, cell(value)] as const)),
    )
  },
}

const check: Verb = {
  usage: 'check',
  summary: 'Check flags, environment and file without starting anything; exit code 78 lists what is wrong',
  examples: [['config check --config /etc/gateway.yaml', 'before a restart']],
  operations: [],
  async run(context) {
    const { config, file } = context.config()
    await context.result({ ok: true, file, data_dir: config.dataDir }, () =>
      context.output.line(`${context.output.paint.good('ok')}  ${file ?? 'no file, environment and defaults only'}`),
    )
  },
}

export const config: Noun = { name: 'config', summary: 'options a process needs to start', verbs: [show, check] }
