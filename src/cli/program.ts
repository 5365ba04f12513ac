import { Command } from 'commander'
import { programVersion } from '../core/kernel/version.ts'
import { entries } from './commands/index.ts'
import { processSurroundings } from './context.ts'
import type { Surroundings } from './context.ts'
import { nounCommand, verbCommand } from './verb.ts'

const details = `A self-hosted gateway for large language models: keys, prepaid credits, shadow models, and a ledger
that can be proven right. Start with "gateway demo", then "gateway init" and "gateway serve".`

const learnMore = `
Every command has --help with examples, and --json for programs. Commands work through a running daemon,
on a remote gateway (--url, GATEWAY_URL, gateway login), or on the database itself when no daemon runs.
`

/** The whole command line. Building it opens nothing, reads nothing and has no side effects: docs/cli.md is generated from it. */
export const buildProgram = (
  surroundings: Surroundings = processSurroundings(),
  settle: (code: number) => void = () => undefined,
): Command => {
  const program = new Command('gateway')
    .description(details)
    .version(programVersion, '-V, --version', 'print the version')
  program
    .option('--data <dir>', 'data directory (GATEWAY_DATA)')
    .option('--config <file>', 'configuration file instead of gateway.yaml in the data directory (GATEWAY_CONFIG)')
    .option('--url <address>', 'a remote gateway (GATEWAY_URL; its token in GATEWAY_TOKEN)')
    .option('--direct', 'work on the database even if a daemon runs')
    .option('--no-direct', 'fail with exit code 69 unless a daemon answers')
    .option('--json', 'print JSON on stdout, errors as JSON on stderr')
    .option('-y, --yes', 'do not ask before something is destroyed')
    .option('--verbose', 'say which way is used, show the cause of errors')
    .helpOption('-h, --help', 'explain the command')
    .addHelpText('after', learnMore)
  for (const entry of entries) {
    program.commandsGroup(`${entry.group}:`)
    program.addCommand(
      'verbs' in entry ? nounCommand(entry, surroundings, settle) : verbCommand(entry.verb, surroundings, settle),
    )
  }
  program.helpCommand('help [command]', 'explain a command')
  for (const command of everyCommand(program)) {
    command
      .exitOverride()
      .configureHelp({ showGlobalOptions: command !== program, sortSubcommands: false, helpWidth: 110 })
      .configureOutput({
        writeOut: (text) => surroundings.io.out(text),
        writeErr: (text) => surroundings.io.err(text),
        // Shown once, by the error boundary.
        outputError: () => undefined,
        getOutHasColors: () => surroundings.io.colour,
        getErrHasColors: () => false,
      })
  }
  return program
}

const everyCommand = (command: Command): Command[] => [command, ...command.commands.flatMap(everyCommand)]
