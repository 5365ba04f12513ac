import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { GatewayError } from '../kernel/errors.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  ELOOP: 'is a loop of symbolic links',
  EISDIR: 'is a directory',
  ENAMETOOLONG: 'has a name that is too long',
}

/** The UTF-8 text of a regular file, and who may read it. Never blocks on a pipe or device and never reads more than `limit` bytes. */
export const readSmallFile = (path: string, limit: number): { text: string; mode: number } => {
  const refuse = (why: string, cause?: unknown): GatewayError =>
    new GatewayError('configuration_invalid', `${path} ${why}.`, {}, { cause })
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code === 'EACCES' || code === 'EPERM')
      throw new GatewayError('permission_denied', `${path} may not be read by this user.`, {}, { cause })
    throw refuse(reasons[code] ?? `cannot be opened (${code})`, cause)
  }
  try {
    const stat = fstatSync(file)
    if (stat.isDirectory()) throw refuse('is a directory')
    if (!stat.isFile()) throw refuse('is not a regular file')
    if (stat.size > limit) throw refuse(`is larger than ${limit} bytes`)
    const bytes = Buffer.alloc(limit + 1)
    let length = 0
    for (let read = -1; read !== 0 && length <= limit; length += read)
      read = readSync(file, bytes, length, bytes.length - length, null)
    if (length > limit) throw refuse(`is larger than ${limit} bytes`)
    try {
      // A byte order mark is dropped by the decoder.
      return {
        text: new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)),
        mode: stat.mode & 0o777,
      }
    } catch (cause) {
      throw refuse('is not UTF-8 text', cause)
    }
  } finally {
    closeSync(file)
  }
}
