import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { GatewayError } from '../kernel/errors.ts'

/** `--data`, else `GATEWAY_DATA`, else `$XDG_DATA_HOME/gateway`, else `~/.local/share/gateway`. Relative XDG paths are ignored, as its specification says. */
export const chooseDataDir = (
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): { path: string; source: 'flag' | 'environment' | 'default'; name: string } => {
  if (flag !== undefined) return { path: resolve(cwd, flag), source: 'flag', name: '--data' }
  if (env['GATEWAY_DATA'] !== undefined)
    return { path: resolve(cwd, env['GATEWAY_DATA']), source: 'environment', name: 'GATEWAY_DATA' }
  const xdg = env['XDG_DATA_HOME']
  if (xdg && isAbsolute(xdg)) return { path: join(xdg, 'gateway'), source: 'environment', name: 'XDG_DATA_HOME' }
  return { path: join(env['HOME'] || homedir(), '.local', 'share', 'gateway'), source: 'default', name: '' }
}

export const databasePath = (dataDir: string): string => join(dataDir, 'gateway.db')
export const masterKeyPath = (dataDir: string): string => join(dataDir, 'master.key')
export const socketPath = (dataDir: string): string => join(dataDir, 'gateway.sock')
export const configPath = (dataDir: string): string => join(dataDir, 'gateway.yaml')

const ours =
  /^(gateway\.(db|yaml|sock)|usage\.db|daemon\.(lock|pid)|ledger\.journal|master\.key|logs|backups|outbox|bootstrap)/

/** Bytes that fit into `sun_path`: 104 on macOS and 108 on Linux, with the zero at the end. */
const longestSocketPath = process.platform === 'darwin' ? 103 : 107

/** As `mkdir -p`. Node's own recursive form never returns where the kernel answers ENOENT below a directory that exists, as in /proc. */
export const makeDirectory = (path: string): void => {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    makeDirectory(dirname(path))
    mkdirSync(path, { mode: 0o700 })
  }
}

/**
 * Makes the data directory if need be, for its owner alone. An existing directory that others can enter is closed when it is empty or a gateway's; a directory
 * with other things in it is left as it is and refused, because closing it could break whatever it belongs to.
 */
export const prepareDataDir = (dataDir: string): void => {
  const refuse = (
    code: 'configuration_invalid' | 'permission_denied',
    why: string,
    hint: string,
    cause?: unknown,
  ): GatewayError => new GatewayError(code, `The data directory ${dataDir} ${why}.`, { hint }, { cause })
  if (Buffer.byteLength(socketPath(dataDir)) > longestSocketPath) {
    throw refuse('configuration_invalid', 'has a path too long for the socket in it', 'Name a shorter one with --data.')
  }
  try {
    makeDirectory(dataDir)
    const stat = statSync(dataDir)
    if (!stat.isDirectory())
      throw refuse('configuration_invalid', 'is not a directory', 'Name another one with --data.')
    for (const name of ['ledger.journal', 'daemon.lock', 'daemon.pid']) {
      if (!statSync(join(dataDir, name), { throwIfNoEntry: false })?.isDirectory()) continue
      throw refuse('configuration_invalid', `holds a directory ${name} where a file belongs`, 'Move it away.')
    }
    if ((stat.mode & 0o077) === 0) return
    if (!readdirSync(dataDir).every((name) => ours.test(name))) {
      throw refuse(
        'configuration_invalid',
        'can be read by others and holds other things',
        'Name a directory of its own with --data, or close this one: chmod 700.',
      )
    }
    chmodSync(dataDir, 0o700)
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (code === 'EACCES' || code === 'EPERM')
      throw refuse('permission_denied', 'cannot be used by this user', 'Name another one with --data.', cause)
    const why =
      code === 'EEXIST' || code === 'ENOTDIR'
        ? 'is not a directory'
        : code === 'EROFS'
          ? 'is on a read-only file system'
          : `cannot be used (${code})`
    throw refuse('configuration_invalid', why, 'Name another one with --data.', cause)
  }
}
