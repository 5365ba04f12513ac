import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { GatewayError } from '../kernel/errors.ts'
import type { FieldError } from '../kernel/errors.ts'
import type { Config } from './config.ts'
import { chooseDataDir, configPath } from './data-dir.ts'
import { readConfigFile } from './file.ts'
import type { ConfigFile } from './file.ts'
import { fileName, options } from './options.ts'
import type { Option, OptionKey } from './options.ts'
import { readSmallFile } from './small-file.ts'
import { nearest } from './suggest.ts'
import { readValue, ValueError } from './values.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where a value came from: `name` is the flag, the variable or the file. */
export interface Origin {
  readonly source: 'flag' | 'environment' | 'file' | 'default'
  readonly name: string
}

export interface LoadedConfig {
  readonly config: Config
  readonly origins: Readonly<Record<OptionKey | 'dataDir', Origin>>
  /** The configuration file in use. */
  readonly file: string | null
}

/** What the command line gave, as text, by option key. */
export type ConfigFlags = Partial<Readonly<Record<OptionKey, string>>> & { readonly data?: string | undefined }

/** The environment of this process. The only place that reads it. */
export const processEnvironment = (): Environment => process.env

/** Names that begin with GATEWAY_ but are no options: read by the command line, the launcher, or put there by Kubernetes for a service named "gateway". */
const reserved = new Set([
  'GATEWAY_DATA',
  'GATEWAY_CONFIG',
  'GATEWAY_URL',
  'GATEWAY_TOKEN',
  'GATEWAY_TOKEN_FILE',
  'GATEWAY_REEXEC',
])
const kubernetes = /^GATEWAY_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)$/

/**
 * Flags > environment > file > defaults. Throws `configuration_invalid` with every problem at once, or `usage_error` when only flags are wrong.
 * `file` is the path given by --config; without it gateway.yaml in the data directory, if there is one. `ignore` names variables that belong to the caller.
 */
export const loadConfig = (given: {
  readonly flags?: ConfigFlags
  readonly env?: Environment
  readonly file?: string | undefined
  readonly cwd?: string
  readonly ignore?: readonly string[]
}): LoadedConfig => {
  const { flags = {}, env = processEnvironment(), cwd = process.cwd(), ignore = [] } = given
  const problems: (FieldError & { readonly flag: boolean })[] = []
  const wrong = (path: string, message: string, flag = false): void => void problems.push({ path, message, flag })
  if (flags.data === '') wrong('--data', 'it must name a directory', true)
  if (env['GATEWAY_DATA'] === '') wrong('GATEWAY_DATA', 'it is empty; unset it or name a directory')
  const dataDir = chooseDataDir(
    flags.data || undefined,
    { ...env, GATEWAY_DATA: env['GATEWAY_DATA'] || undefined },
    cwd,
  )

  const path = chooseFile(given.file ?? env['GATEWAY_CONFIG'], dataDir.path, cwd)
  const file: ConfigFile = path === null ? { values: new Map(), exposed: false } : readConfigFile(path)
  for (const name of file.values.keys()) if (!names.includes(name)) wrong(`${path}: ${name}`, unknown(name, names))
  for (const name of Object.keys(env)) {
    if (
      !name.startsWith('GATEWAY_') ||
      reserved.has(name) ||
      ignore.includes(name) ||
      variables.includes(name) ||
      kubernetes.test(name)
    )
      continue
    wrong(
      name,
      unknown(
        name,
        [...variables, ...reserved].filter((known) => known !== 'GATEWAY_REEXEC'),
      ),
    )
  }

  const config: Record<string, unknown> = { dataDir: dataDir.path }
  const origins: Record<string, Origin> = { dataDir: { source: dataDir.source, name: dataDir.name } }
  for (const row of options) {
    let found: Found = { value: row.default, origin: { source: 'default', name: '' }, baseDir: cwd }
    try {
      found = find(row, flags, env, file, path, cwd) ?? found
      const value = found.origin.source === 'default' ? found.value : readValue(row.type, found.value, found.baseDir)
      const refused = found.origin.source === 'default' ? null : row.refuse?.(value)
      if (refused) throw new ValueError(`${refused}; leave it out`)
      config[row.key] = Object.freeze(value)
      origins[row.key] = found.origin
    } catch (error) {
      if (error instanceof GatewayError) wrong(`${row.env}_FILE`, error.message)
      else if (error instanceof ValueError)
        wrong(label(row, found.origin), error.message, found.origin.source === 'flag')
      else throw error
    }
    if (row.secret && file.exposed && file.values.has(fileName(row))) {
      wrong(
        `${path}: ${fileName(row)}`,
        `a secret stands in a file that others can read; chmod 600 it or use ${row.env}_FILE`,
      )
    }
  }
  const { adminHost, adminPort, host, port } = config
  if (adminHost !== null && adminPort === null)
    wrong('GATEWAY_ADMIN_PORT', 'it is needed when GATEWAY_ADMIN_HOST is set')
  if (adminPort !== null && adminPort !== 0 && adminPort === port && (adminHost ?? host) === host) {
    wrong(
      'GATEWAY_ADMIN_PORT',
      'the admin plane cannot have the same address and port as the proxy; leave it out to share them',
    )
  }
  if (problems.length > 0) throw refusal(problems)
  return {
    config: Object.freeze(config) as unknown as Config,
    origins: Object.freeze(origins),
    file: path,
  }
}

const names = options.map(fileName)
const variables = options.flatMap((row) => (row.secret ? [row.env, `${row.env}_FILE`] : [row.env]))

interface Found {
  readonly value: unknown
  readonly origin: Origin
  readonly baseDir: string
}

const chooseFile = (given: string | undefined, dataDir: string, cwd: string): string | null => {
  if (given !== undefined) return resolve(cwd, given)
  const path = configPath(dataDir)
  return existsSync(path) ? path : null
}

const find = (
  row: Option,
  flags: ConfigFlags,
  env: Environment,
  file: ConfigFile,
  path: string | null,
  cwd: string,
): Found | null => {
  const flag = flags[row.key]
  if (flag !== undefined)
    return { value: flag, origin: { source: 'flag', name: row.flag?.split(' ')[0] ?? row.key }, baseDir: cwd }
  const text = env[row.env]
  const textFile = row.secret ? env[`${row.env}_FILE`] : undefined
  if (text !== undefined && textFile !== undefined)
    throw new ValueError(`both ${row.env} and ${row.env}_FILE are set; keep one`)
  if (textFile !== undefined) {
    const value = readSmallFile(resolve(cwd, textFile), 64 * 1024).text.trim()
    return { value, origin: { source: 'environment', name: `${row.env}_FILE` }, baseDir: cwd }
  }
  if (text !== undefined) return { value: text, origin: { source: 'environment', name: row.env }, baseDir: cwd }
  if (path !== null && file.values.has(fileName(row))) {
    return { value: file.values.get(fileName(row)), origin: { source: 'file', name: path }, baseDir: dirname(path) }
  }
  return null
}

const label = (row: Option, origin: Origin): string =>
  origin.source === 'file' ? `${origin.name}: ${fileName(row)}` : origin.source === 'default' ? row.env : origin.name

const unknown = (name: string, known: readonly string[]): string => {
  const near = nearest(name, known)
  return near
    ? `it is not an option. Did you mean ${near}?`
    : 'it is not an option. See docs/configuration.md for the list.'
}

const refusal = (problems: readonly (FieldError & { readonly flag: boolean })[]): GatewayError => {
  const onlyFlags = problems.every((problem) => problem.flag)
  const lines = problems.map(({ path, message }) => `${path}: ${message}`)
  const message = lines.length === 1 ? `${lines[0]}.` : `${lines.length} options are wrong:\n  ${lines.join('\n  ')}`
  const fields = problems.map(({ path, message: why }) => ({ path, message: why }))
  return new GatewayError(
    onlyFlags ? 'usage_error' : 'configuration_invalid',
    message.replace(/\?\.$/, '?').replace(/\.\.$/, '.'),
    { fields },
  )
}

/** What the command line needs to find a gateway, beside its configuration. */
export interface ClientEnvironment {
  readonly url: string | null
  readonly token: string | null
  /** Directory of the file that `gateway login` writes. */
  readonly configHome: string
  /** Whether the environment itself names a data directory. */
  readonly namesData: boolean
}

export const readClientEnvironment = (env: Environment = processEnvironment()): ClientEnvironment => {
  const tokenFile = env['GATEWAY_TOKEN_FILE']
  const token =
    env['GATEWAY_TOKEN'] ?? (tokenFile ? readSmallFile(resolve(tokenFile), 64 * 1024).text.trim() : undefined)
  const xdg = env['XDG_CONFIG_HOME']
  const configHome = resolve(xdg?.startsWith('/') ? xdg : resolve(env['HOME'] ?? '/', '.config'), 'gateway')
  return {
    url: env['GATEWAY_URL'] || null,
    token: token || null,
    configHome,
    namesData: env['GATEWAY_DATA'] !== undefined,
  }
}
