import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { databasePath, socketPath } from '../core/config/data-dir.ts'
import type { Config } from '../core/config/config.ts'
import type { LoadedConfig } from '../core/config/load.ts'
import { GatewayError } from '../core/kernel/errors.ts'

export interface CallOptions {
  readonly idempotencyKey?: string
}

/** The administrative surface, whichever way it is reached. Commands cannot tell which one is in use. */
export interface AdminClient {
  readonly via: 'url' | 'socket' | 'direct'
  /** For people: the address, the socket or the data directory. */
  readonly where: string
  /** Runs one operation with its whole input. Throws GatewayError. */
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>
  close(): Promise<void>
}

export interface Target {
  readonly url: string | null
  readonly token: string | null
  /** true: never ask a daemon; false: never open the database. */
  readonly direct: boolean | undefined
  /** Called when no address is given. */
  readonly load: () => Pick<LoadedConfig, 'config'>
  readonly note: (message: string) => void
}

/** The daemon that runs in the data directory of `config`, and nothing else. */
export const daemonOf = (config: Config): Target => ({
  url: null,
  token: null,
  direct: false,
  load: () => ({ config }),
  note: () => undefined,
})

/** A remote gateway if an address is given, else the daemon behind the socket, else the database itself. */
export const connect = async (target: Target): Promise<AdminClient> => {
  if (target.url !== null) {
    if (target.direct === true)
      throw new GatewayError('usage_error', '--direct and an address (--url, GATEWAY_URL) exclude each other.')
    const url = parseUrl(target.url)
    if (url.protocol === 'http:' && target.token && !isLoopback(url.hostname))
      target.note('The token travels in the clear: use https.')
    return (await import('./http-client.ts')).createHttpClient({ url, token: target.token })
  }
  const { config } = target.load()
  const path = socketPath(config.dataDir)
  if (target.direct !== true && (await answers(path)))
    return (await import('./http-client.ts')).createHttpClient({ socketPath: path })
  if (target.direct === false) {
    throw new GatewayError('daemon_unreachable', `No daemon answers at ${path}.`, {
      hint: `Start it with "gateway serve --data ${config.dataDir}".`,
    })
  }
  return (await import('./direct-client.ts')).createDirectClient(
    config,
    existsSync(databasePath(config.dataDir)),
    target.note,
  )
}

export const parseUrl = (text: string): URL => {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new GatewayError(
      'usage_error',
      `"${text.slice(0, 100)}" is not an address such as https://gateway.example.com.`,
    )
  }
  return url
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.')

/** Whether somebody accepts connections at a socket. A socket file that a killed daemon left behind does not. */
const answers = (path: string): Promise<boolean> => {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const socket = createConnection({ path, timeout: 5000 })
  socket.on('connect', () => resolve(true))
  socket.on('timeout', () => resolve(true))
  socket.on('error', (error) => {
    const code = 'code' in error ? String(error.code) : ''
    if (code === 'EACCES' || code === 'EPERM') {
      reject(
        new GatewayError(
          'permission_denied',
          `${path} may not be used by this user.`,
          { hint: 'Run the command as the user that runs the daemon.' },
          { cause: error },
        ),
      )
    } else resolve(false)
  })
  return promise.finally(() => socket.destroy())
}
