import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LoopDelay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What a candidate is started with so that its event loop is watched, and how to ask. */
export interface LoopWatch {
  readonly nodeOptions: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds since the last call. */
  read(): Promise<LoopDelay>
}

export const watchLoop = (): LoopWatch => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-loop-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const socket = join(folder, 'loop.sock')
  return {
    nodeOptions: ['--import', new URL('../processes/loop-delay.ts', import.meta.url).href],
    env: { BENCH_LOOP_DELAY: socket },
    read: () =>
      new Promise((resolve, reject) => {
        let text = ''
        connect(socket)
          .setEncoding('utf8')
          .on('data', (part) => (text += String(part)))
          .on('end', () => resolve(JSON.parse(text) as LoopDelay))
          .on('error', reject)
      }),
  }
}
