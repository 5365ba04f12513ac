import type { Config } from './config.ts'
import type { LoadedConfig, Origin } from './load.ts'
import { fileName, options } from './options.ts'
import type { Option } from './options.ts'

/** One line of `config show`. A secret's value is `•••` when it is set. */
export interface DescribedOption {
  readonly name: string
  readonly value: string | number | null | readonly string[]
  readonly env: string
  readonly source: Origin['source'] | null
  readonly from: string | null
}

/** Every option with its value and, when known, its origin. */
export const describeConfig = (config: Config, origins?: LoadedConfig['origins']): DescribedOption[] => {
  const from = (key: keyof LoadedConfig['origins']): Pick<DescribedOption, 'source' | 'from'> => ({
    source: origins?.[key].source ?? null,
    from: origins?.[key].name || null,
  })
  return [
    { name: 'data', value: config.dataDir, env: 'GATEWAY_DATA', ...from('dataDir') },
    ...options.map((row) => ({
      name: fileName(row),
      value: shown(row, config[row.key]),
      env: row.env,
      ...from(row.key),
    })),
  ]
}

const shown = (row: Option, value: Config[Option['key']]): DescribedOption['value'] => {
  if (value === null) return null
  if (row.secret) return '•••'
  return typeof value === 'number' ? written(row, value) : value
}

/** A number as it would be written in the file: `30s`, `32MiB`. */
const written = (row: Option, value: number): string | number => {
  const steps: readonly (readonly [string, number])[] =
    row.type.kind === 'duration'
      ? [
          ['h', 3_600_000],
          ['m', 60_000],
          ['s', 1000],
          ['ms', 1],
        ]
      : row.type.kind === 'bytes'
        ? [
            ['GiB', 1024 ** 3],
            ['MiB', 1024 ** 2],
            ['KiB', 1024],
            ['B', 1],
          ]
        : []
  const step = steps.find(([, size]) => value >= size && value % size === 0)
  return step ? `${value / step[1]}${step[0]}` : value
}

const typeText = (row: Option): string => {
  switch (row.type.kind) {
    case 'integer':
      return `number ${row.type.min}–${row.type.max}`
    case 'choice':
      return row.type.values.map((value) => `\`${value}\``).join(', ')
    case 'list':
      return row.type.of === 'cidr' ? 'networks (CIDR)' : 'origins'
    case 'duration':
      return 'time (`500ms`, `30s`, `5m`)'
    case 'bytes':
      return 'size (`64KiB`, `32MiB`)'
    case 'key':
      return '32 bytes, hex or base64'
    case 'url':
      return `URL (${row.type.schemes.map((scheme) => `\`${scheme}//\``).join(', ')})`
    case 'host':
    case 'path':
      return row.type.kind
  }
}

const defaultText = (row: Option): string => {
  const value = shown({ ...row, secret: false }, row.default)
  return value === null || (Array.isArray(value) && value.length === 0) ? '–' : `\`${String(value)}\``
}

/** The table of docs/configuration.md. */
export const renderConfigReference = (): string => {
  const rows = options.map((row) => {
    const flag = row.flag ? `\`${row.flag.split(' ')[0]}\`` : '–'
    const limit = row.refuse ? ' Reserved: this version accepts only the default.' : ''
    return `| \`${row.env}\`${row.secret ? ` \`${row.env}_FILE\`` : ''} | \`${fileName(row)}\` | ${flag} | ${typeText(row)} | ${defaultText(row)} | ${row.doc}${limit} |`
  })
  return [
    '| environment | in gateway.yaml | flag | value | default | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
