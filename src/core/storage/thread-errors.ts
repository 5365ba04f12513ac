import { reviveError, serialiseError } from '../kernel/errors.ts'
import type { GatewayError } from '../kernel/errors.ts'
import type { ThreadError } from './messages.ts'
import { fromSqlite } from './sqlite-errors.ts'

/** For the journey between threads: the public part and, for logs, the stack of what really happened. */
export const toThreadError = (error: unknown): ThreadError => {
  const known = fromSqlite(error)
  const cause = known.cause ?? (known.code === 'internal_error' ? known : null)
  const trace = cause instanceof Error ? (cause.stack ?? cause.message) : null
  return { ...serialiseError(known), trace }
}

export const fromThreadError = (wire: ThreadError): GatewayError => {
  const error = reviveError(wire)
  if (wire.trace !== null) error.cause = wire.trace
  return error
}
