import { CommanderError } from 'commander'
import { exitCode, GatewayError } from '../core/kernel/errors.ts'
import { processSurroundings } from './context.ts'
import type { Surroundings } from './context.ts'
import { buildProgram } from './program.ts'
import { renderError } from './render-error.ts'

/** Runs one command line (without node and script) and returns the exit code. The only error boundary of the command line. */
export const main = async (
  args: readonly string[],
  surroundings: Surroundings = processSurroundings(),
): Promise<number> => {
  let code: number = exitCode.done
  const before = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  try {
    const program = buildProgram(surroundings, (settled) => (code = settled))
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.code.startsWith('commander.help'))
      return error.exitCode === 0 ? exitCode.done : exitCode.usage
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.done
    return renderError(surroundings.io, error instanceof CommanderError ? usageError(error) : error, {
      json: before.includes('--json'),
      verbose: before.includes('--verbose'),
    })
  }
}

const usageError = (error: CommanderError): GatewayError => {
  const [message = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = rest.join(' ').replaceAll(/[()]/g, '').trim()
  return new GatewayError(
    'usage_error',
    `${message}.`,
    { hint: suggestion || 'Add --help to see how the command is used.' },
    { cause: error },
  )
}

/** The process: quiet when its reader goes away, exit code set rather than forced so that output is flushed. */
export const run = async (): Promise<void> => {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'EIO') process.exit(process.exitCode ?? exitCode.done)
      process.exit(exitCode.io)
    })
  }
  process.exitCode = await main(process.argv.slice(2))
}

if (import.meta.main) await run()
