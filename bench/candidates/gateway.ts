import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { benchModels } from '../lib/bodies.ts'
import { watchLoop } from '../lib/loop-delay.ts'
import type { LoopWatch } from '../lib/loop-delay.ts'
import type { Worker } from '../lib/processes.ts'
import { startProgram, stop } from '../lib/processes.ts'
import type { Candidate } from './candidate.ts'

const main = join(import.meta.dirname, '../../dist/cli/main.js')

export interface GatewayCandidate extends Candidate {
  readonly dataDir: string
  /** One command of its own command line; what it prints with `--json`. */
  command(...args: string[]): Promise<unknown>
}

export interface GatewayOptions {
  readonly nodeOptions?: readonly string[]
  /** Cores it may use, instead of one. */
  readonly core?: string
}

export const gatewayIsBuilt = (): boolean => existsSync(main)

/** How `gateway serve` says that it listens. */
const listening = (line: string): number | null => {
  const url =
    /"event":"listening".*?"url":"http:\/\/[^"]*:(\d+)"/.exec(line) ?? /listening on http:\/\/\S*:(\d+)/.exec(line)
  return url ? Number(url[1]) : null
}

export const serveGateway = (
  dataDir: string,
  loop?: LoopWatch,
  options: GatewayOptions = {},
): ReturnType<typeof startProgram> =>
  startProgram(
    [process.execPath, ...(loop?.nodeOptions ?? []), ...(options.nodeOptions ?? []), main, 'serve', '--json'],
    {
      env: { ...process.env, GATEWAY_DATA: dataDir, GATEWAY_PORT: '0', ...loop?.env },
      ready: listening,
      timeoutMs: 30_000,
      ...(options.core !== undefined && { core: options.core }),
    },
  )

/** The product as anybody would set it up: its own command line, everything on, nothing tuned. */
export const gateway = async (mock: Worker, options: GatewayOptions = {}): Promise<GatewayCandidate> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-bench-'))
  const loop = watchLoop()
  const { child, port } = await serveGateway(dataDir, loop, options)
  const command = async (...args: string[]): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...args, '--json'], {
      env: { ...process.env, GATEWAY_DATA: dataDir, BENCH_PROVIDER_SECRET: 'sk-bench-provider' },
    })
    return JSON.parse(stdout || 'null')
  }
  const base = `http://127.0.0.1:${mock.port}/v1`
  const secret = ['--secret-env', 'BENCH_PROVIDER_SECRET']
  await command(
    'providers',
    'add',
    'mock',
    '--kind',
    'openai-compatible',
    '--base-url',
    base,
    '--allow-private',
    ...secret,
  )
  await command(
    'providers',
    'add',
    'mock-messages',
    '--kind',
    'anthropic-compatible',
    '--base-url',
    base,
    '--allow-private',
    ...secret,
  )
  await command('users', 'create', 'bench@example.test')
  await command('credits', 'grant', 'bench@example.test', '1000000', '--idempotency-key', 'bench')
  const key = (await command('keys', 'create', '--user', 'bench@example.test', '--name', 'bench')) as { secret: string }
  for (const model of Object.values(benchModels)) {
    const prices = ['--input-price', '2.5', '--output-price', '10', '--cached-input-price', '0.25']
    await command('models', 'create', model, '--target', `mock/${model}`, ...prices)
    await command('models', 'create', `messages-${model}`, '--target', `mock-messages/${model}`, ...prices)
  }
  return {
    name: 'gateway',
    pid: child.pid!,
    port,
    dataDir,
    command,
    headers: (dialect) =>
      dialect === 'openai'
        ? { authorization: `Bearer ${key.secret}` }
        : { 'x-api-key': key.secret, 'anthropic-version': '2023-06-01' },
    modelName: (dialect, model) => (dialect === 'openai' ? model : `messages-${model}`),
    loopDelay: loop.read,
    stop: async () => {
      await stop(child)
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
