import { Worker, cores, stop } from '../lib/processes.ts'
import { watchLoop } from '../lib/loop-delay.ts'
import type { Candidate } from './candidate.ts'

const headers = (): Readonly<Record<string, string>> => ({ authorization: 'Bearer sk-bench' })

/** No gateway at all: what the harness itself costs. */
export const direct = (mock: Worker): Candidate => ({
  name: 'direct',
  pid: mock.child.pid!,
  port: mock.port,
  headers,
  modelName: (_dialect, model) => model,
  loopDelay: null,
  stop: async () => {},
})

/** node:http + undici `dispatch`, nothing else. */
export const bare = async (mock: Worker): Promise<Candidate> => {
  const loop = watchLoop()
  const worker = await Worker.start('bare', cores.candidate, [`http://127.0.0.1:${mock.port}`], loop)
  return {
    name: 'bare',
    pid: worker.child.pid!,
    port: worker.port,
    headers,
    modelName: (_dialect, model) => model,
    loopDelay: loop.read,
    stop: () => stop(worker.child),
  }
}
