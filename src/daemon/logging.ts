import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type Logger, pino, stdTimeFunctions, type TransportTargetOptions } from 'pino'
import type { Config } from '../core/config/config.ts'
import { makeDirectory } from '../core/config/data-dir.ts'
import { GatewayError } from '../core/kernel/errors.ts'

export interface DaemonLog {
  readonly log: Logger
  /** Writes what is still buffered. */
  close(): Promise<void>
}

/** Names under which a credential could ever reach a log call, at the top and one level down. */
const secretNames = [
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'api-key',
  'cookie',
  'secret',
  'password',
  'token',
  'masterKey',
  'sealed',
  'hash',
]

const days = { all: 14, errors: 30 }

/**
 * Structured logs as JSON lines, to stderr and to files that rotate daily: `gateway.log` for 14 days, `errors.log` for 30. Formatting and writing happen in a worker
 * thread. There is no line per request: the request log in the database says it better.
 */
export const createLog = (config: Config): DaemonLog => {
  const dir = config.logDir ?? join(config.dataDir, 'logs')
  // pino-roll fails at its first start when the folder is not there.
  try {
    makeDirectory(dir)
    if (!statSync(dir).isDirectory()) throw new Error('it is not a directory')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new GatewayError(
      'configuration_invalid',
      `The log directory ${dir} cannot be used: ${why}.`,
      { hint: 'Name another one with GATEWAY_LOG_DIR.' },
      { cause },
    )
  }
  const rolling = (file: string, count: number, level: string): TransportTargetOptions => ({
    target: 'pino-roll',
    level,
    options: {
      file: join(dir, file),
      extension: '.log',
      frequency: 'daily',
      dateFormat: 'yyyy-MM-dd',
      limit: { count },
      mkdir: true,
      mode: 0o600,
    },
  })
  const level = config.logLevel
  const stderr: TransportTargetOptions = { target: 'pino/file', level, options: { destination: 2 } }
  const transport = pino.transport({
    targets: [
      stderr,
      rolling('gateway', days.all, level === 'silent' ? 'fatal' : level),
      rolling('errors', days.errors, 'error'),
    ],
  })
  const log = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      redact: { paths: secretNames.flatMap((name) => [`["${name}"]`, `*["${name}"]`]), censor: '[redacted]' },
      serializers: { error: pino.stdSerializers.errWithCause },
    },
    transport,
  )
  return {
    log,
    async close() {
      const closed = once(transport, 'close')
      // The transport's thread does not keep the process alive, but its last lines are wanted.
      const alive = setInterval(() => {}, 1000)
      transport.end()
      await closed
      clearInterval(alive)
    },
  }
}
