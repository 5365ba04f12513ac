import { randomUUID } from 'node:crypto'
import { Command, Option } from 'commander'
import type { CallOptions } from './client.ts'
import { createContext } from './context.ts'
import type { Context, Surroundings } from './context.ts'
import { Given } from './given.ts'
import { GatewayError } from '../core/kernel/errors.ts'

/** One command: what it is called, how it reads, what it does. */
export interface Verb {
  /** `create <email>`. */
  readonly usage: string
  readonly summary: string
  readonly details?: string
  /** Flags in commander's notation and what they mean. A trailing `...` lets an option be repeated. */
  readonly options?: readonly (readonly [flags: string, meaning: string])[]
  /** What stands after `gateway`, and why one would write it. At least one. */
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  /** Ids of the operations it may call: the completeness test reads them. */
  readonly operations: readonly string[]
  /** Words that name a secret here (`secret`, `password`): each gets its three options, and is refused as an argument. */
  readonly secrets?: readonly string[]
  /** Returns the exit code when it is not 0. */
  run(context: Context, given: Given): Promise<number | void>
}

/** A verb that is one operation: arguments become its input, its output is shown. */
export interface OperationVerb<Output> extends Omit<Verb, 'run' | 'operations'> {
  readonly operation: string
  input(given: Given, context: Context): object | Promise<object>
  /** Asked before; a destructive verb has one. */
  confirm?(given: Given): string
  /** Sends an Idempotency-Key: the given one or a new one. */
  readonly money?: boolean
  show(output: Output, context: Context, given: Given): void | Promise<void>
  exit?(output: Output): number
}

const idempotency = ['--idempotency-key <key>', 'the same key twice books once; made up if absent'] as const

export const operationVerb = <Output>(verb: OperationVerb<Output>): Verb => ({
  ...verb,
  operations: [verb.operation],
  options: [...(verb.options ?? []), ...(verb.money ? [idempotency] : [])],
  async run(context, given) {
    const input = await verb.input(given, context)
    if (verb.confirm) await context.confirm(verb.confirm(given))
    const options: CallOptions = verb.money ? { idempotencyKey: given.text('idempotency-key') ?? randomUUID() } : {}
    const output = await call<Output>(context, verb.operation, input, options)
    await context.result(output, () => verb.show(output, context, given))
    return verb.exit?.(output)
  },
})

/** Runs an operation. Its output schema is the promise that the type states. */
export const call = async <Output>(
  context: Context,
  operation: string,
  input: object,
  options: CallOptions = {},
): Promise<Output> => (await (await context.client()).call(operation, input, options)) as Output

/** A noun with its verbs: `gateway users …`. */
export interface Noun {
  readonly name: string
  readonly summary: string
  readonly verbs: readonly Verb[]
}

export const nounCommand = (noun: Noun, surroundings: Surroundings, settle: (code: number) => void): Command => {
  const command = new Command(noun.name).description(noun.summary).usage('<verb> [options]')
  command.commandsGroup('Verbs:')
  for (const verb of noun.verbs) command.addCommand(verbCommand(verb, surroundings, settle, `${noun.name} `))
  return command
}

export const verbCommand = (
  verb: Verb,
  surroundings: Surroundings,
  settle: (code: number) => void,
  noun = '',
): Command => {
  const [name = '', ...parameters] = verb.usage.split(' ')
  const command = new Command(name)
    .summary(verb.summary)
    .description([verb.summary + '.', verb.details].filter(Boolean).join('\n\n'))
  for (const parameter of parameters) command.argument(parameter)
  for (const [flags, meaning] of verb.options ?? []) command.addOption(option(flags, meaning))
  for (const word of verb.secrets ?? []) addSecretOptions(command, word)
  command.addHelpText('after', () => examplesText(verb.examples))
  command.action(async () => {
    const options: Record<string, unknown> = command.optsWithGlobals()
    const names = parameters.map((parameter) => parameter.replaceAll(/[<>[\].]/g, ''))
    const given = new Given(
      Object.fromEntries(names.map((argument, index) => [argument, command.processedArgs[index] as unknown])),
      options,
    )
    refuseSecretArguments(verb, given, noun + name)
    const context = createContext(surroundings, options)
    try {
      settle((await verb.run(context, given)) ?? 0)
    } finally {
      await context.close()
    }
  })
  return command
}

/** Commander's own `...` takes all words that follow, names of things included; ours takes one word each time the option is given. */
const option = (flags: string, meaning: string): Option => {
  if (!/\.\.\.[>\]]$/.test(flags)) return new Option(flags, meaning)
  // Commander stores `--no-x <value>` under `x` too: its values are marked.
  const mark = flags.startsWith('--no-') ? '!' : ''
  const collect = (value: string, before: unknown): string[] => [
    ...(Array.isArray(before) ? before.map(String) : []),
    mark + value,
  ]
  return new Option(flags.replace('...', ''), `${meaning}; repeatable`).argParser(collect)
}

const addSecretOptions = (command: Command, word: string): void => {
  command
    .option(`--${word}-stdin`, `read the ${word} from stdin`)
    .option(`--${word}-file <file>`, `read the ${word} from a file`)
    .option(`--${word}-env <name>`, `read the ${word} from an environment variable`)
    .addOption(new Option(`--${word} [value]`).hideHelp())
}

const refuseSecretArguments = (verb: Verb, given: Given, name: string): void => {
  for (const word of verb.secrets ?? []) {
    if (!given.has(word)) continue
    throw new GatewayError('usage_error', `A ${word} on the command line can be read by every user of this machine.`, {
      hint: `Use "gateway ${name} … --${word}-stdin", --${word}-file or --${word}-env.`,
    })
  }
}

const examplesText = (examples: Verb['examples']): string => {
  const lines = examples.map(([command, meaning]) => `  # ${meaning}\n  $ gateway ${command}`)
  return `\nExamples:\n${lines.join('\n\n')}\n`
}
