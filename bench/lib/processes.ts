import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import type { LoadCommand, LoadResults } from './load-protocol.ts'
import type { LoopWatch } from './loop-delay.ts'

/** Which core does what. With fewer than three, mock and load share the one that the candidate does not use. */
export const cores = (() => {
  const count = availableParallelism()
  if (count >= 4) return { candidate: 1, mock: 2, load: 3, shared: false }
  if (count === 3) return { candidate: 1, mock: 2, load: 0, shared: false }
  return { candidate: 1, mock: 0, load: 0, shared: true }
})()

/** `core`: a number, or a list such as `0,1`. */
export const pinned = (core: number | string, command: readonly string[]): [string, string[]] =>
  process.platform === 'linux' && availableParallelism() > 1
    ? ['taskset', ['-c', String(core), ...command]]
    : [command[0]!, command.slice(1)]

const started = new Set<ChildProcess>()
const remember = (child: ChildProcess): ChildProcess => {
  started.add(child)
  child.once('exit', () => started.delete(child))
  return child
}

/** Ends a process that we started; the hard way after five seconds. */
export const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(hard)
}
export const stopAll = async (): Promise<void> => void (await Promise.all([...started].map(stop)))

/** A process of this harness, spoken to by messages. */
export class Worker {
  readonly child: ChildProcess
  readonly port: number
  readonly #answers = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  #next = 1

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
    child.on('message', (message: { id: number; result: never; error?: string }) => {
      const answer = this.#answers.get(message.id)
      this.#answers.delete(message.id)
      if (message.error === undefined) answer?.resolve(message.result)
      else answer?.reject(new Error(message.error))
    })
    child.once('exit', (code) => {
      for (const { reject } of this.#answers.values()) reject(new Error(`a process of the harness ended with ${code}`))
    })
  }

  static async start(name: string, core: number, args: readonly string[] = [], loop?: LoopWatch): Promise<Worker> {
    const file = new URL(`../processes/${name}.ts`, import.meta.url).pathname
    const [command, rest] = pinned(core, [process.execPath, ...(loop?.nodeOptions ?? []), file, ...args])
    const child = remember(
      spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...loop?.env } }),
    )
    const hello = await new Promise<{ port: number }>((resolve, reject) => {
      child.once('message', (message) => resolve(message as { port: number }))
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready`)))
    })
    return new Worker(child, hello.port)
  }

  ask<Result>(message: object): Promise<Result> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.child.send({ ...message, id })
    })
  }

  load<Command extends LoadCommand>(command: Command): Promise<LoadResults[Command['op']]> {
    return this.ask(command)
  }
}

/** A candidate that is a program of its own; `ready` looks at each line of its output until it finds the port. */
export const startProgram = async (
  command: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv
    readonly cwd?: string
    readonly ready: (line: string) => number | null
    readonly timeoutMs: number
    /** Where it may run; by default on the core of candidates. */
    readonly core?: string
  },
): Promise<{ child: ChildProcess; port: number }> => {
  const [program, args] = pinned(options.core ?? cores.candidate, command)
  const child = remember(
    spawn(program, args, { env: options.env ?? process.env, cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'] }),
  )
  const lines: string[] = []
  const port = await new Promise<number>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`not ready in time: ${command.join(' ')}\n${lines.join('\n')}`)),
      options.timeoutMs,
    )
    const look = (line: string): void => {
      if (lines.length < 50) lines.push(line)
      const found = options.ready(line)
      if (found === null) return
      clearTimeout(late)
      resolve(found)
    }
    createInterface(child.stdout!).on('line', look)
    createInterface(child.stderr!).on('line', look)
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${command.join(' ')}\n${lines.join('\n')}`)))
  })
  return { child, port }
}

/** Seconds of processor time that a process and its threads have used. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** The mock provider's own view of what is going on. */
export const upstreamState = (mock: Worker): Promise<{ readonly openStreams: number; readonly requests: number }> =>
  mock.ask({})

/** Asks every 50 ms until it is so; false if it never was. */
export const eventually = async (timeoutMs: number, condition: () => Promise<boolean>): Promise<boolean> => {
  for (let waited = 0; waited < timeoutMs; waited += 50) {
    if (await condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

/** Resident memory in KB. */
export const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)
