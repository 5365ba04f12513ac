import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A real gateway: `gateway serve` in a process of its own on a data directory of its own, administered over its socket. */
export interface Gateway {
  readonly url: string
  readonly dataDir: string
  readonly process: ChildProcess
  /** Milliseconds from spawn to the listening line. */
  readonly startMs: number
  /** Runs an operation over the socket; throws with the problem's code and detail. */
  call<T = Record<string, unknown>>(operation: string, input?: object): Promise<T>
  /** Standard error so far. */
  log(): string
  /** SIGTERM, then waits for the end; resolves to the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, then waits for the end. The data directory stays. */
  kill(): Promise<void>
}

const root = join(import.meta.dirname, '../..')
export const cliPath = join(root, 'dist/cli/main.js')

/** Builds dist/ when a source file is newer. Tests run what users run. */
export const ensureBuilt = (): void => {
  const stamp = join(root, 'dist/.tsbuildinfo')
  if (existsSync(cliPath) && existsSync(stamp)) {
    const newer = execFileSync('find', [join(root, 'src'), '-name', '*.ts', '-newer', stamp], { encoding: 'utf8' })
    if (newer.trim() === '' && statSync(cliPath).size > 0) return
  }
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-b'], { cwd: root, stdio: 'inherit' })
}

export const newDataDir = (): string => mkdtempSync(join(tmpdir(), 'gateway-test-'))
export const removeDataDir = (dir: string): void => rmSync(dir, { recursive: true, force: true })

export interface GatewayOptions {
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

export const startGateway = async (options: GatewayOptions = {}): Promise<Gateway> => {
  const dataDir = options.dataDir ?? newDataDir()
  const spawned = performance.now()
  const child = spawn(
    process.execPath,
    [cliPath, 'serve', '--json', '--data', dataDir, '--port', '0', ...(options.args ?? [])],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        GATEWAY_ALLOW_PRIVATE_UPSTREAMS: '127.0.0.0/8',
        GATEWAY_LOG_LEVEL: 'warn',
        ...options.env,
      },
    },
  )
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { event: string; url: string }
      if (event.event === 'listening') resolve(event.url)
    })
    void ended.then((code) => reject(new Error(`gateway serve ended with ${code} before it listened:\n${stderr}`)))
  })
  const startMs = performance.now() - spawned
  return {
    url,
    dataDir,
    process: child,
    startMs,
    call: (operation, input = {}) => callOperation(join(dataDir, 'gateway.sock'), operation, input),
    log: () => stderr,
    async stop() {
      child.kill('SIGTERM')
      return ended
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

let sequence = 0

const callOperation = <T>(socketPath: string, operation: string, input: object): Promise<T> =>
  new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      'idempotency-key': `test-${process.pid}-${Date.now()}-${sequence++}`,
    }
    const call = request(
      { socketPath, method: 'POST', path: `/api/admin/operations/${operation}`, headers, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        response.on('end', () => {
          const body = JSON.parse(text) as T & { code?: string; detail?: string }
          if ((response.statusCode ?? 500) < 300) resolve(body)
          else reject(new Error(`${operation}: ${response.statusCode} ${body.code}: ${body.detail}`))
        })
      },
    )
    call.on('error', reject)
    call.end(JSON.stringify(input))
  })

/** A user with credits and a key, ready to send requests. */
export const createCustomer = async (
  gateway: Gateway,
  options: { credits?: string; key?: object; email?: string } = {},
): Promise<{ user: string; key: string; keyId: string }> => {
  const email = options.email ?? `user-${sequence++}@example.com`
  const user = await gateway.call<{ id: string }>('users.create', { email })
  if (options.credits !== '0') await gateway.call('credits.grant', { user: email, amount: options.credits ?? '1000' })
  const key = await gateway.call<{ id: string; secret: string }>('keys.create', { user: email, ...options.key })
  return { user: user.id, key: key.secret, keyId: key.id }
}
