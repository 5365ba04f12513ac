import { describeConfig } from '../../core/config/describe.ts'
import type { DescribedOption } from '../../core/config/describe.ts'
import type { Context } from '../context.ts'
import type { Cell } from '../output.ts'
import { call } from '../verb.ts'
import type { Noun, Verb } from '../verb.ts'

const cell = (value: DescribedOption['value']): Cell => (typeof value === 'object' ? value?.join(', ') : value)

const source = ({ source: kind, from }: DescribedOption): string | null =>
  kind === 'default' || kind === null ? kind : from

interface Described {
  readonly data: readonly DescribedOption[]
}

const describeLocally = (context: Context): Described => {
  const { config, origins } = context.config()
  return { data: describeConfig(config, origins) }
}

const show: Verb = {
  usage: 'show',
  summary: 'Show every option with its value and origin; secrets are masked',
  details: 'While a daemon runs, these are the values it runs with; otherwise the values a daemon would start with.',
  examples: [
    ['config show', 'what is in force'],
    ['config show --direct', 'what this environment and file say'],
  ],
  operations: ['config.show'],
  async run(context) {
    const isDirect = (await context.client()).via === 'direct'
    const described = isDirect ? describeLocally(context) : await call<Described>(context, 'config.show', {})
    await context.result(described, ({ data }) =>
      context.output.table<DescribedOption>(
        [
          { title: 'OPTION', value: (row) => row.name },
          { title: 'VALUE', value: (row) => cell(row.value) },
          { title: 'FROM', value: source },
        ],
        data,
        '',
      ),
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
