import type { Readable } from 'node:stream'
import { GatewayError } from '../core/kernel/errors.ts'

/** The streams of one run as one value, so that tests can give their own. */
export interface Io {
  /** Data. */
  out(text: string): void
  /** Messages, hints, progress. */
  err(text: string): void
  /** Whether stdout is a terminal: tables instead of tab-separated lines, colour. */
  readonly outIsTerminal: boolean
  /** Whether a person can be asked: stdin and stderr are terminals. */
  readonly canAsk: boolean
  readonly colour: boolean
  /** Everything on stdin as text, at most `limit` bytes. */
  readAll(limit: number): Promise<string>
}

export const processIo = (): Io => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  get outIsTerminal() {
    return process.stdout.isTTY
  },
  get canAsk() {
    return process.stdin.isTTY && process.stderr.isTTY
  },
  get colour() {
    return process.stdout.isTTY && process.stdout.hasColors()
  },
  readAll: (limit) => readText(process.stdin, limit),
})

const readText = async (stream: Readable, limit: number): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limit) throw new GatewayError('usage_error', `More than ${limit} bytes came in on stdin.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
