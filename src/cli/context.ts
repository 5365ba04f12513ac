import { loadConfig, processEnvironment, readClientEnvironment } from '../core/config/load.ts'
import type { ConfigFlags, Environment, LoadedConfig } from '../core/config/load.ts'
import { GatewayError } from '../core/kernel/errors.ts'
import { connect } from './client.ts'
import type { AdminClient } from './client.ts'
import { readLogin } from './credentials.ts'
import type { Given } from './given.ts'
import type { Io } from './io.ts'
import { processIo } from './io.ts'
import { createOutput } from './output.ts'
import type { Output } from './output.ts'
import { askSecret, confirm } from './prompts.ts'

/** What a program runs in: real streams and environment, or a test's. Nothing is opened until a command asks. */
export interface Surroundings {
  readonly io: Io
  readonly env: Environment
  now(): number
  /** Replaces the connection in tests. */
  readonly connect: typeof connect
}

export const processSurroundings = (): Surroundings => ({
  io: processIo(),
  env: processEnvironment(),
  now: () => Date.now(),
  connect,
})

/** What every command gets: lazily, so that `gateway help` opens nothing. */
export interface Context extends Surroundings {
  readonly json: boolean
  readonly verbose: boolean
  readonly options: GlobalOptions
  readonly output: Output
  config(flags?: ConfigFlags): LoadedConfig
  client(): Promise<AdminClient>
  /** A message for people on stderr; silent with `--json`. */
  note(message: string): void
  /** The result: as JSON with `--json`, else as `show` writes it. */
  result<Value>(value: Value, show: (value: Value) => void | Promise<void>): Promise<void>
  confirm(question: string): Promise<void>
  /** A secret by `--secret-stdin`, `--secret-file` or `--secret-env` (or the same with another `word`); null when none is given and nobody can be asked. */
  secret(given: Given, word: string, ask: string | null): Promise<string | null>
  close(): Promise<void>
}

/** Options that stand on every command. */
export interface GlobalOptions {
  readonly data?: string
  readonly config?: string
  readonly url?: string
  readonly direct?: boolean
  readonly json?: boolean
  readonly verbose?: boolean
  readonly yes?: boolean
}

const longestSecret = 64 * 1024

export const createContext = (surroundings: Surroundings, options: GlobalOptions): Context => {
  const { io, env } = surroundings
  let opened: Promise<AdminClient> | undefined
  const note = (message: string): void => {
    if (!options.json) io.err(`${message}\n`)
  }
  const config = (flags: ConfigFlags = {}): LoadedConfig =>
    loadConfig({
      flags: { ...flags, ...(options.data !== undefined && { data: options.data }) },
      env,
      file: options.config,
      // A variable that carries a secret for this command is no option, whatever its name.
      ignore: Object.entries(options).flatMap(([name, value]) =>
        /^[a-z]+Env$/.test(name) && typeof value === 'string' ? [value] : [],
      ),
    })
  const open = async (): Promise<AdminClient> => {
    const where = readClientEnvironment(env)
    const local = options.direct !== undefined || options.data !== undefined || (where.namesData && where.url === null)
    const asked = options.url ?? (options.direct === true ? null : where.url)
    const login = local && asked === null ? null : readLogin(where.configHome)
    const url = asked ?? (local ? null : (login?.url ?? null))
    const token = where.token ?? (login !== null && url !== null && sameOrigin(login.url, url) ? login.token : null)
    const client = await surroundings.connect({ url, token, direct: options.direct, load: () => config(), note })
    if (options.verbose)
      io.err(
        `${{ url: 'asking the gateway at', socket: 'asking the daemon at', direct: 'working on the database in' }[client.via]} ${client.where}\n`,
      )
    return client
  }
  return {
    ...surroundings,
    json: options.json === true,
    verbose: options.verbose === true,
    options,
    output: createOutput(io),
    config,
    client: () => (opened ??= open()),
    note,
    async result(value, show) {
      if (options.json) io.out(`${JSON.stringify(value, null, io.outIsTerminal ? 2 : undefined)}\n`)
      else await show(value)
    },
    confirm: (question) => confirm(io, question, options.yes === true),
    secret: (given, word, ask) => readSecret(surroundings, given, word, ask),
    close: async () => {
      if (opened)
        await opened.then(
          (client) => client.close(),
          () => undefined,
        )
    },
  }
}

const sameOrigin = (left: string, right: string): boolean => URL.parse(left)?.origin === URL.parse(right)?.origin

const readSecret = async (
  { io, env }: Surroundings,
  given: Given,
  word: string,
  ask: string | null,
): Promise<string | null> => {
  const ways = ['stdin', 'file', 'env'].filter((way) => given.has(`${word}-${way}`))
  if (ways.length > 1)
    throw new GatewayError(
      'usage_error',
      `Give the ${word} in one way only: ${ways.map((way) => `--${word}-${way}`).join(' or ')}.`,
    )
  const value = await (async (): Promise<string | null> => {
    switch (ways[0]) {
      case 'stdin':
        return io.readAll(longestSecret)
      case 'file': {
        const { readSmallFile } = await import('../core/config/small-file.ts')
        return readSmallFile(given.required(`${word}-file`), longestSecret).text
      }
      case 'env': {
        const name = given.required(`${word}-env`)
        if (env[name] === undefined)
          throw new GatewayError('usage_error', `The environment variable ${name} is not set.`)
        return env[name]
      }
      default:
        return ask !== null && io.canAsk ? askSecret(ask) : null
    }
  })()
  if (value === null) return null
  const secret = value.replace(/\r?\n$/, '')
  if (secret === '') throw new GatewayError('usage_error', `The ${word} is empty.`)
  return secret
}
