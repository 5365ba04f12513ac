import type { AdminClient, CallOptions } from '../../src/cli/client.ts'
import type { Surroundings } from '../../src/cli/context.ts'
import { main } from '../../src/cli/main.ts'

export interface Call {
  readonly operation: string
  readonly input: unknown
  readonly options: CallOptions
}

export interface Outcome {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly calls: readonly Call[]
}

/** Runs a command line against a client that answers with `answer` and remembers what it was asked. For tests of the command line. */
export const runCli = async (
  args: readonly string[],
  given: {
    answer?: (call: Call) => unknown
    env?: Record<string, string>
    stdin?: string
    terminal?: boolean
    connect?: Surroundings['connect']
  } = {},
): Promise<Outcome> => {
  const calls: Call[] = []
  let out = ''
  let err = ''
  const client: AdminClient = {
    via: 'socket',
    where: 'a test',
    async call(operation, input, options) {
      const call = { operation, input: JSON.parse(JSON.stringify(input)) as unknown, options }
      calls.push(call)
      return given.answer?.(call) ?? {}
    },
    close: () => Promise.resolve(),
  }
  const surroundings: Surroundings = {
    io: {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      outIsTerminal: given.terminal ?? false,
      canAsk: false,
      colour: false,
      readAll: () => Promise.resolve(given.stdin ?? ''),
    },
    env: { HOME: '/nonexistent', ...given.env },
    now: () => Date.UTC(2027, 0, 1),
    connect: given.connect ?? (() => Promise.resolve(client)),
  }
  const code = await main(args, surroundings)
  return { code, out, err, calls }
}
