import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { GatewayError } from '../core/kernel/errors.ts'
import type { Io } from './io.ts'

/** Asks before something is destroyed. Without a terminal, `--yes` must have been given. */
export const confirm = async (io: Io, question: string, yes: boolean): Promise<void> => {
  if (yes) return
  if (!io.canAsk)
    throw new GatewayError('usage_error', `${question} Nobody can be asked here.`, {
      hint: 'Add --yes to go on without asking.',
    })
  const answer = await ask(`${question} [y/N] `, process.stderr)
  if (!/^y(es)?$/i.test(answer.trim())) throw new GatewayError('conflict', 'Nothing was changed.')
}

/** Reads a secret from the terminal without showing it. */
export const askSecret = async (question: string): Promise<string> => {
  process.stderr.write(question)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const answer = await ask('', silent)
  process.stderr.write('\n')
  return answer.trim()
}

export const ask = (
  question: string,
  output: NodeJS.WritableStream,
  input: NodeJS.ReadableStream = process.stdin,
): Promise<string> => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const lines = createInterface({ input, output, terminal: true })
  lines.question(question, (answer) => {
    // Before the close, whose own event is a no.
    resolve(answer)
    lines.close()
  })
  // Ctrl-C and Ctrl-D are a no.
  lines.on('close', () => resolve(''))
  lines.on('SIGINT', () => lines.close())
  return promise
}
