import { once } from 'node:events'
import { lstatSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { GatewayError } from '../core/kernel/errors.ts'

/** Resolves when the server accepts connections. Rejects with a sentence for the operator. */
export const listen = async (
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<void> => {
  try {
    server.listen(where)
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const place = 'path' in where ? where.path : `${where.host}:${where.port}`
    if (code === 'EADDRINUSE')
      throw new GatewayError(
        'daemon_unreachable',
        `${place} is in use by another program.`,
        { hint: 'Choose another port with --port.' },
        { cause },
      )
    throw new GatewayError('daemon_unreachable', `The gateway cannot listen on ${place} (${code}).`, {}, { cause })
  }
}

/** Makes room for a socket at a path whose last listener has ended. What is not a socket there is somebody's: refused as `configuration_invalid`. */
export const clearSocket = (path: string): void => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found && !found.isSocket()) {
    throw new GatewayError(
      'configuration_invalid',
      `${path} is ${found.isDirectory() ? 'a directory' : 'a file'}; the daemon's socket belongs there.`,
      { hint: 'Move it away, or name another data directory with --data.' },
    )
  }
  rmSync(path, { force: true })
}
