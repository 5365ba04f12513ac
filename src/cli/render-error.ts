import { errorCatalogue, GatewayError } from '../core/kernel/errors.ts'
import type { Io } from './io.ts'
import { safe } from './text.ts'

/** Shows an error on stderr: what happened and what to do; with `--json` as one line of JSON. Returns the exit code. */
export const renderError = (
  io: Io,
  error: unknown,
  how: { readonly json: boolean; readonly verbose: boolean },
): number => {
  const known = fromSystem(error)
  const isBug = known.code === 'internal_error'
  const message =
    isBug && known.cause !== undefined ? `Something broke in this program: ${firstLine(known.cause)}` : known.message
  const { hint, fields } = known.details
  if (how.json) {
    const body = {
      error: { code: known.code, message, exit: known.exit, ...(hint && { hint }), ...(fields?.length && { fields }) },
    }
    io.err(`${JSON.stringify(body)}\n`)
    return known.exit
  }
  io.err(`gateway: ${message.split('\n').map(safeIndented).join('\n')}\n`)
  // A single wrong field stands in the message already.
  const several = known.code === 'invalid_request' && fields !== undefined && fields.length > 1 ? fields : []
  for (const { path, message: why } of several) io.err(`  ${safe(path)}: ${safe(why)}\n`)
  if (hint) io.err(`  ${safe(hint)}\n`)
  else if (isBug) io.err('  This is a bug. Run the command again with --verbose and report what it shows.\n')
  if (how.verbose)
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      io.err(`${cause.stack ?? cause.message}\n`)
  return known.exit
}

const safeIndented = (line: string): string => `${/^ */.exec(line)![0]}${safe(line.trimStart())}`

const firstLine = (value: unknown): string => (value instanceof Error ? value.message : String(value)).split('\n')[0]!

/** Errors of the operating system that reach the boundary are the operator's to fix, not bugs. */
const fromSystem = (error: unknown): GatewayError => {
  if (error instanceof GatewayError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'EACCES' || code === 'EPERM') return new GatewayError('permission_denied', message, {}, { cause: error })
  if (code === 'EADDRINUSE' || code === 'EADDRNOTAVAIL') {
    return new GatewayError(
      'storage_unavailable',
      message,
      { hint: 'Give another address with --host or --port; --port 0 picks a free one.' },
      { cause: error },
    )
  }
  if (['ENOSPC', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOENT', 'EISDIR', 'ENOTDIR'].includes(code))
    return new GatewayError('database_refused', message, {}, { cause: error })
  return new GatewayError('internal_error', undefined, {}, { cause: error })
}

export const isErrorCode = (code: unknown): code is keyof typeof errorCatalogue =>
  typeof code === 'string' && Object.hasOwn(errorCatalogue, code)
